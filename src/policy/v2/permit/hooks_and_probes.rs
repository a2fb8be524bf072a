//! `probes` and `lifecycle`: what the kubelet runs in a container, and where it connects for it.
//!
//! The kubelet connects from the node: a `host` of a pod's choosing would make it ask anything that
//! the node reaches.

use serde_json::{Map, Value};

use super::Reading;
use super::expansion::Pinned;
use crate::kube_wire::pod_view::{
    Exec, Grpc, Header, Hook, HttpGet, Lifecycle, PortReference, Probe, TcpSocket,
};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::argv_rule::ArgvRule;
use crate::policy::v2::check::{Check, NOTHING};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::number_rule::NumberRule;
use crate::policy::v2::text_rule::{TextRule, quoted};

/// What a probe or hook may do: any of the kinds that are listed.
#[derive(Clone, Debug)]
pub(in crate::policy) struct HandlerRule {
    exec: Option<ArgvRule>,
    http_get: Option<HttpGetRule>,
    tcp_socket: Option<TcpSocketRule>,
    grpc: Option<PortRuleOf>,
    /// Waits in front of the end.
    sleep: bool,
    /// A container must have it.
    required: bool,
}

#[derive(Clone, Debug)]
struct HttpGetRule {
    host: Option<TextRule>,
    port: PortRuleOf,
    path: Option<TextRule>,
    headers: Vec<(String, TextRule)>,
}

#[derive(Clone, Debug)]
struct TcpSocketRule {
    host: Option<TextRule>,
    port: PortRuleOf,
}

/// A port by number or by name.
#[derive(Clone, Debug)]
enum PortRuleOf {
    Number(NumberRule),
    Name(TextRule),
}

/// What a probe or a hook has, whichever it is.
#[derive(Clone, Copy, Debug)]
struct Handler<'v> {
    exec: Option<&'v Exec<'v>>,
    http_get: Option<&'v HttpGet<'v>>,
    tcp_socket: Option<&'v TcpSocket<'v>>,
    grpc: Option<&'v Grpc<'v>>,
    sleeps: bool,
    /// What stands for something in the command, if the kubelet expands it.
    expanded: Option<Pinned<'v>>,
}

const PROBE_KEYS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_KEYS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "sleep"];

impl HandlerRule {
    fn read(
        at: &Located<'_>,
        keys: &[&str],
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        let block = at.object(&[keys, &["required"][..]].concat())?;
        let rule = Self {
            exec: block.read("exec", |at| ArgvRule::read(at, reading.warnings))?,
            http_get: block.read("httpGet", |at| HttpGetRule::read(at, reading))?,
            tcp_socket: block.read("tcpSocket", |at| TcpSocketRule::read(at, reading))?,
            grpc: block.read("grpc", |at| PortRuleOf::read_in(at, &["port"], reading))?,
            sleep: block.read("sleep", Located::boolean)?.unwrap_or(false),
            required: block.read("required", Located::boolean)?.unwrap_or(false),
        };
        if !rule.sleep && block.find("sleep").is_some() {
            return Err(at.refuse("permits nothing; write \"sleep\": true, or leave it out"));
        }
        if keys.iter().all(|key| block.find(key).is_none()) {
            return Err(at.refuse(format!("permits nothing; write one of {}", keys.join(", "))));
        }
        Ok(rule)
    }

    fn check(&self, handler: &Handler<'_>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        let Handler { exec, http_get, tcp_socket, grpc, sleeps, expanded } = handler;
        // One that asks for nothing stands for none.
        check.unless(!self.required || !handler.is_empty(), || {
            finding(place, "one that the rule requires", handler.describe())
        })?;
        let unlisted = |kind| move || finding(&place.field(kind), NOTHING, format!("a {kind}"));
        if let Some(Exec { command }) = exec {
            let exec = place.field("exec");
            let place = exec.field("command");
            check.argv(self.exec.as_ref(), command, &place, "exec")?;
            if self.exec.as_ref().is_some_and(ArgvRule::pins)
                && let Some(pinned) = expanded
            {
                for (index, text) in command.iter().enumerate() {
                    pinned.check(text, &place.element(index), check)?;
                }
            }
        }
        match (http_get, &self.http_get) {
            (Some(get), Some(rule)) => rule.check(get, &place.field("httpGet"), check)?,
            (Some(_), None) => check.unlisted(false, unlisted("httpGet"))?,
            (None, _) => {}
        }
        match (tcp_socket, &self.tcp_socket) {
            (Some(TcpSocket { port, host }), Some(rule)) => {
                let socket = place.field("tcpSocket");
                check.text(rule.host.as_ref(), host, &socket.field("host"), "tcpSocket.host")?;
                rule.port.check(*port, &socket.field("port"), check)?;
            }
            (Some(_), None) => check.unlisted(false, unlisted("tcpSocket"))?,
            (None, _) => {}
        }
        match (grpc, &self.grpc) {
            (Some(Grpc { port, service: _, mode: _ }), Some(rule)) => {
                let port = PortReference::Number(*port);
                rule.check(port, &place.field("grpc").field("port"), check)?;
            }
            (Some(_), None) => check.unlisted(false, unlisted("grpc"))?,
            (None, _) => {}
        }
        check.unlisted(self.sleep || !sleeps, unlisted("sleep"))
    }
}

impl HttpGetRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        const KEYS: [&str; 4] = ["host", "port", "path", "headers"];
        let block = at.object(&KEYS)?;
        Ok(Self {
            port: PortRuleOf::read_in(at, &KEYS, reading)?,
            host: block.read("host", |at| TextRule::read(at, reading.warnings))?,
            path: block.read("path", |at| TextRule::read(at, reading.warnings))?,
            headers: block.list("headers", |at| read_header(at, reading))?.unwrap_or_default(),
        })
    }

    fn check(&self, get: &HttpGet<'_>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        let HttpGet { path, port, host, scheme: _, headers, protocol: _ } = get;
        check.text(self.host.as_ref(), host, &place.field("host"), "httpGet.host")?;
        self.port.check(*port, &place.field("port"), check)?;
        // The API writes `/` where nothing is asked for.
        let path = if *path == "/" && self.path.is_none() { "" } else { path };
        check.text(self.path.as_ref(), path, &place.field("path"), "httpGet.path")?;
        let headers_place = place.field("httpHeaders");
        headers.iter().enumerate().try_for_each(|(index, header)| {
            let Header { name, value } = header;
            let mut listed =
                self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let is_listed = listed.any(|(_, rule)| rule.matches(value));
            // Values may be credentials.
            let found = || {
                let found = format!("the header {} (value not shown)", quoted(name));
                finding(&headers_place.element(index), "a listed header", found)
            };
            match self.headers.is_empty() {
                true => check.unlisted(false, found),
                false => check.unless(is_listed, found),
            }
        })
    }
}

fn read_header(
    at: &Located<'_>,
    reading: &mut Reading<'_>,
) -> Result<(String, TextRule), PolicyError> {
    let block = at.object(&["name", "value"])?;
    let name = block.required("name", "write the header's name")?.filled_string()?;
    let value = block.required("value", "write the header's value, or a rule for it")?;
    Ok((name, TextRule::read(value, reading.warnings)?))
}

impl TcpSocketRule {
    fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        const KEYS: [&str; 2] = ["host", "port"];
        Ok(Self {
            port: PortRuleOf::read_in(at, &KEYS, reading)?,
            host: at.object(&KEYS)?.read("host", |at| TextRule::read(at, reading.warnings))?,
        })
    }
}

impl PortRuleOf {
    /// Reads `port` of a block with these keys.
    fn read_in(
        at: &Located<'_>,
        keys: &[&str],
        reading: &mut Reading<'_>,
    ) -> Result<Self, PolicyError> {
        let block = at.object(keys)?;
        let port = block.required("port", "write the port, or {\"any\": true}")?;
        match port.is_string() {
            true => TextRule::read(port, reading.warnings).map(Self::Name),
            false => NumberRule::read(port, reading.warnings).map(Self::Number),
        }
    }

    fn check(&self, port: PortReference<'_>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        let (fits, expected) = match (self, port) {
            (Self::Number(rule), PortReference::Number(number)) => {
                (rule.matches(Some(number)), rule.describe())
            }
            (Self::Number(rule), PortReference::Name(_)) => (rule.is_any(), rule.describe()),
            (Self::Name(rule), PortReference::Name(name)) => (rule.matches(name), rule.describe()),
            (Self::Name(rule), PortReference::Number(_)) => (false, rule.describe()),
        };
        check.unless(fits, || match port {
            PortReference::Number(number) => finding(place, expected, number.to_string()),
            PortReference::Name(name) => finding(place, expected, quoted(name)),
        })
    }
}

/// `probes` of a container entry.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct ProbeRules {
    liveness: Option<HandlerRule>,
    readiness: Option<HandlerRule>,
    startup: Option<HandlerRule>,
}

impl ProbeRules {
    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        let Self { liveness, readiness, startup } = self;
        liveness.is_none() && readiness.is_none() && startup.is_none()
    }

    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["liveness", "readiness", "startup"])?;
        let mut read = |key| block.read(key, |at| HandlerRule::read(at, &PROBE_KEYS, reading));
        Ok(Self {
            liveness: read("liveness")?,
            readiness: read("readiness")?,
            startup: read("startup")?,
        })
    }

    /// The rules in the order of `probes`, which are liveness, readiness and startup.
    pub(super) fn check(
        &self,
        probes: [Option<&Probe<'_>>; 3],
        pinned: Pinned<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let rules = [&self.liveness, &self.readiness, &self.startup];
        let names = ["livenessProbe", "readinessProbe", "startupProbe"];
        let keys = ["probes.liveness", "probes.readiness", "probes.startup"];
        for (((probe, rule), name), key) in probes.into_iter().zip(rules).zip(names).zip(keys) {
            let Some(probe) = probe else {
                check_missing(rule.as_ref(), &place.field(name), check)?;
                continue;
            };
            let Probe { exec, http_get, tcp_socket, grpc } = probe;
            let handler = Handler {
                exec: exec.as_ref(),
                http_get: http_get.as_ref(),
                tcp_socket: tcp_socket.as_ref(),
                grpc: grpc.as_ref(),
                sleeps: false,
                // `prober.go` expands what the container's own variables say.
                expanded: Some(pinned),
            };
            check_handler(rule.as_ref(), &handler, &place.field(name), key, check)?;
        }
        Fit::Continue(())
    }
}

/// `lifecycle` of a container entry.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct LifecycleRules {
    post_start: Option<HandlerRule>,
    pre_stop: Option<HandlerRule>,
    stop_signal: Option<TextRule>,
}

impl LifecycleRules {
    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        let Self { post_start, pre_stop, stop_signal } = self;
        post_start.is_none() && pre_stop.is_none() && stop_signal.is_none()
    }

    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&["postStart", "preStop", "stopSignal"])?;
        let mut read = |key| block.read(key, |at| HandlerRule::read(at, &HOOK_KEYS, reading));
        Ok(Self {
            post_start: read("postStart")?,
            pre_stop: read("preStop")?,
            stop_signal: block.read("stopSignal", |at| TextRule::read(at, reading.warnings))?,
        })
    }

    pub(super) fn check(
        &self,
        lifecycle: &Lifecycle<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let Lifecycle { post_start, pre_stop, stop_signal } = lifecycle;
        let hooks = [
            (post_start, &self.post_start, "postStart", "lifecycle.postStart"),
            (pre_stop, &self.pre_stop, "preStop", "lifecycle.preStop"),
        ];
        for (hook, rule, name, key) in hooks {
            let Some(Hook { exec, http_get, tcp_socket, sleep }) = hook else {
                check_missing(rule.as_ref(), &place.field(name), check)?;
                continue;
            };
            let handler = Handler {
                exec: exec.as_ref(),
                http_get: http_get.as_ref(),
                tcp_socket: tcp_socket.as_ref(),
                grpc: None,
                sleeps: sleep.is_some(),
                // Nobody expands the commands of hooks.
                expanded: None,
            };
            check_handler(rule.as_ref(), &handler, &place.field(name), key, check)?;
        }
        let signal = stop_signal.unwrap_or_default();
        let place = place.field("stopSignal");
        check.text(self.stop_signal.as_ref(), signal, &place, "lifecycle.stopSignal")
    }
}

/// A port, and those of these texts that are not empty.
fn port_rule(port: PortReference<'_>, texts: &[(&str, &str)]) -> Value {
    let port = match port {
        PortReference::Number(number) => number.into(),
        PortReference::Name(name) => name.into(),
    };
    let set = texts.iter().filter(|(_, text)| !text.is_empty());
    let set = set.map(|(key, text)| ((*key).to_owned(), Value::from(*text)));
    Value::Object(set.chain([("port".to_owned(), port)]).collect())
}

/// A probe or hook that is not there.
fn check_missing(rule: Option<&HandlerRule>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
    check.unless(!rule.is_some_and(|rule| rule.required), || {
        finding(place, "one that the rule requires", NOTHING)
    })
}

fn check_handler(
    rule: Option<&HandlerRule>,
    handler: &Handler<'_>,
    place: &Place<'_>,
    key: &'static str,
    check: &mut Check<'_>,
) -> Fit {
    let unlisted = check.unlisted;
    match rule {
        Some(rule) => check.findings.below(
            || key.to_owned(),
            |findings| rule.check(handler, place, &mut Check { unlisted, findings }),
        ),
        None => check.unlisted(false, || {
            finding(place, NOTHING, handler.describe()).fixed_by(key, handler.as_rule())
        }),
    }
}

impl Handler<'_> {
    /// The rule that permits this handler.
    fn as_rule(&self) -> Value {
        let Self { exec, http_get, tcp_socket, grpc, sleeps, expanded: _ } = self;
        let mut rule = Map::new();
        if let Some(Exec { command }) = exec {
            rule.insert("exec".to_owned(), command.to_vec().into());
        }
        if let Some(HttpGet { path, port, host, scheme: _, headers, protocol: _ }) = http_get {
            let path = if *path == "/" { "" } else { path };
            let mut get = port_rule(*port, &[("host", host), ("path", path)]);
            let headers = headers
                .iter()
                .map(|Header { name, value }| serde_json::json!({ "name": name, "value": value }));
            let headers: Vec<_> = headers.collect();
            if let Some(get) = get.as_object_mut().filter(|_| !headers.is_empty()) {
                get.insert("headers".to_owned(), headers.into());
            }
            rule.insert("httpGet".to_owned(), get);
        }
        if let Some(TcpSocket { port, host }) = tcp_socket {
            rule.insert("tcpSocket".to_owned(), port_rule(*port, &[("host", host)]));
        }
        if let Some(Grpc { port, service: _, mode: _ }) = grpc {
            rule.insert("grpc".to_owned(), port_rule(PortReference::Number(*port), &[]));
        }
        if *sleeps {
            rule.insert("sleep".to_owned(), true.into());
        }
        Value::Object(rule)
    }

    fn is_empty(&self) -> bool {
        let Self { exec, http_get, tcp_socket, grpc, sleeps, expanded: _ } = self;
        exec.is_none() && http_get.is_none() && tcp_socket.is_none() && grpc.is_none() && !sleeps
    }

    fn describe(&self) -> String {
        let Self { exec, http_get, tcp_socket, grpc, sleeps, expanded: _ } = self;
        let kinds = [
            (exec.is_some(), "exec"),
            (http_get.is_some(), "httpGet"),
            (tcp_socket.is_some(), "tcpSocket"),
            (grpc.is_some(), "grpc"),
            (*sleeps, "sleep"),
        ];
        let set: Vec<_> = kinds.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        match set.as_slice() {
            [] => "an empty handler".to_owned(),
            some => some.join(" and "),
        }
    }
}
