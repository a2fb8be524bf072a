//! Which pods really run: the kubelet's `/runningpods/`, read strictly.
//!
//! For exec and its like the kubelet looks for a pod's name among what its runtime runs, so what the
//! runtime runs is what has to be permitted. The answer (`ToAPIPod`, 1.33 to 1.36) has, of every pod with
//! a ready sandbox or a running container, name, namespace, UID, and its running containers' names and
//! images. **The kubelet keeps it for three seconds** (`runtimeCacheRefreshPeriod`): it may lack what
//! started since, and hold what ended since.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::kubelet::{Kubelet, KubeletFault};
use super::limits::{MAX_RUNNING_PODS, MAX_RUNNING_PODS_BYTES, RUNNING_PODS_LIMIT};
use crate::kube_wire::document::{DocumentFault, read_whole};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::json::{Limits, Tape, Value};
use crate::net::drain::Drain;

/// Real answers nest seven deep; a value for each word of each container of each pod.
const LIMITS: Limits = Limits { depth: 16, nodes: 1 << 17 };

/// Stands for a UID that no kubelet gives: nobody knows such a pod.
const UNSOUND_UID: &str = "unsound";

/// Why it is not known which pods run.
#[derive(Debug, Error)]
pub enum RunningPodsFault {
    /// No answer of the kubelet.
    #[error(transparent)]
    Kubelet(#[from] KubeletFault),
    /// An answer that is no list.
    #[error("/runningpods/ was answered with {0}")]
    Answer(&'static str),
    /// Too long, or broken off.
    #[error("the answer to /runningpods/ broke off or is too long")]
    Body,
    /// Not JSON.
    #[error("the answer to /runningpods/: {0}")]
    Json(#[from] DocumentFault),
    /// Not the list that it must be.
    #[error("the answer to /runningpods/ has {0}")]
    Shape(&'static str),
    /// Nothing in time.
    #[error("the kubelet did not say in time which pods run")]
    TooSlow,
}

/// The pods that run on the node.
#[derive(Debug)]
pub struct RunningPods {
    asked_at: Instant,
    by_name: HashMap<(String, String), Vec<String>>,
    uids: HashSet<String>,
}

impl RunningPods {
    /// Reads an answer to a question of that time.
    ///
    /// # Errors
    /// [`RunningPodsFault`] for anything but a whole `PodList` of sound names: half an answer would hide
    /// a pod.
    pub fn read(asked_at: Instant, body: &[u8]) -> Result<Self, RunningPodsFault> {
        let mut tape = Tape::default();
        if let Some(flaw) = read_whole(body, &mut tape, LIMITS)? {
            return Err(DocumentFault::from(flaw).into());
        }
        let root = tape.root(body);
        if (text(&root, "kind")?, text(&root, "apiVersion")?) != ("PodList", "v1") {
            return Err(RunningPodsFault::Shape("another object than a PodList"));
        }
        let mut read = Self { asked_at, by_name: HashMap::new(), uids: HashSet::new() };
        let items = sole(&root, "items")?;
        if !items.is_array() && !items.is_null() {
            return Err(RunningPodsFault::Shape("items that are no list"));
        }
        items.items().try_for_each(|item| read.add(&item))?;
        Ok(read)
    }

    fn add(&mut self, item: &Value<'_>) -> Result<(), RunningPodsFault> {
        let metadata = sole(item, "metadata")?;
        let (namespace, name, uid) =
            (text(&metadata, "namespace")?, text(&metadata, "name")?, text(&metadata, "uid")?);
        // What somebody else runs in the same runtime, without a name that any call could have.
        if !Grammar::DnsLabel.matches(namespace) || !Grammar::DnsSubdomain.matches(name) {
            return Ok(());
        }
        let uid = if Grammar::DnsLabel.matches(uid) { uid } else { UNSOUND_UID };
        let is_twice = !self.uids.insert(uid.to_owned()) && uid != UNSOUND_UID;
        if is_twice || self.uids.len() > MAX_RUNNING_PODS {
            return Err(RunningPodsFault::Shape("a UID twice, or too many pods"));
        }
        let name = (namespace.to_owned(), name.to_owned());
        self.by_name.entry(name).or_default().push(uid.to_owned());
        Ok(())
    }

    /// When the kubelet was asked.
    pub fn asked_at(&self) -> Instant {
        self.asked_at
    }

    /// UIDs of the pods that run under a name.
    pub fn under(&self, namespace: &str, name: &str) -> &[String] {
        let name = (namespace.to_owned(), name.to_owned());
        self.by_name.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Does a pod of this UID run, whatever its name?
    pub fn runs(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }
}

/// The only member of this name: of two, readers take different ones.
fn sole<'a>(object: &Value<'a>, name: &str) -> Result<Value<'a>, RunningPodsFault> {
    at_most_one(object, name)?.ok_or(RunningPodsFault::Shape("a member too few"))
}

fn at_most_one<'a>(object: &Value<'a>, name: &str) -> Result<Option<Value<'a>>, RunningPodsFault> {
    let mut found = object.entries().filter(|(key, _)| *key == name);
    match (found.next(), found.next()) {
        (member, None) => Ok(member.map(|(_, member)| member)),
        (_, Some(_)) => Err(RunningPodsFault::Shape("a member twice")),
    }
}

/// A text; where it is empty, Go leaves it out.
fn text<'a>(object: &Value<'a>, name: &str) -> Result<&'a str, RunningPodsFault> {
    match at_most_one(object, name)? {
        None => Ok(""),
        Some(text) => text.as_str().ok_or(RunningPodsFault::Shape("a member that is no text")),
    }
}

/// Asks the kubelet, one question at a time: whoever waited for an answer shares it.
#[derive(Debug)]
pub struct RunningQuestion {
    kubelet: Arc<Kubelet>,
    drain: Drain,
    last: Mutex<Option<Arc<RunningPods>>>,
}

impl RunningQuestion {
    /// Questions to one kubelet.
    pub fn new(kubelet: Arc<Kubelet>, drain: Drain) -> Self {
        Self { kubelet, drain, last: Mutex::default() }
    }

    /// The answer to a question not asked before `not_before`.
    ///
    /// # Errors
    /// [`RunningPodsFault`] if there is none in time; then nothing is known.
    pub async fn ask(&self, not_before: Instant) -> Result<Arc<RunningPods>, RunningPodsFault> {
        let asking = timeout(RUNNING_PODS_LIMIT, self.ask_in_turn(not_before)).await;
        asking.map_err(|_| RunningPodsFault::TooSlow)?
    }

    async fn ask_in_turn(&self, not_before: Instant) -> Result<Arc<RunningPods>, RunningPodsFault> {
        let mut last = self.last.lock().await;
        if let Some(known) = last.as_ref().filter(|known| known.asked_at >= not_before) {
            return Ok(Arc::clone(known));
        }
        let asked_at = Instant::now();
        let (head, body) = self.kubelet.ask_for_running_pods(&self.drain).await?.into_parts();
        if head.status != http::StatusCode::OK {
            return Err(RunningPodsFault::Answer("another status than 200"));
        }
        let content_type = head.headers.get(http::header::CONTENT_TYPE);
        if content_type.is_none_or(|value| value != "application/json") {
            return Err(RunningPodsFault::Answer("something else than application/json"));
        }
        let body = Limited::new(body, MAX_RUNNING_PODS_BYTES).collect().await;
        let body = body.map_err(|_| RunningPodsFault::Body)?.to_bytes();
        let read = Arc::new(RunningPods::read(asked_at, &body)?);
        *last = Some(Arc::clone(&read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<RunningPods, RunningPodsFault> {
        RunningPods::read(Instant::now(), body.as_bytes())
    }

    fn list(items: &str) -> String {
        format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":{items}}}"#)
    }

    fn pod(name: &str, uid: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"ns","uid":"{uid}"}},"spec":{{"containers":[{{"name":"c","image":"i","resources":{{}}}}]}},"status":{{}}}}"#
        )
    }

    const STATIC: &str = "3f1a0c6f2b2f4d8f9f0d1d6f0a0b0c0d";

    #[test]
    fn what_a_kubelet_answers_is_read() {
        let read = |items: &str| read(&list(items)).unwrap();
        assert!(read("null").uids.is_empty() && read("[]").uids.is_empty());
        let three = [pod("a", "u1"), pod("a", "u2"), pod("b.c", STATIC)].join(",");
        let pods = read(&format!("[{three}]"));
        assert_eq!(pods.under("ns", "a"), ["u1", "u2"]);
        assert_eq!(pods.under("ns", "b.c"), [STATIC]);
        assert!(pods.under("other", "a").is_empty() && pods.under("ns", "c").is_empty());
        assert!(pods.runs("u2") && !pods.runs("u3"));
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = list(&format!("[{}]", pod("a", "u1")));
        assert!(read(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(read(&whole[..at]).is_err(), "{at}");
        }
        for body in [
            "{}".to_owned(),
            list("[]").replace("PodList", "NodeList"),
            list("[]").replace("\"v1\"", "\"v2\""),
            list("[]").replace("\"items\"", "\"Items\""),
            list("{}"),
            list("[{}]"),
            list(&format!("[{},{}]", pod("a", "u1"), pod("b", "u1"))),
            list(&format!("[{}]", pod("a", "u1").replace("\"u1\"", "1"))),
            list(r#"[{"spec":{}}]"#),
            list("[]").replace("{}", r#"{},"kind":"PodList""#),
            list("[]").replace("{}", r#"{},"items":[]"#),
            list(&format!("[{}]", pod("a", "u1").replace("\"uid\"", "\"uid\":\"u2\",\"uid\""))),
            whole + "x",
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }

    /// Somebody else's pods, by the runtime's own tools, must not close the API of the whole node.
    #[test]
    fn pods_that_are_no_kubelets_hide_no_other() {
        let odd = [
            pod("a", "U_1"),
            pod("a", ""),
            pod("../b", "u1"),
            r#"{"metadata":{}}"#.to_owned(),
            pod("a", "u2"),
        ];
        let pods = read(&list(&format!("[{}]", odd.join(",")))).unwrap();
        assert_eq!(pods.under("ns", "a"), [UNSOUND_UID, UNSOUND_UID, "u2"]);
        assert_eq!(pods.by_name.len(), 1);
    }

    #[test]
    fn more_pods_than_a_node_can_have_are_refused() {
        let pods = |count: usize| {
            let pods: Vec<String> = (0..count).map(|n| pod("a", &format!("u{n}"))).collect();
            read(&list(&format!("[{}]", pods.join(","))))
        };
        assert_eq!(pods(MAX_RUNNING_PODS).unwrap().under("ns", "a").len(), MAX_RUNNING_PODS);
        assert!(pods(MAX_RUNNING_PODS + 1).is_err());
    }
}
