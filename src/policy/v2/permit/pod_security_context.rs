//! `securityContext` at the level of the pod.

use super::Reading;
use super::security::{INHERITED_KEYS, InheritedRules, InheritedValues};
use crate::kube_wire::pod_view::{PodSecurityContext, Sysctl};
use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::check::{Check, shown};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::names::Names;
use crate::policy::v2::number_rule::NumberRule;
use crate::policy::v2::text_rule::{TextRule, quoted, read_word};

const OWN_KEYS: [&str; 4] =
    ["fsGroup", "supplementalGroups", "supplementalGroupsPolicy", "sysctls"];

/// Rules for the pod's own security context.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct PodSecurityRules {
    pub(super) inherited: InheritedRules,
    fs_group: Option<NumberRule>,
    supplemental_groups: Option<NumberRule>,
    supplemental_groups_policy: Option<&'static str>,
    sysctls: Vec<(Names, TextRule)>,
}

impl PodSecurityRules {
    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&[&OWN_KEYS[..], &INHERITED_KEYS[..]].concat())?;
        Ok(Self {
            inherited: InheritedRules::read(&block, reading)?,
            fs_group: block.read("fsGroup", |at| NumberRule::read(at, reading.warnings))?,
            supplemental_groups: block
                .read("supplementalGroups", |at| NumberRule::read(at, reading.warnings))?,
            supplemental_groups_policy: block
                .read("supplementalGroupsPolicy", |at| read_word(at, &["Merge", "Strict"]))?,
            sysctls: block.list("sysctls", |at| read_sysctl(at, reading))?.unwrap_or_default(),
        })
    }

    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        let Self { inherited, fs_group, supplemental_groups, supplemental_groups_policy, sysctls } =
            self;
        inherited.is_empty()
            && fs_group.is_none()
            && supplemental_groups.is_none()
            && supplemental_groups_policy.is_none()
            && sysctls.is_empty()
    }

    pub(super) fn check(
        &self,
        security: Option<&PodSecurityContext<'_>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let empty = PodSecurityContext::default();
        let PodSecurityContext {
            // Never permitted.
            windows: _,
            supplemental_groups,
            supplemental_groups_policy,
            fs_group,
            sysctls,
            // When files change owner or label, not to whom.
            fs_group_change_policy: _,
            se_linux_change_policy: _,
            se_linux: _,
            run_as_user: _,
            run_as_group: _,
            run_as_non_root: _,
            seccomp: _,
            app_armor: _,
        } = security.unwrap_or(&empty);
        self.inherited.check_pod(&InheritedValues::of_pod(security), place, check)?;
        check.number(self.fs_group.as_ref(), *fs_group, &place.field("fsGroup"), "fsGroup")?;
        let groups = place.field("supplementalGroups");
        for (index, group) in supplemental_groups.iter().enumerate() {
            let rule = self.supplemental_groups.as_ref();
            check.number(rule, Some(*group), &groups.element(index), "supplementalGroups")?;
        }
        let policy = supplemental_groups_policy.unwrap_or("Merge");
        let policy_place = place.field("supplementalGroupsPolicy");
        match self.supplemental_groups_policy {
            Some(word) => {
                check.word(&[word], policy, &policy_place, "supplementalGroupsPolicy")?;
            }
            // The one takes groups away that the other leaves.
            None => check.unlisted(matches!(policy, "Merge" | "Strict"), || {
                finding(&policy_place, "Merge or Strict", shown(policy))
            })?,
        }
        self.check_sysctls(sysctls, &place.field("sysctls"), check)
    }

    fn check_sysctls(
        &self,
        sysctls: &[Sysctl<'_>],
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        sysctls.iter().enumerate().try_for_each(|(index, sysctl)| {
            let Sysctl { name, value } = sysctl;
            // The kernel reads both spellings.
            let spelt = name.replace('/', ".");
            let mut about = self.sysctls.iter().filter(|(names, _)| names.match_name(&spelt));
            let found = || {
                let entry = serde_json::json!({ "name": spelt, "value": value });
                let found = format!("{} = {}", quoted(name), quoted(value));
                finding(&place.element(index), "a listed sysctl", found)
                    .fixed_by("sysctls", vec![entry])
            };
            match self.sysctls.is_empty() {
                true => check.unlisted(false, found),
                false => check.unless(about.any(|(_, rule)| rule.matches(value)), found),
            }
        })
    }
}

fn read_sysctl(
    at: &Located<'_>,
    reading: &mut Reading<'_>,
) -> Result<(Names, TextRule), PolicyError> {
    let block = at.object(&["name", "value"])?;
    let name = Names::read_one(block.required("name", "write the sysctl's name")?)?;
    let value = block.required("value", "write the value, or a rule for it")?;
    Ok((name, TextRule::read(value, reading.warnings)?))
}
