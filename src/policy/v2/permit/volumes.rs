//! `volumes`: where the files of a pod may come from. A volume is permitted by its source, never by
//! its name alone.

use super::Reading;
use super::api_access;
use super::container::ContainerPermit;
use super::volume_source::SourceRule;
use crate::kube_wire::pod_view::Volume;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::subject::Subject;
use crate::policy::v2::text_rule::quoted;

/// One entry of `volumes`.
#[derive(Clone, Debug)]
pub(in crate::policy) struct VolumeRule {
    names: Option<Names>,
    source: SourceRule,
}

impl VolumeRule {
    /// Reads one entry.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&[&["names"][..], &SourceRule::KINDS[..]].concat())?;
        let mut sources =
            SourceRule::KINDS.iter().filter_map(|kind| Some((*kind, block.find(kind)?)));
        let (Some((kind, source)), None) = (sources.next(), sources.next()) else {
            return Err(at.refuse(format!(
                "says not one source; write one of {}",
                SourceRule::KINDS.join(", ")
            )));
        };
        Ok(Self {
            names: block.read("names", Names::read)?,
            source: SourceRule::read(kind, source, reading)?,
        })
    }

    fn is_about(&self, volume: &Volume<'_>) -> bool {
        self.names.as_ref().is_none_or(|names| names.match_name(volume.name))
    }
}

/// A read-only mount of a path of the node leaves what is mounted below it as it is.
pub(super) fn warn_of_shallow(
    list: &Located<'_>,
    rules: &[VolumeRule],
    containers: &[ContainerPermit],
    reading: &mut Reading<'_>,
) -> Result<(), PolicyError> {
    for (at, rule) in list.elements()?.iter().zip(rules) {
        let is_open = |entry: &ContainerPermit| {
            entry.unlisted == Unlisted::Permit
                || entry.mounts.iter().flatten().any(|it| it.is_shallow_for(rule.names.as_ref()))
        };
        let is_usable = reading.unlisted == Unlisted::Permit || containers.iter().any(is_open);
        if rule.source.is_shallow() && is_usable {
            reading.warnings.add(
                at,
                "leaves what is mounted below these paths writable; write \"readOnly\": \"recursive\" \
                 there, or \"recursiveReadOnly\": \"Enabled\" in the entries of `mounts`",
            );
        }
    }
    Ok(())
}

/// Each volume must have the source of an entry that is about it.
pub(super) fn check_volumes(
    rules: Option<&[VolumeRule]>,
    may_access_api: Option<bool>,
    subject: &Subject<'_>,
    check: &mut Check<'_>,
) -> Fit {
    if rules.is_none() && may_access_api.is_none() && check.unlisted == Unlisted::Permit {
        return Fit::Continue(());
    }
    let spec = Place::Top("spec");
    let list = spec.field("volumes");
    for (index, volume) in subject.view.spec.volumes.iter().enumerate() {
        let is_free = may_access_api.unwrap_or(check.unlisted == Unlisted::Permit);
        if is_free && api_access::is_volume(volume) {
            continue;
        }
        let place = list.element(index);
        let unlisted = || {
            let found = match volume.source.kind() {
                "" => format!("the volume {} without a source", quoted(volume.name)),
                kind => format!("the {kind} volume {}", quoted(volume.name)),
            };
            let finding = finding(&place, NOTHING, found);
            if api_access::is_volume(volume) {
                return finding.fixed_by("apiAccess", true);
            }
            match super::volume_source::as_rule(volume) {
                Some(rule) => finding.fixed_by("volumes", vec![rule]),
                None => finding,
            }
        };
        let numbered = rules.unwrap_or_default().iter().enumerate();
        let about = numbered.filter(|(_, rule)| rule.is_about(volume));
        if about.clone().next().is_none() {
            // `"apiAccess": false` lists it, as what must not be there.
            let is_ruled_out = may_access_api == Some(false) && api_access::is_volume(volume);
            match is_ruled_out {
                true => check.add(unlisted)?,
                false => check.unlisted(false, unlisted)?,
            }
            continue;
        }
        let of_kind = about.filter(|(_, rule)| rule.source.is_kind(volume.source.kind()));
        let listed: Unlisted = check.unlisted;
        check.findings.one_of(
            of_kind,
            |(index, rule), findings| {
                findings.below(
                    || format!("volumes[{index}]"),
                    |findings| {
                        let mut check = Check { unlisted: listed, findings };
                        rule.source.check(volume, subject, &place, &mut check)
                    },
                )
            },
            unlisted,
        )?;
    }
    Fit::Continue(())
}
