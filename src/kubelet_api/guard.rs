//! The guard: every request is classified, judged, recorded, and only then asked of the kubelet.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use rustls::ServerConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::answer::{self, AnswerBody, Cut};
use super::call::{Asked, Call, classify};
use super::judge::{Grant, Judge, Opinion, Ruling, Verdict};
use super::kubelet::{ALPN_HTTP1, Kubelet, KubeletFault};
use super::limits::{MAX_STREAMS, REFUSALS_PERIOD, REFUSALS_TOLD};
use super::ports::Ports;
use super::running::RunningQuestion;
use super::spdy::{GateFault, PortGate};
use super::stream::{self, StreamFault};
use super::upgrade::Protocol;
use crate::audit::call_record::{CallDecision, CallRecord};
use crate::audit::turns::Turns;
use crate::http::listen::{self, Listener, Peer, Transport};
use crate::metrics::handles::{Counted, Gauge};
use crate::metrics::registry::Metrics;
use crate::net::drain::Drain;
use crate::tls::{ServerTls, common_name_of};

/// Everything that a call needs.
pub struct Guard {
    judge: Arc<dyn Judge>,
    kubelet: Arc<Kubelet>,
    running: Arc<RunningQuestion>,
    metrics: Metrics,
    open_streams: Gauge,
    places: Arc<Semaphore>,
    refusals: Turns,
    drain: Drain,
    node: String,
}

/// Who calls, as TLS has it.
#[derive(Clone, Debug)]
struct Caller {
    name: Arc<str>,
    address: Arc<str>,
}

/// TLS for the guard's listener. HTTP/1.1 alone: in it a connection can be upgraded, and one call ends
/// before the next begins.
pub fn transport(tls: Arc<ServerTls>) -> Transport {
    Transport::Tls(Arc::new(move || {
        let mut config = ServerConfig::clone(&tls.current());
        config.alpn_protocols = vec![ALPN_HTTP1.to_vec()];
        Arc::new(config)
    }))
}

/// Serves callers until the drain begins.
pub async fn serve(listener: Listener, guard: Arc<Guard>) {
    listen::serve(listener, move |peer| {
        let caller = Caller::of(peer)?;
        let guard = Arc::clone(&guard);
        Some(move |request| Arc::clone(&guard).answer(caller.clone(), request))
    })
    .await;
}

impl Caller {
    /// Nobody without a certificate is served, whatever the listener's TLS lets through.
    fn of(peer: &Peer) -> Option<Self> {
        let name = common_name_of(peer.certificates.first()?).ok()?;
        Some(Self { name: name.into(), address: peer.address.to_string().into() })
    }
}

impl Guard {
    /// A guard in front of one kubelet, which `running` asks as well.
    pub fn new(
        judge: Arc<dyn Judge>,
        kubelet: Arc<Kubelet>,
        running: Arc<RunningQuestion>,
        metrics: Metrics,
        drain: Drain,
        node: String,
    ) -> Arc<Self> {
        let open_streams = metrics.kubelet_api_streams();
        let places = Arc::new(Semaphore::new(MAX_STREAMS));
        let refusals = Turns::new(REFUSALS_TOLD, REFUSALS_PERIOD);
        Arc::new(Self {
            judge,
            kubelet,
            running,
            metrics,
            open_streams,
            places,
            refusals,
            drain,
            node,
        })
    }

    async fn answer(
        self: Arc<Self>,
        caller: Caller,
        mut request: Request<Incoming>,
    ) -> Response<AnswerBody> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (head, _no_body) = request.into_parts();
        let asked = match classify(&head) {
            Ok(asked) => asked,
            Err(refusal) => {
                self.metrics.refused(refusal.rule).increment();
                if let Some(untold) = self.refusals.turn(Instant::now()) {
                    tracing::info!(
                        rule = refusal.rule,
                        method = %head.method,
                        path = crate::audit::escape::escaped(head.uri.path(), 256),
                        caller = &*caller.name,
                        untold,
                        "call to the kubelet refused"
                    );
                }
                return answer::refusal(refusal);
            }
        };
        let ruling = within_ports(&asked, self.judge(&asked.call).await);
        self.record(&caller, &asked.call, &ruling, None);
        let answered = match &ruling.verdict {
            Verdict::Deny(reason) => Ok(answer::text(StatusCode::FORBIDDEN, reason)),
            Verdict::Allow(grant) => {
                let granted = Granted { caller, asked, grant: grant.clone(), ruling };
                Arc::clone(&self).relay(granted, &head, upgrade).await
            }
        };
        answered.unwrap_or_else(|fault| {
            tracing::warn!("call to the kubelet failed: {fault}");
            answer::fault(&fault)
        })
    }

    /// Both words of the judge. Nothing about a pod is granted without the kubelet's.
    async fn judge(&self, call: &Call) -> Ruling {
        let not_before = match self.judge.judge(call) {
            Opinion::Settled(ruling) => return ruling,
            Opinion::Ask { not_before } => not_before,
        };
        sleep_until(not_before).await;
        let recent = Instant::now().checked_sub(call.tolerated_age()).unwrap_or(not_before);
        match self.running.ask(recent.max(not_before)).await {
            Ok(running) => self.judge.judge_with(call, &running),
            Err(fault) => {
                let reason = format!("it is not known which pods run on this node: {fault}");
                self.judge.judge_without(call, reason)
            }
        }
    }

    async fn relay(
        self: Arc<Self>,
        granted: Granted,
        head: &Parts,
        upgrade: OnUpgrade,
    ) -> Result<Response<AnswerBody>, KubeletFault> {
        let place = match granted.asked.protocol {
            None => None,
            Some(_) => match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_full) => {
                    let message = "too many streams are open";
                    return Ok(answer::text(StatusCode::SERVICE_UNAVAILABLE, message));
                }
            },
        };
        let mut response = tokio::select! {
            answered = self.kubelet.ask(&granted.asked, &head.headers, &self.drain) => answered?,
            () = self.cut(&granted.grant) => {
                tell_of_cut(&granted.asked.call);
                return Ok(answer::text(StatusCode::FORBIDDEN, "what was granted has ended"));
            }
        };
        let (Some(protocol), Some(place)) = (granted.asked.protocol, place) else {
            return answer::relayed(response, self.cut(&granted.grant));
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let mut refused = answer::relayed(response, self.cut(&granted.grant))?;
            // The caller may have begun to speak the other protocol: nothing of it is a request.
            let close = http::HeaderValue::from_static("close");
            refused.headers_mut().insert(http::header::CONNECTION, close);
            return Ok(refused);
        }
        if !protocol.is_granted(&response) {
            return Err(KubeletFault::UnexpectedStatus(response.status()));
        }
        let kubelet = hyper::upgrade::on(&mut response);
        let consent = protocol.consent(response.headers());
        let open = Open { _place: place, _counted: self.open_streams.count_one() };
        let tracked = self.drain.track(Arc::clone(&self).stream(granted, upgrade, kubelet, open));
        tokio::spawn(tracked);
        Ok(answer::switched(consent))
    }

    /// Runs a stream to its end, or to the end of its grant or of this process.
    async fn stream(
        self: Arc<Self>,
        granted: Granted,
        caller: OnUpgrade,
        kubelet: OnUpgrade,
        _open: Open,
    ) {
        let Granted { caller: who, asked, grant, ruling } = granted;
        let gate = match (&asked.call, asked.protocol) {
            (Call::PortForward { .. }, Some(Protocol::Spdy)) => {
                Some(PortGate::new(grant.ports.clone()))
            }
            (_, _) => None,
        };
        let tell = |port| self.record(&who, &asked.call, &ruling, Some(port));
        let cut = self.cut(&grant);
        let relayed = tokio::select! {
            relayed = stream::relay(caller, kubelet, gate, tell) => relayed,
            () = cut => {
                tell_of_cut(&asked.call);
                return;
            }
        };
        match relayed {
            Ok(()) => {}
            Err(StreamFault::Gate(GateFault::Port(port))) => {
                let reason = format!("port {port} is not permitted");
                let denied = Ruling { verdict: Verdict::Deny(reason.into()), ..ruling.clone() };
                self.record(&who, &asked.call, &denied, Some(port));
            }
            Err(StreamFault::Gate(GateFault::Broken(error)) | StreamFault::Broken(error)) => {
                tracing::debug!(%error, "stream to the kubelet broke");
            }
            Err(StreamFault::NotHandedOver(error)) => {
                tracing::debug!(%error, "stream to the kubelet never began");
            }
            Err(StreamFault::Gate(fault)) => {
                self.metrics.refused("port-forward-frames").increment();
                tracing::warn!(caller = &*who.name, "port-forward ended: {fault}");
            }
        }
    }

    /// Resolves when a grant ends or the process must.
    fn cut(&self, grant: &Grant) -> Cut {
        let Grant { ports: _, policy_ends, access_ends } = grant.clone();
        let drain = self.drain.clone();
        Box::pin(async move {
            tokio::select! {
                () = policy_ends.cancelled() => {}
                () = access_ends.cancelled() => {}
                () = drain.cut_off() => {}
            }
        })
    }

    fn record(&self, caller: &Caller, call: &Call, ruling: &Ruling, port: Option<u16>) {
        let (decision, reason) = match &ruling.verdict {
            Verdict::Allow(_) => (CallDecision::Allow, ""),
            Verdict::Deny(reason) => (CallDecision::Deny, &**reason),
        };
        self.metrics.kubelet_api_calls(call.kind(), decision.as_str()).increment();
        let pod = call.pod();
        CallRecord {
            decided_at: jiff::Timestamp::now(),
            decision,
            call: call.kind(),
            is_about_pod: pod.is_some(),
            namespace: pod.map_or("", |pod| &pod.namespace),
            pod: pod.map_or("", |pod| &pod.name),
            uid: &ruling.uid,
            container: call.container().map_or("", |container| &container.name),
            command: call.command(),
            port,
            caller: &caller.name,
            address: &caller.address,
            reason,
            policy: &ruling.policy,
            policy_digest: &ruling.policy_digest,
            node: &self.node,
        }
        .log();
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("kubelet", &self.kubelet).finish_non_exhaustive()
    }
}

/// A call that may be made.
struct Granted {
    caller: Caller,
    asked: Asked,
    grant: Grant,
    ruling: Ruling,
}

/// An open stream, counted for as long as it lives.
struct Open {
    _place: OwnedSemaphorePermit,
    _counted: Counted,
}

fn tell_of_cut(call: &Call) {
    let (namespace, pod) = call.pod().map(|pod| (&*pod.namespace, &*pod.name)).unwrap_or_default();
    let call = call.kind();
    tracing::info!(call, namespace, pod, "call to the kubelet cut: its grant ended");
}

/// The ruling, turned into a denial for a port-forward whose ports cannot be judged or are not permitted.
fn within_ports(asked: &Asked, ruling: Ruling) -> Ruling {
    let reason = match &ruling.verdict {
        Verdict::Allow(grant) => hidden_ports(asked, grant),
        Verdict::Deny(_) => None,
    };
    match reason {
        Some(reason) => Ruling { verdict: Verdict::Deny(reason.into()), ..ruling },
        None => ruling,
    }
}

fn hidden_ports(asked: &Asked, grant: &Grant) -> Option<&'static str> {
    let Call::PortForward { pod: _, ports } = &asked.call else { return None };
    match (asked.protocol, &grant.ports) {
        // Named inside, where the gate reads them.
        (Some(Protocol::Spdy), _) | (_, Ports::Any) => None,
        (Some(Protocol::WebSocket), permitted) => {
            let all = !ports.is_empty() && ports.iter().all(|port| permitted.permit(*port));
            (!all).then_some("a port is not permitted")
        }
        (Some(Protocol::TunnelledSpdy) | None, Ports::Only(_)) => Some(
            "the ports of a port-forward inside a WebSocket cannot be judged, and not all are \
             permitted; use SPDY (kubectl: KUBECTL_PORT_FORWARD_WEBSOCKETS=false)",
        ),
    }
}
