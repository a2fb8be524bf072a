//! `securityContext` of a container entry, and what it shares with the pod's.
//!
//! A container's value beats the pod's where both have the field; the effective value is what runs,
//! so that is what is compared. Rules are inherited as values are: what an entry says nothing about,
//! the pod level decides.

use super::Reading;
use super::profiles::{ProfileRule, SeLinuxRule, check_profile, check_se_linux};
use crate::kube_wire::pod_view::{
    Capabilities, ContainerSecurity, PodSecurityContext, Profile, SeLinux,
};
use crate::policy::capability::{ListedCapabilities, known_names};
use crate::policy::error::PolicyError;
use crate::policy::located::{Located, Object, suggest};
use crate::policy::v2::check::{Check, NOTHING, Unlisted};
use crate::policy::v2::finding::{Fit, Place, finding};
use crate::policy::v2::number_rule::NumberRule;
use crate::policy::v2::text_rule::{list, quoted, read_word};

/// Keys of both levels.
pub(super) const INHERITED_KEYS: [&str; 6] =
    ["runAsUser", "runAsGroup", "runAsNonRoot", "seccomp", "appArmor", "seLinux"];

const OWN_KEYS: [&str; 5] = [
    "privileged",
    "capabilities",
    "allowPrivilegeEscalation",
    "readOnlyRootFilesystem",
    "procMount",
];

/// Rules for the fields that a container inherits from its pod.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct InheritedRules {
    run_as_user: Option<NumberRule>,
    run_as_group: Option<NumberRule>,
    run_as_non_root: Option<bool>,
    seccomp: Option<ProfileRule>,
    app_armor: Option<ProfileRule>,
    se_linux: Option<SeLinuxRule>,
}

/// Values of those fields.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InheritedValues<'v> {
    run_as_user: Option<i64>,
    run_as_group: Option<i64>,
    run_as_non_root: Option<bool>,
    seccomp: Option<&'v Profile<'v>>,
    app_armor: Option<&'v Profile<'v>>,
    se_linux: Option<&'v SeLinux<'v>>,
}

impl InheritedRules {
    pub(super) fn read(block: &Object<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        Ok(Self {
            run_as_user: block.read("runAsUser", |at| NumberRule::read(at, reading.warnings))?,
            run_as_group: block.read("runAsGroup", |at| NumberRule::read(at, reading.warnings))?,
            run_as_non_root: block.read("runAsNonRoot", Located::boolean)?,
            seccomp: block.read("seccomp", |at| ProfileRule::read(at, reading))?,
            app_armor: block.read("appArmor", |at| ProfileRule::read(at, reading))?,
            se_linux: block.read("seLinux", |at| SeLinuxRule::read(at, reading))?,
        })
    }

    /// Says it nothing?
    pub(super) fn is_empty(&self) -> bool {
        let Self { run_as_user, run_as_group, run_as_non_root, seccomp, app_armor, se_linux } =
            self;
        run_as_user.is_none()
            && run_as_group.is_none()
            && run_as_non_root.is_none()
            && seccomp.is_none()
            && app_armor.is_none()
            && se_linux.is_none()
    }

    /// Compares the values of a container with the rules for it: its own, else the pod's.
    pub(super) fn check(
        &self,
        above: &Self,
        values: &InheritedValues<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        if check.unlisted == Unlisted::Permit && self.is_empty() && above.is_empty() {
            return Fit::Continue(());
        }
        let wants_non_root = self.run_as_non_root.or(above.run_as_non_root) == Some(true);
        check.unless(!wants_non_root || values.run_as_non_root == Some(true), || {
            let found = if values.run_as_non_root.is_some() { "false" } else { NOTHING };
            finding(&place.field("runAsNonRoot"), "true", found).fixed_by("runAsNonRoot", false)
        })?;
        Rules {
            run_as_user: self.run_as_user.as_ref().or(above.run_as_user.as_ref()),
            run_as_group: self.run_as_group.as_ref().or(above.run_as_group.as_ref()),
            seccomp: self.seccomp.as_ref().or(above.seccomp.as_ref()),
            app_armor: self.app_armor.as_ref().or(above.app_armor.as_ref()),
            se_linux: self.se_linux.as_ref().or(above.se_linux.as_ref()),
        }
        .check(values, place, check)
    }

    /// Compares what the pod itself sets. What it leaves to its containers is their matter.
    pub(super) fn check_pod(
        &self,
        values: &InheritedValues<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        Rules {
            run_as_user: self.run_as_user.as_ref().filter(|_| values.run_as_user.is_some()),
            run_as_group: self.run_as_group.as_ref().filter(|_| values.run_as_group.is_some()),
            seccomp: self.seccomp.as_ref().filter(|_| values.seccomp.is_some()),
            app_armor: self.app_armor.as_ref().filter(|_| values.app_armor.is_some()),
            se_linux: self.se_linux.as_ref().filter(|_| values.se_linux.is_some()),
        }
        .check(values, place, check)
    }
}

/// The rules that are in force for one container or pod.
struct Rules<'r> {
    run_as_user: Option<&'r NumberRule>,
    run_as_group: Option<&'r NumberRule>,
    seccomp: Option<&'r ProfileRule>,
    app_armor: Option<&'r ProfileRule>,
    se_linux: Option<&'r SeLinuxRule>,
}

impl Rules<'_> {
    fn check(&self, values: &InheritedValues<'_>, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        let InheritedValues {
            run_as_user,
            run_as_group,
            run_as_non_root: _,
            seccomp,
            app_armor,
            se_linux,
        } = *values;
        check.number(self.run_as_user, run_as_user, &place.field("runAsUser"), "runAsUser")?;
        check.number(self.run_as_group, run_as_group, &place.field("runAsGroup"), "runAsGroup")?;
        check_profile(self.seccomp, seccomp, &place.field("seccompProfile"), "seccomp", check)?;
        let app_armor_place = place.field("appArmorProfile");
        check_profile(self.app_armor, app_armor, &app_armor_place, "appArmor", check)?;
        check_se_linux(self.se_linux, se_linux, &place.field("seLinuxOptions"), check)
    }
}

impl<'v> InheritedValues<'v> {
    /// What the pod sets. Its other fields are not inherited.
    pub(super) fn of_pod(security: Option<&'v PodSecurityContext<'v>>) -> Self {
        let Some(security) = security else { return Self::default() };
        Self {
            run_as_user: security.run_as_user,
            run_as_group: security.run_as_group,
            run_as_non_root: security.run_as_non_root,
            seccomp: security.seccomp.as_ref(),
            app_armor: security.app_armor.as_ref(),
            se_linux: security.se_linux.as_ref(),
        }
    }

    /// With the AppArmor profile that an annotation gives one container, which a kubelet puts in front
    /// of the pod's and behind the container's own.
    pub(super) fn annotated(self, app_armor: Option<&'v Profile<'v>>) -> Self {
        Self { app_armor: app_armor.or(self.app_armor), ..self }
    }

    /// What is effective for a container.
    pub(super) fn of_container(self, security: Option<&'v ContainerSecurity<'v>>) -> Self {
        let Some(security) = security else { return self };
        Self {
            run_as_user: security.run_as_user.or(self.run_as_user),
            run_as_group: security.run_as_group.or(self.run_as_group),
            run_as_non_root: security.run_as_non_root.or(self.run_as_non_root),
            seccomp: security.seccomp.as_ref().or(self.seccomp),
            app_armor: security.app_armor.as_ref().or(self.app_armor),
            se_linux: security.se_linux.as_ref().or(self.se_linux),
        }
    }
}

/// `securityContext` of a container entry.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct SecurityRules {
    pub(super) inherited: InheritedRules,
    privileged: Option<bool>,
    added: Option<ListedCapabilities>,
    dropped: Option<ListedCapabilities>,
    allow_privilege_escalation: Option<bool>,
    read_only_root_filesystem: Option<bool>,
    proc_mount: Option<&'static str>,
}

impl SecurityRules {
    /// Reads the block.
    pub(super) fn read(at: &Located<'_>, reading: &mut Reading<'_>) -> Result<Self, PolicyError> {
        let block = at.object(&[&OWN_KEYS[..], &INHERITED_KEYS[..]].concat())?;
        let capabilities = block.read("capabilities", |at| at.object(&["add", "drop"]))?;
        let capabilities = |key| {
            let block = capabilities.as_ref();
            block.map_or(Ok(None), |block| block.read(key, read_capabilities))
        };
        let rules = Self {
            inherited: InheritedRules::read(&block, reading)?,
            privileged: block.read("privileged", Located::boolean)?,
            added: capabilities("add")?,
            dropped: capabilities("drop")?,
            allow_privilege_escalation: block.read("allowPrivilegeEscalation", Located::boolean)?,
            read_only_root_filesystem: block.read("readOnlyRootFilesystem", Located::boolean)?,
            proc_mount: block.read("procMount", |at| read_word(at, &["Default", "Unmasked"]))?,
        };
        if let Some(at) = block.find("privileged").filter(|_| rules.privileged == Some(true))
            && reading.unlisted == Unlisted::Refuse
        {
            reading.warnings.broad(at, "gives the container the whole node; add capabilities");
        }
        Ok(rules)
    }

    /// Compares what is effective for the container.
    pub(super) fn check(
        &self,
        above: &InheritedRules,
        security: Option<&ContainerSecurity<'_>>,
        pod: InheritedValues<'_>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let effective = pod.of_container(security);
        self.inherited.check(above, &effective, place, check)?;
        let empty = ContainerSecurity::default();
        let ContainerSecurity {
            capabilities,
            privileged,
            windows,
            read_only_root_filesystem,
            allow_privilege_escalation,
            proc_mount,
            se_linux: _,
            run_as_user: _,
            run_as_group: _,
            run_as_non_root: _,
            seccomp: _,
            app_armor: _,
        } = security.unwrap_or(&empty);
        check.unless(windows.is_none(), || {
            finding(&place.field("windowsOptions"), NOTHING, "options for Windows")
        })?;
        let is_privileged = *privileged == Some(true);
        check.may(self.privileged, is_privileged, &place.field("privileged"), "privileged")?;
        self.check_capabilities(capabilities.as_ref(), &place.field("capabilities"), check)?;
        self.check_escalation(*allow_privilege_escalation, place, check)?;
        let wants_read_only = self.read_only_root_filesystem == Some(true);
        check.unless(!wants_read_only || *read_only_root_filesystem == Some(true), || {
            finding(&place.field("readOnlyRootFilesystem"), "true", "false")
                .fixed_by("readOnlyRootFilesystem", false)
        })?;
        let proc_mount = proc_mount.unwrap_or("Default");
        let fits = proc_mount == "Default" || self.proc_mount == Some(proc_mount);
        let place = place.field("procMount");
        let found = || finding(&place, "\"Default\"", quoted(proc_mount));
        match self.proc_mount {
            Some(_) => check.unless(fits, found),
            None => check.unlisted(fits, || found().fixed_by("procMount", proc_mount)),
        }
    }

    fn check_capabilities(
        &self,
        capabilities: Option<&Capabilities<'_>>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let empty = Capabilities::default();
        let Capabilities { add, drop } = capabilities.unwrap_or(&empty);
        for (index, added) in add.iter().enumerate() {
            let place = place.field("add");
            let found = || {
                let expected = self.added.as_ref().map_or_else(
                    || NOTHING.to_owned(),
                    |listed| format!("one of {}", list(listed.names())),
                );
                finding(&place.element(index), expected, quoted(added))
                    .fixed_by("capabilities.add", vec![*added])
            };
            match &self.added {
                Some(listed) => check.unless(listed.permit(added), found)?,
                None => check.unlisted(false, found)?,
            }
        }
        let kept = self.dropped.as_ref().and_then(|listed| listed.kept_by(drop, add));
        check.unless(kept.is_none(), || {
            let expected = format!("{} among them", quoted(kept.unwrap_or_default()));
            finding(&place.field("drop"), expected, list(drop))
        })
    }

    fn check_escalation(
        &self,
        value: Option<bool>,
        place: &Place<'_>,
        check: &mut Check<'_>,
    ) -> Fit {
        let place = place.field("allowPrivilegeEscalation");
        let key = "allowPrivilegeEscalation";
        match self.allow_privilege_escalation {
            Some(true) => Fit::Continue(()),
            Some(false) => check.unless(value == Some(false), || {
                let found = if value.is_some() { "true" } else { NOTHING };
                finding(&place, "false", found).fixed_by(key, true)
            }),
            None => check.unlisted(value != Some(true), || {
                finding(&place, "false or nothing", "true").fixed_by(key, true)
            }),
        }
    }
}

fn read_capabilities(at: &Located<'_>) -> Result<ListedCapabilities, PolicyError> {
    let mut names = Vec::new();
    for element in at.elements()? {
        let written = element.filled_string()?;
        if ListedCapabilities::of(std::iter::once(written.as_str())).is_err() {
            let known: Vec<_> = known_names().collect();
            let suggestion = suggest(&written, &known);
            return Err(element.refuse(format!("is no Linux capability; {suggestion}")));
        }
        names.push(written);
    }
    ListedCapabilities::of(names.iter().map(String::as_str))
        .map_err(|_| at.refuse("holds what is no Linux capability; correct it"))
}
