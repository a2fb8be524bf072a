//! The query of a list or watch, rebuilt from the parameters that a reflector uses.

use super::{Refusal, is_true};
use crate::kube_wire::request_path::{Query, append_parameter};

const QUERY: Refusal = Refusal {
    rule: "list-query",
    message: "only the parameters that a kubelet's reflectors send are taken",
};

/// What a reflector asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// What goes upstream, without `?`.
    pub text: String,
    /// A later page, a page with a limit, or a choice among the node's pods: absence proves nothing.
    pub is_partial: bool,
    /// A watch that goes on from what the caller got of a list. Whether it names a version tells nothing:
    /// the API server chooses the versions that a reflector resumes at, and may choose `0` or none.
    pub resumes: bool,
    /// The selectors.
    pub selectors: String,
    /// Where an earlier page said that the list goes on.
    pub continues: Option<String>,
}

/// One page or events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Collection {
    List(ListQuery),
    Watch(ListQuery),
}

pub(super) fn read(query: &Query) -> Result<Collection, Refusal> {
    let is_watch = query.value("watch").is_some_and(is_true);
    let mut text = String::new();
    for (name, value) in query.iter() {
        match name {
            // Written below, in one spelling.
            "watch" => {}
            "allowWatchBookmarks"
            | "continue"
            | "fieldSelector"
            | "labelSelector"
            | "limit"
            | "resourceVersion"
            | "resourceVersionMatch"
            | "sendInitialEvents"
            | "timeout"
            | "timeoutSeconds" => append_parameter(&mut text, name, value),
            _ => return Err(QUERY),
        }
    }
    if is_watch {
        append_parameter(&mut text, "watch", "true");
    }
    let has = |name: &str| query.value(name).is_some_and(|value| !value.is_empty() && value != "0");
    let sends_initial_events = query.value("sendInitialEvents").is_some_and(is_true);
    let value = |name: &str| query.value(name).unwrap_or_default();
    let (fields, labels) = (value("fieldSelector"), value("labelSelector"));
    let chooses_node_only = fields.starts_with("spec.nodeName=") && !fields.contains(',');
    let is_choice = !labels.is_empty() || !(fields.is_empty() || chooses_node_only);
    let mut selectors = String::new();
    append_parameter(&mut selectors, "fieldSelector", fields);
    append_parameter(&mut selectors, "labelSelector", labels);
    let query = ListQuery {
        text,
        selectors,
        continues: Some(value("continue")).filter(|token| !token.is_empty()).map(str::to_owned),
        is_partial: is_choice
            || has("continue")
            || (has("limit") && query.value("resourceVersion") != Some("0")),
        resumes: is_watch && !sends_initial_events,
    };
    Ok(if is_watch { Collection::Watch(query) } else { Collection::List(query) })
}
