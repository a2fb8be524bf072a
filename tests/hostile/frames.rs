//! Row 15: where one watch event ends and the next begins.
//!
//! A watch is a sequence of JSON values and not of lines. Whatever a proxy finds between two of them,
//! a kubelet's decoder must not find a pod there that was not decided on.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::case::Case;
use super::pods::{evil, good, with};
use crate::support::hostile_api_server::answer::{Answer, Step};

pub(crate) fn trials() -> Vec<Trial> {
    let framing = framing();
    let slow = framing.iter().map(|case| case.clone().byte_by_byte()).collect();
    [framing, slow].concat().iter().flat_map(Case::trials).collect()
}

fn compact(kind: &str, object: &Value) -> String {
    json!({"type": kind, "object": object}).to_string()
}

fn framing() -> Vec<Case> {
    let (evil, good) = (compact("ADDED", &evil("evil")), compact("ADDED", &good("good")));
    let tricky = with(super::pods::good("good"), "/metadata/annotations/x", json!("}\\\"}{"));
    let tricky = compact("ADDED", &tricky);
    let pretty = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        serde_json::to_string_pretty(&value).expect("JSON")
    };
    let watch = |name: &str, text: String| {
        Case::watch(15, format!("watch with {name}"), Answer::watch([text]))
    };
    let ended = |name: &str, text: String| {
        let answer = Answer::watch_steps([Step::Send(text.into())]);
        Case::watch(15, format!("watch with {name}"), answer)
    };
    vec![
        watch("two values on a line", format!("{evil}{good}\n")).harms().on_all_minors(),
        watch("a good value before an evil one on a line", format!("{good}{evil}\n")).harms(),
        watch("values over many lines", format!("{}\n{}\n", pretty(&evil), pretty(&good)))
            .harms()
            .on_all_minors(),
        watch("carriage returns and blank lines", format!("\r\n\r\n{evil}\r\n \t\n{good}\r\n"))
            .harms(),
        watch("no newline at all", format!("{evil}{good}")).harms(),
        ended("no final newline", format!("{good}\n{evil}")).harms(),
        ended("a value cut short", format!("{good}\n{}", &evil[..evil.len() - 1])),
        watch("a byte order mark", format!("\u{feff}{evil}\n{good}\n")),
        watch("record separators", format!("\u{1e}{evil}\n\u{1e}{good}\n")),
        watch("a comma between values", format!("{evil},{good}\n")),
        watch("an array around the values", format!("[{evil},{good}]\n")),
        watch("NULs between values", format!("{evil}\0\0{good}\n")),
        watch("a form feed between values", format!("{evil}\u{c}{good}\n")),
        watch("a no-break space between values", format!("{evil}\u{a0}{good}\n")),
        watch("a comment between values", format!("/* x */{evil}// y\n{good}\n")),
        watch("a stray brace", format!("{evil}}}{good}\n")),
        watch("a bare string before", format!("\"x\"{evil}{good}\n")),
        watch("a bare null before", format!("null\n{evil}\n{good}\n")),
        watch("server-sent events", format!("data: {evil}\n\ndata: {good}\n\n")),
        watch("a brace in a string", format!("{evil}\n{tricky}\n")).harms(),
    ]
}
