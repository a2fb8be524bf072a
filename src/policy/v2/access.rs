//! Who may reach into a pod through the kubelet's own API: `permit.access` and `kubeletApi`.
//!
//! Only what is written is permitted. Which calls there are is the guard's matter; here they are plain
//! questions with names, words and numbers.

use std::sync::Arc;

use super::argv_rule::ArgvRule;
use super::names::Names;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;

const ACCESS_KEYS: [&str; 6] =
    ["logs", "exec", "attach", "portForward", "checkpoint", "containers"];

const KUBELET_API_KEYS: [&str; 3] = ["endpoints", "defaults", "mirrorPods"];

/// What the kubelet tells about itself and its node, as a policy names it.
pub const ENDPOINTS: [&str; 9] =
    ["metrics", "healthz", "stats", "pods", "configz", "statusz", "flagz", "nodeLogs", "profiling"];

/// What may be done with the containers of one pod.
#[derive(Clone, Debug, Default)]
pub struct Access {
    logs: bool,
    exec: Vec<ArgvRule>,
    attach: bool,
    ports: PortRule,
    checkpoint: bool,
    /// Containers that it is about; all if absent. Ports are the whole pod's.
    containers: Option<Names>,
}

/// Ports of a pod that may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRule {
    /// Every port.
    Any,
    /// These.
    Only(Vec<u16>),
}

/// What the kubelet's own API serves, beside what single rules say about their pods.
#[derive(Clone, Debug, Default)]
pub struct KubeletApi {
    endpoints: Vec<&'static str>,
    defaults: Access,
    mirror_pods: Arc<Access>,
    nothing: Arc<Access>,
}

/// The same if they are one: what was written twice is told apart.
impl PartialEq for Access {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Access {}

impl Default for PortRule {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl Access {
    /// Reads `access`.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let written = at.object(&ACCESS_KEYS)?;
        let flag = |key| written.find(key).map_or(Ok(false), Located::boolean);
        let exec = match written.find("exec") {
            None => Vec::new(),
            Some(list) => {
                let mut read = |rule: &Located<'_>| ArgvRule::read(rule, warnings);
                list.elements()?.iter().map(&mut read).collect::<Result<_, _>>()?
            }
        };
        let ports = written.find("portForward").map(|ports| PortRule::read(ports, warnings));
        let containers = written.find("containers").map(Names::read_labels);
        Ok(Self {
            logs: flag("logs")?,
            exec,
            attach: flag("attach")?,
            ports: ports.transpose()?.unwrap_or_default(),
            checkpoint: flag("checkpoint")?,
            containers: containers.transpose()?,
        })
    }

    /// May what this container prints be read?
    pub fn permits_logs(&self, container: &str) -> bool {
        self.logs && self.concerns(container)
    }

    /// May this command run in this container?
    pub fn permits_exec(&self, container: &str, command: &[String]) -> bool {
        self.concerns(container) && self.exec.iter().any(|rule| rule.matches(command))
    }

    /// May somebody join this container's own streams?
    pub fn permits_attach(&self, container: &str) -> bool {
        self.attach && self.concerns(container)
    }

    /// May this container's memory be written to the node's disk?
    pub fn permits_checkpoint(&self, container: &str) -> bool {
        self.checkpoint && self.concerns(container)
    }

    /// Ports of the pod that may be reached.
    pub fn ports(&self) -> &PortRule {
        &self.ports
    }

    fn concerns(&self, container: &str) -> bool {
        self.containers.as_ref().is_none_or(|names| names.match_name(container))
    }
}

impl PortRule {
    fn read(at: &Located<'_>, warnings: &mut Warnings) -> Result<Self, PolicyError> {
        if at.is_object() {
            let rule = at.object(&["any"])?;
            if let Some(any) = rule.find("any") {
                super::text_rule::read_any(any)?;
                warnings.broad(at, "permits every port; list those that are needed");
                return Ok(Self::Any);
            }
        }
        at.elements()?.iter().map(read_port).collect::<Result<_, _>>().map(Self::Only)
    }
}

impl KubeletApi {
    /// Reads `kubeletApi`.
    pub(in crate::policy) fn read(
        at: &Located<'_>,
        warnings: &mut Warnings,
    ) -> Result<Self, PolicyError> {
        let written = at.object(&KUBELET_API_KEYS)?;
        let endpoints = match written.find("endpoints") {
            None => Vec::new(),
            Some(list) => list.elements()?.iter().map(endpoint).collect::<Result<_, _>>()?,
        };
        let mut access = |key| {
            let read = written.find(key).map(|at| Access::read(at, warnings));
            read.transpose().map(Option::unwrap_or_default)
        };
        let (defaults, mirror_pods) = (access("defaults")?, access("mirrorPods")?);
        Ok(Self {
            endpoints,
            defaults,
            mirror_pods: Arc::new(mirror_pods),
            nothing: Arc::default(),
        })
    }

    /// May this be read? One of [`ENDPOINTS`].
    pub fn permits_endpoint(&self, name: &str) -> bool {
        self.endpoints.contains(&name)
    }

    /// What is permitted on every admitted pod.
    pub fn defaults(&self) -> &Access {
        &self.defaults
    }

    /// What a pod gets that no permit let in: one for all of them.
    pub fn nothing(&self) -> &Arc<Access> {
        &self.nothing
    }

    /// What is permitted on static pods, known by their mirror pods.
    pub fn mirror_pods(&self) -> &Arc<Access> {
        &self.mirror_pods
    }
}

fn read_port(at: &Located<'_>) -> Result<u16, PolicyError> {
    let number = u16::try_from(at.integer()?).ok().filter(|port| *port > 0);
    number.ok_or_else(|| at.refuse("is no port; write a number from 1 to 65535"))
}

fn endpoint(at: &Located<'_>) -> Result<&'static str, PolicyError> {
    let name = at.string()?;
    let known = ENDPOINTS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| at.refuse(format!("is none of {}", ENDPOINTS.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, WarningKind};

    fn read(access: &str, api: &str) -> (Access, KubeletApi) {
        let mut warnings = Warnings::default();
        let access = Located::document(access).unwrap();
        let access = Access::read(&access, &mut warnings).unwrap();
        let api = Located::document(api).unwrap();
        (access, KubeletApi::read(&api, &mut warnings).unwrap())
    }

    /// Logs, exec, attach, checkpoint and ports, for a container.
    fn permitted(access: &Access, container: &str) -> ([bool; 4], PortRule) {
        let calls = [
            access.permits_logs(container),
            access.permits_exec(container, &["id".to_owned()]),
            access.permits_attach(container),
            access.permits_checkpoint(container),
        ];
        (calls, access.ports().clone())
    }

    #[test]
    fn only_what_is_written_is_permitted_and_only_where_it_is_written() {
        let none = ([false; 4], PortRule::Only(Vec::new()));
        let (access, api) = read("{}", "{}");
        assert_eq!(permitted(&access, "app"), none);
        for nothing in [api.defaults(), api.mirror_pods(), api.nothing()] {
            assert_eq!(permitted(nothing, "app"), none);
        }
        for (index, one) in [
            r#"{"logs":true,"containers":["app"]}"#,
            r#"{"exec":[["id"]],"containers":["app"]}"#,
            r#"{"attach":true,"containers":["app"]}"#,
            r#"{"checkpoint":true,"containers":["app"]}"#,
        ]
        .into_iter()
        .enumerate()
        {
            let (access, _) = read(one, "{}");
            let mut only = none.clone();
            only.0[index] = true;
            assert_eq!(permitted(&access, "app"), only, "{one}");
            assert_eq!(permitted(&access, "other"), none, "{one}");
            assert!(!access.permits_exec("app", &["sh".to_owned()]));
        }
        let (access, _) = read(r#"{"portForward":[80]}"#, "{}");
        assert_eq!(permitted(&access, "app"), ([false; 4], PortRule::Only(vec![80])));
    }

    #[test]
    fn the_kubelets_api_serves_what_is_listed_and_each_pod_what_is_its_own() {
        let api =
            r#"{"endpoints":["metrics"],"defaults":{"logs":true},"mirrorPods":{"attach":true}}"#;
        let (one, api) = read(r#"{"logs":true}"#, api);
        for name in ENDPOINTS {
            assert_eq!(api.permits_endpoint(name), name == "metrics");
        }
        assert_eq!(permitted(api.defaults(), "app").0, [true, false, false, false]);
        assert_eq!(permitted(api.mirror_pods(), "app").0, [false, false, true, false]);
        assert_eq!(permitted(api.nothing(), "app").0, [false; 4]);
        let (other, _) = read(r#"{"logs":true}"#, "{}");
        let same = &one;
        assert!(one == *same && one != other, "what was written twice is told apart");
    }

    fn document(access: &str, api: &str) -> String {
        format!(
            r#"{{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"n","kubeletApi":{api},
               "rules":[{{"name":"r","action":"allow","match":{{"namespaces":["a"]}},
                 "permit":{{"access":{access}}}}}]}}"#
        )
    }

    #[test]
    fn what_checks_nothing_or_means_nothing_is_refused_by_its_path() {
        for (access, api, expected) in [
            (r#"{"exec":[]}"#, "{}", "access.exec"),
            (r#"{"exec":[[]]}"#, "{}", "access.exec[0]"),
            (r#"{"exec":"id"}"#, "{}", "access.exec"),
            (r#"{"exec":[["a",{"regex":"("}]]}"#, "{}", "access.exec[0][1]"),
            (r#"{"portForward":[0]}"#, "{}", "is no port"),
            (r#"{"portForward":[65536]}"#, "{}", "is no port"),
            (r#"{"portForward":["80"]}"#, "{}", "access.portForward[0]"),
            (r#"{"portForward":[]}"#, "{}", "access.portForward"),
            (r#"{"portForward":{"any":false}}"#, "{}", "access.portForward"),
            (r#"{"portForward":{}}"#, "{}", "access.portForward"),
            (r#"{"logs":"yes"}"#, "{}", "access.logs"),
            (r#"{"log":true}"#, "{}", "log"),
            (r#"{"containers":[]}"#, "{}", "access.containers"),
            ("{}", r#"{"endpoints":["metric"]}"#, "kubeletApi.endpoints[0]"),
            ("{}", r#"{"endpoints":[]}"#, "kubeletApi.endpoints"),
            ("{}", r#"{"default":{}}"#, "default"),
            ("{}", r#"{"defaults":{"exec":[["a"]],"exec":[["b"]]}}"#, "exec"),
        ] {
            let text = document(access, api);
            let message = Policy::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.contains(expected), "{access} {api}: {message}");
        }
    }

    #[test]
    fn what_permits_everything_is_pointed_out() {
        for access in [r#"{"exec":[{"any":true}]}"#, r#"{"portForward":{"any":true}}"#] {
            let loaded = Policy::parse(document(access, "{}").as_bytes()).unwrap();
            let broad = loaded.warnings.iter().any(|warning| warning.kind == WarningKind::Broad);
            assert!(broad, "{access}: {:?}", loaded.warnings);
        }
    }

    #[test]
    fn a_deny_rule_has_no_access_to_give() {
        let text = r#"{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"n","rules":[
            {"name":"r","action":"deny","match":{},"unless":{"access":{"logs":true}}}]}"#;
        let message = Policy::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(message.contains("unless.access") && message.contains("allow rule"), "{message}");
    }
}
