//! Phase 5: one ruling per pod, by its own policy, its pinned spec and what is wrong with it.
//!
//! Every pod is ruled on whatever its phase, its deletion or its route, since each of these is the
//! API server's word. Only this phase makes an [`Admitted`] object. Next in the story: `filter`.

mod mirrors;
mod objects;
mod recall;
mod remarks;

use std::ops::Range;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use self::recall::Pins;
use super::filter::kubelet_bytes::Arrival;
use super::first_lists::FirstLists;
use super::meters::Meters;
use super::pod_access::PodAccess;
use super::pod_ledger::{Admission, DenialStanding, PodLedger, Uid};
use super::policy_in_force::PolicyInForce;
use super::record_turns::RecordTurns;
use super::report_rejection::{REASON, Rejection, RejectionReporter, reason_digest};
use super::signed_counters::{CountersFor, HeldCounter, SignedCounters};
use super::withheld::Withheld;
use crate::audit::record::{ADMISSION_TARGET, Decision, DecisionRecord, Source as RecordedSource};
use crate::audit::redact::redacted_pod;
use crate::kube_wire::pod::Pod;
use crate::kube_wire::received_pod::{FaultyPod, ReceivedPod, SoundPod};
use crate::kube_wire::spec_pin::PodEncoding;
use crate::kube_wire::watch_event::Tombstone;
use crate::policy::{Access, Circumstances, Counters, Verdict};

/// An object that may reach the kubelet, in its canonical form. Made by [`Hearing`] alone.
#[derive(Debug)]
pub struct Admitted<'s> {
    json: &'s [u8],
}

impl Admitted<'_> {
    /// The object as JSON, written from what was decided on.
    pub fn as_json(&self) -> &[u8] {
        self.json
    }
}

/// What becomes of a pod, or of another object that is decided on.
#[derive(Debug)]
pub enum Ruling<'s, 'p> {
    /// The kubelet gets it.
    Admit(Admitted<'s>),
    /// The kubelet does not have it, or no longer.
    Deny(Tombstone<'p>),
    /// A mirror pod, which the kubelet does not get before it has taken a list without any.
    Later(Tombstone<'p>),
    /// It is denied, and not even its name is well-formed.
    Unidentified,
}

/// By which answer an object came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An item of a list.
    List,
    /// A watch event.
    Watch(Arrival),
    /// A GET of this object.
    Get,
    /// The answer to a write.
    Write,
}

/// Memory that rulings write in, reused from pod to pod.
#[derive(Debug, Default)]
pub struct Scratch {
    json: Vec<u8>,
    mutable: Vec<Range<usize>>,
}

impl Scratch {
    /// Memory held, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.json.capacity()
    }

    /// The pod that was written.
    fn encoding(&self) -> PodEncoding<'_> {
        let (bytes, mutable) = (&*self.json, &*self.mutable);
        PodEncoding { bytes, span: 0..bytes.len(), mutable }
    }

    fn clear(&mut self) {
        const KEPT: usize = 64 << 10;
        self.json.clear();
        self.json.shrink_to(KEPT);
        self.mutable.clear();
    }
}

/// What a judge is told at start.
#[derive(Clone, Debug)]
pub(super) struct JudgeSettings {
    /// For records and Events.
    pub(super) node: String,
    /// `--log-pod-payloads`.
    pub(super) logs_payloads: bool,
}

/// What rulings depend on, from start to end of the process.
#[derive(Debug)]
pub struct Judge {
    in_force: ArcSwap<PolicyInForce>,
    ledger: PodLedger,
    first_lists: FirstLists,
    reporter: RejectionReporter,
    meters: Arc<Meters>,
    withheld: Withheld,
    turns: RecordTurns,
    counters: SignedCounters,
    settings: JudgeSettings,
}

/// The judge with the policy that one answer is decided by, from its first pod to its last.
#[derive(Clone, Debug)]
pub struct Hearing {
    judge: Arc<Judge>,
    by: Arc<PolicyInForce>,
    /// Whoever gets the answer may see mirror pods in it.
    shows_mirrors: bool,
}

/// Why a pod is denied, in two wordings.
struct Denial<'v> {
    rule: Option<&'v str>,
    /// For the status, which the pod's readers read.
    reason: String,
    /// For the node's own record and the Event: without values of environment variables.
    recorded: String,
}

impl<'v> Denial<'v> {
    fn by(verdict: &'v Verdict<'v>) -> Self {
        let (reason, recorded) =
            (verdict.reason().to_string(), verdict.recorded_reason().to_string());
        Self { rule: verdict.rule(), reason, recorded }
    }

    /// Denied whatever the policy says.
    fn outside_policy(reason: &impl ToString) -> Self {
        let reason = reason.to_string();
        Self { rule: None, recorded: reason.clone(), reason }
    }
}

impl Judge {
    pub(super) fn new(
        policy: PolicyInForce,
        reporter: RejectionReporter,
        meters: Arc<Meters>,
        settings: JudgeSettings,
    ) -> Self {
        let in_force = ArcSwap::from_pointee(policy);
        Self {
            in_force,
            ledger: PodLedger::new(PodAccess::new(meters.access_entries())),
            first_lists: FirstLists::default(),
            reporter,
            meters,
            withheld: Withheld::default(),
            turns: RecordTurns::default(),
            counters: SignedCounters::default(),
            settings,
        }
    }

    /// Begins one answer, by the policy in force now.
    pub(super) fn hear(self: &Arc<Self>) -> Hearing {
        Hearing { judge: Arc::clone(self), by: self.in_force(), shows_mirrors: false }
    }

    /// The policy in force now.
    pub(super) fn in_force(&self) -> Arc<PolicyInForce> {
        self.in_force.load_full()
    }

    /// Puts another policy in force: watches decided by the one before end, and kubelets list again.
    pub(super) fn put_in_force(&self, policy: PolicyInForce) {
        // Stored first: who is told that the old one has ended must find the new one.
        self.in_force.swap(Arc::new(policy)).supersede();
    }

    /// The node that is guarded; empty if nobody says which.
    pub(super) fn node(&self) -> &str {
        &self.settings.node
    }

    /// The pods on record.
    pub fn ledger(&self) -> &PodLedger {
        &self.ledger
    }
}

impl Hearing {
    /// Rules on one pod.
    pub fn rule<'s, 'p>(
        &self,
        received: &ReceivedPod<'p>,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        let began = Instant::now();
        let ruling = match received {
            ReceivedPod::Sound(sound) => self.rule_on_sound(sound, source, scratch),
            ReceivedPod::Faulty(faulty) => self.deny_faulty(faulty, source),
        };
        self.meters().decided(began.elapsed());
        ruling
    }

    /// The pods on record.
    pub fn ledger(&self) -> &PodLedger {
        &self.judge.ledger
    }

    /// Who has taken a whole list.
    pub(super) fn first_lists(&self) -> &FirstLists {
        &self.judge.first_lists
    }

    /// From here on mirror pods may be shown, or not.
    pub(super) fn show_mirrors(&mut self, are_shown: bool) {
        self.shows_mirrors = are_shown;
    }

    /// The policy that decides.
    pub(super) fn by(&self) -> &PolicyInForce {
        &self.by
    }

    /// Resolves when another policy is in force.
    pub(super) fn superseded(&self) -> impl Future<Output = ()> + Send + use<> {
        self.by.superseded()
    }

    /// The counters that rulings feed.
    pub(super) fn meters(&self) -> &Meters {
        &self.judge.meters
    }

    fn rule_on_sound<'s, 'p>(
        &self,
        sound: &SoundPod<'p>,
        source: Source,
        scratch: &'s mut Scratch,
    ) -> Ruling<'s, 'p> {
        let pod = &sound.pod;
        scratch.clear();
        let Some(uid) = Uid::parse(pod.identity.uid) else {
            return self.deny(pod, Denial::outside_policy(&"metadata.uid: not a UUID"), source);
        };
        if pod.is_mirror {
            return self.rule_on_mirror(sound, uid, source, scratch);
        }
        let (counters, ledger, is_over) = (&self.judge.counters, self.ledger(), is_over(pod));
        let counters = CountersFor { counters, ledger, uid, is_over };
        let at = self.circumstances(&counters);
        let (mut decided, pins) = self.decide(sound, uid, &at, scratch);
        let verdict = &decided.verdict;
        let rule = verdict.rule();
        if !verdict.is_allow() {
            return self.deny(pod, Denial::by(verdict), source);
        }
        let mut pins = pins.unwrap_or_else(|| Pins::of(sound, scratch));
        let lasting = decided.lasting.take().filter(|_| source.may_start());
        let remembered = lasting.map(|permission| permission.with_view(pins.view(scratch)));
        let counter = decided.counter.as_ref().map(|used| Box::new(HeldCounter::of(used)));
        let admission = Admission { pin: pins.spec, updates: decided.updates, counter, remembered };
        let standing = match source {
            Source::List | Source::Watch(_) => self.ledger().admit(uid, admission),
            Source::Get | Source::Write => self.ledger().compare(uid, &admission),
        };
        if let Err(refusal) = standing {
            return self.deny(pod, Denial::outside_policy(&refusal), source);
        }
        if let Some(api) = self.by.policy().kubelet_api() {
            let access = decided.access.clone().unwrap_or_else(|| Arc::clone(api.nothing()));
            self.admit_access(uid, pod, access, source);
        }
        self.by.meters().admitted(rule);
        if source.may_start() {
            if let Some(used) = &decided.counter {
                self.judge.counters.remember(used);
            }
            self.remark(pod, uid, &decided, source);
        }
        if tracing::enabled!(target: ADMISSION_TARGET, tracing::Level::DEBUG) {
            self.record(
                Some(pod),
                Tombstone::from(pod),
                Decision::Admit,
                rule,
                &verdict.reason().to_string(),
                source,
            );
        }
        if self.judge.settings.logs_payloads {
            log_payload(&scratch.json);
        }
        Ruling::Admit(Admitted { json: &scratch.json })
    }

    /// Remembers who may reach into a pod that the kubelet gets by this answer. The answers to single
    /// requests are shown to nobody who would run the pod.
    fn admit_access(&self, uid: Uid, pod: &Pod<'_>, access: Arc<Access>, source: Source) {
        match source {
            Source::List | Source::Watch(_) => {
                let identity = &pod.identity;
                let register = self.ledger().access();
                let policy = self.by.policy().digest();
                register.admit(uid, (identity.namespace, identity.name), access, policy);
            }
            Source::Get | Source::Write => {}
        }
    }

    fn circumstances<'c>(&'c self, counters: &'c dyn Counters) -> Circumstances<'c> {
        let now = jiff::Timestamp::now().as_second();
        Circumstances { now, node: &self.judge.settings.node, counters }
    }

    fn deny<'s, 'p>(&self, pod: &Pod<'p>, denial: Denial<'_>, source: Source) -> Ruling<'s, 'p> {
        let Denial { rule, reason, recorded } = denial;
        let standing = self.standing(pod.identity.uid, &reason);
        self.by.meters().denied(rule);
        if standing.is_news {
            self.record(Some(pod), Tombstone::from(pod), Decision::Deny, rule, &recorded, source);
        }
        self.report(pod, standing, (reason, recorded));
        Ruling::Deny(Tombstone::from(pod))
    }

    fn standing(&self, uid: &str, reason: &str) -> DenialStanding {
        let unknown =
            DenialStanding { is_news: true, was_admitted: false, reported_stopped: false };
        Uid::parse(uid).map_or(unknown, |uid| self.ledger().deny(uid, reason_digest(reason)))
    }

    /// Tells the cluster, unless it knows. A pod that is being deleted is ended only if no container of
    /// it can be running: it never reached this kubelet, or the kubelet said that all ended.
    fn report(
        &self,
        pod: &Pod<'_>,
        standing: DenialStanding,
        (reason, recorded): (String, String),
    ) {
        let never_ran = !standing.was_admitted && !pod.has_started;
        let rejection = Rejection {
            namespace: pod.identity.namespace.to_owned(),
            name: pod.identity.name.to_owned(),
            uid: pod.identity.uid.to_owned(),
            reason,
            recorded,
            owner_uid: pod.controller.map(|owner| owner.uid.to_owned()),
            wants_status: !is_over(pod) && pod.status_reason != REASON,
            wants_delete: pod.is_being_deleted && (never_ran || standing.reported_stopped),
            superseded: self.by.supersession(),
        };
        if rejection.wants_status || rejection.wants_delete {
            self.judge.reporter.report(rejection);
        }
    }

    fn deny_faulty<'s, 'p>(&self, faulty: &FaultyPod<'p>, source: Source) -> Ruling<'s, 'p> {
        self.by.meters().denied(None);
        let reason = format!("pod is not sound: {}", faulty.fault);
        let Some(identity) = faulty.identity else {
            if let Some(untold) = self.judge.turns.of_nameless() {
                tracing::warn!(reason, untold, "a pod without a well-formed identity is hidden");
            }
            return Ruling::Unidentified;
        };
        let standing = self.standing(identity.uid.unwrap_or_default(), &reason);
        if standing.is_news {
            self.record(None, identity.into(), Decision::Deny, None, &reason, source);
        }
        // Whether its status tells already cannot be read; lists are rare enough to tell it again.
        if let Some(uid) = identity.uid
            && (standing.is_news || source == Source::List)
        {
            self.judge.reporter.report(Rejection {
                namespace: identity.namespace.to_owned(),
                name: identity.name.to_owned(),
                uid: uid.to_owned(),
                recorded: reason.clone(),
                reason,
                owner_uid: None,
                wants_status: true,
                wants_delete: false,
                superseded: self.by.supersession(),
            });
        }
        Ruling::Deny(identity.into())
    }

    fn record(
        &self,
        pod: Option<&Pod<'_>>,
        identity: Tombstone<'_>,
        decision: Decision,
        rule: Option<&str>,
        reason: &str,
        source: Source,
    ) {
        let Some(untold) = self.judge.turns.of_pod(decision) else { return };
        let images: Vec<&str> = pod.map_or_else(Vec::new, |pod| {
            pod.containers.iter().map(|container| container.image).collect()
        });
        let (source, event_type) = source.recorded();
        DecisionRecord {
            decided_at: jiff::Timestamp::now(),
            decision,
            namespace: identity.namespace,
            pod: identity.name,
            uid: identity.uid.unwrap_or_default(),
            rule,
            reason,
            policy: self.by.policy().name(),
            policy_digest: self.by.policy().digest(),
            images: &images,
            node: &self.judge.settings.node,
            source,
            event_type,
            untold,
        }
        .log();
    }
}

impl Source {
    /// Does a kubelet start what comes this way? It takes no pod from answers to a GET or a write.
    fn may_start(self) -> bool {
        match self {
            Self::List | Self::Watch(_) => true,
            Self::Get | Self::Write => false,
        }
    }

    fn recorded(self) -> (RecordedSource, Option<&'static str>) {
        match self {
            Self::List => (RecordedSource::List, None),
            Self::Watch(Arrival::Added) => (RecordedSource::Watch, Some("ADDED")),
            Self::Watch(Arrival::Modified) => (RecordedSource::Watch, Some("MODIFIED")),
            Self::Get => (RecordedSource::Get, None),
            Self::Write => (RecordedSource::Write, None),
        }
    }
}

/// Is the pod shown as one that ended?
fn is_over(pod: &Pod<'_>) -> bool {
    matches!(pod.phase, "Failed" | "Succeeded")
}

fn log_payload(json: &[u8]) {
    if let Some(payload) = redacted_pod(json) {
        tracing::info!(payload, "pod payload");
    }
}

#[cfg(test)]
mod tests;
