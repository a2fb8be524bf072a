//! `containers`: each container of the pod must fit an entry.

use super::container::{ContainerPermit, Surroundings, list_of, unlisted_container};
use super::profiles::annotated_profile;
use super::security::SecurityRules;
use crate::kube_wire::pod_view::{Container, ContainerKind};
use crate::policy::v2::check::{Check, Unlisted};
use crate::policy::v2::finding::{Findings, Fit, Place, finding};
use crate::policy::v2::subject::ImageText;

/// Looks at all containers, in the order in which they start.
pub(super) fn check_containers(
    entries: &[ContainerPermit],
    ordered_init: bool,
    around: Surroundings<'_, '_>,
    unlisted: Unlisted,
    findings: &mut Findings,
) -> Fit {
    let is_counted = entries.iter().any(|it| it.once || it.required);
    let mut used = vec![false; if is_counted { entries.len() } else { 0 }];
    let mut served = used.clone();
    let mut reached = 0;
    for (container, image) in around.subject.containers() {
        let is_init = matches!(container.kind, ContainerKind::Init | ContainerKind::Sidecar);
        let first = if ordered_init && is_init { reached } else { 0 };
        let is_free =
            |index: usize, entry: &ContainerPermit| !(entry.once && used.get(index) == Some(&true));
        let about = entries.iter().enumerate().filter(|(index, entry)| {
            *index >= first && entry.is_about(container) && is_free(*index, entry)
        });
        if about.clone().next().is_none() {
            check_unlisted(container, entries, around, unlisted, findings)?;
            continue;
        }
        let fitting = findings
            .one_of(
                about,
                |(index, entry), findings| fits(index, entry, (container, image), around, findings),
                || finding(&Place::Top("spec"), "an entry", "none"),
            )?
            .map(|(index, _)| index);
        if let Some(index) = fitting {
            used.get_mut(index).into_iter().for_each(|used| *used = true);
            // One that was added to a running pod takes nobody's place.
            let serves = container.kind != ContainerKind::Ephemeral;
            served.get_mut(index).into_iter().for_each(|served| *served |= serves);
            reached = if is_init { index } else { reached };
        }
    }
    let missing = |(index, entry): &(usize, &ContainerPermit)| {
        entry.required && served.get(*index) != Some(&true)
    };
    entries.iter().enumerate().filter(missing).try_for_each(|(index, entry)| {
        findings.add(|| {
            let expected = format!("{} that fits containers[{index}]", entry.describe());
            finding(&Place::Top("spec"), expected, "none")
        })
    })
}

fn fits(
    index: usize,
    entry: &ContainerPermit,
    (container, image): (&Container<'_>, &ImageText<'_>),
    around: Surroundings<'_, '_>,
    findings: &mut Findings,
) -> Fit {
    findings.below(
        || format!("containers[{index}]"),
        |findings| entry.check(container, image, around, findings),
    )
}

/// A container that no entry is about, or none that is left: it may be there only if what is not
/// listed may. What the pod level says of all containers holds for it too.
fn check_unlisted(
    container: &Container<'_>,
    entries: &[ContainerPermit],
    around: Surroundings<'_, '_>,
    unlisted: Unlisted,
    findings: &mut Findings,
) -> Fit {
    if entries.iter().any(|entry| entry.is_about(container)) {
        let spec = Place::Top("spec");
        let list = spec.field(list_of(container.kind));
        let place = list.element(container.index);
        return findings.add(|| {
            finding(
                &place,
                "each `once` entry to serve one container, and init containers in their order",
                format!("the {} \"{}\"", container.kind.name(), container.name),
            )
        });
    }
    unlisted_container(container, unlisted, findings)?;
    let spec = Place::Top("spec");
    let list = spec.field(list_of(container.kind));
    let place = list.element(container.index);
    let annotated = annotated_profile(around.subject.view.annotations, container.name);
    SecurityRules::default().check(
        around.inherited_rules,
        container.security_context,
        around.inherited_values.annotated(annotated.as_ref()),
        &place.field("securityContext"),
        &mut Check { unlisted, findings },
    )
}
