//! Tables of security contexts.
//!
//! Profiles and sysctls become paths on the node, SELinux labels become mount options.

use super::table::{boolean, int64, list, named, object, strict, text};
use crate::kube_wire::grammar::Grammar;
use crate::kube_wire::schema::{ObjectSchema, Shape};

pub(crate) static POD_SECURITY_CONTEXT: ObjectSchema = strict("PodSecurityContext").with(&[
    object("seLinuxOptions", &SE_LINUX_OPTIONS),
    object("windowsOptions", &WINDOWS_SECURITY_CONTEXT_OPTIONS),
    int64("runAsUser"),
    int64("runAsGroup"),
    boolean("runAsNonRoot"),
    list("supplementalGroups", &Shape::Int64),
    text("supplementalGroupsPolicy"),
    int64("fsGroup"),
    list("sysctls", &Shape::Object(&SYSCTL)),
    text("fsGroupChangePolicy"),
    object("seccompProfile", &SECCOMP_PROFILE),
    object("appArmorProfile", &APP_ARMOR_PROFILE),
    text("seLinuxChangePolicy"),
]);

pub(crate) static SECURITY_CONTEXT: ObjectSchema = strict("SecurityContext").with(&[
    object("capabilities", &CAPABILITIES),
    boolean("privileged"),
    object("seLinuxOptions", &SE_LINUX_OPTIONS),
    object("windowsOptions", &WINDOWS_SECURITY_CONTEXT_OPTIONS),
    int64("runAsUser"),
    int64("runAsGroup"),
    boolean("runAsNonRoot"),
    boolean("readOnlyRootFilesystem"),
    boolean("allowPrivilegeEscalation"),
    text("procMount"),
    object("seccompProfile", &SECCOMP_PROFILE),
    object("appArmorProfile", &APP_ARMOR_PROFILE),
]);

pub(crate) static CAPABILITIES: ObjectSchema =
    strict("Capabilities").with(&[list("add", &Shape::Text), list("drop", &Shape::Text)]);

pub(crate) static SE_LINUX_OPTIONS: ObjectSchema = strict("SELinuxOptions").with(&[
    named("user", Grammar::SelinuxPart),
    named("role", Grammar::SelinuxPart),
    named("type", Grammar::SelinuxPart),
    named("level", Grammar::SelinuxPart),
]);

pub(crate) static WINDOWS_SECURITY_CONTEXT_OPTIONS: ObjectSchema =
    strict("WindowsSecurityContextOptions").with(&[
        text("gmsaCredentialSpecName"),
        text("gmsaCredentialSpec"),
        text("runAsUserName"),
        boolean("hostProcess"),
    ]);

pub(crate) static SECCOMP_PROFILE: ObjectSchema = strict("SeccompProfile")
    .with(&[text("type"), named("localhostProfile", Grammar::DescendingPath)]);

pub(crate) static APP_ARMOR_PROFILE: ObjectSchema =
    strict("AppArmorProfile").with(&[text("type"), named("localhostProfile", Grammar::OneLine)]);

pub(crate) static SYSCTL: ObjectSchema =
    strict("Sysctl").with(&[named("name", Grammar::SysctlName), text("value")]);
