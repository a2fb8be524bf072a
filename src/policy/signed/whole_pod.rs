//! Holds a whole pod against the permit that a signature, or what was added to one, amounts to.

use super::denial::SignedDenial;
use crate::kube_wire::received_pod::SoundPod;
use crate::policy::circumstances::Circumstances;
use crate::policy::error::{PolicyError, Warnings};
use crate::policy::located::Located;
use crate::policy::v2::check::Unlisted;
use crate::policy::v2::finding::{Findings, Place, finding};
use crate::policy::v2::permit::PodPermit;
use crate::policy::v2::subject::Subject;
use crate::policy::verdict::Quoted;

/// Reads a permit that refuses what it does not list. What is odd in it is the signer's business.
pub(super) fn read(permit: &Located<'_>) -> Result<PodPermit, PolicyError> {
    PodPermit::read(permit, Unlisted::Refuse, &mut Warnings::default())
}

/// Is the pod for this node, and no more than permitted?
pub(super) fn hold(
    pod: &SoundPod<'_>,
    permit: &PodPermit,
    at: &Circumstances<'_>,
) -> Result<(), SignedDenial> {
    let node = pod.pod.node_name;
    if node != at.node {
        let problem = format!("the pod is for node '{}'", Quoted(node));
        return Err(SignedDenial::Bound(problem));
    }
    let subject = Subject::of(pod);
    let mut findings = Findings::first();
    if permit.check(&subject, &mut findings).is_continue() {
        return Ok(());
    }
    let first = findings.into_kept().into_iter().next();
    let first = first.map_or_else(|| "it is not permitted".to_owned(), |it| it.to_string());
    Err(SignedDenial::Unpermitted(first))
}

/// For nodes whose document does not say what runtime classes stand for.
pub(super) fn refuse_class(pod: &SoundPod<'_>) -> Result<(), SignedDenial> {
    let spec = pod.checked.value().field("spec");
    let class = spec.and_then(|spec| spec.field("runtimeClassName")?.as_str()).unwrap_or_default();
    if class.is_empty() {
        return Ok(());
    }
    let expected = "a class whose handler the node's document pins under `runtimeClasses`";
    let finding =
        finding(&Place::Top("spec.runtimeClassName"), expected, format!("\"{}\"", Quoted(class)));
    Err(SignedDenial::Unpermitted(finding.to_string()))
}
