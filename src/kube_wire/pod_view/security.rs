//! Security contexts, as written: a container's value beats the pod's where both have the field.

use super::read::view;
use crate::kube_wire::pod_schema::security::{
    APP_ARMOR_PROFILE, CAPABILITIES, POD_SECURITY_CONTEXT, SE_LINUX_OPTIONS, SECCOMP_PROFILE,
    SECURITY_CONTEXT, SYSCTL, WINDOWS_SECURITY_CONTEXT_OPTIONS,
};

view! {
    /// `spec.securityContext`.
    #[derive(Debug)]
    PodSecurityContext<'a> of [POD_SECURITY_CONTEXT] {
        "seLinuxOptions" se_linux: Option<SeLinux<'a>>,
        "windowsOptions" windows: Option<&'a WindowsOptions<'a>>,
        "runAsUser" run_as_user: Option<i64>,
        "runAsGroup" run_as_group: Option<i64>,
        "runAsNonRoot" run_as_non_root: Option<bool>,
        "supplementalGroups" supplemental_groups: &'a [i64],
        "supplementalGroupsPolicy" supplemental_groups_policy: Option<&'a str>,
        "fsGroup" fs_group: Option<i64>,
        "sysctls" sysctls: &'a [Sysctl<'a>],
        "fsGroupChangePolicy" fs_group_change_policy: Option<&'a str>,
        "seccompProfile" seccomp: Option<Profile<'a>>,
        "appArmorProfile" app_armor: Option<Profile<'a>>,
        "seLinuxChangePolicy" se_linux_change_policy: Option<&'a str>,
    }
}

view! {
    /// A container's `securityContext`.
    #[derive(Debug)]
    ContainerSecurity<'a> of [SECURITY_CONTEXT] {
        "capabilities" capabilities: Option<Capabilities<'a>>,
        "privileged" privileged: Option<bool>,
        "seLinuxOptions" se_linux: Option<SeLinux<'a>>,
        "windowsOptions" windows: Option<&'a WindowsOptions<'a>>,
        "runAsUser" run_as_user: Option<i64>,
        "runAsGroup" run_as_group: Option<i64>,
        "runAsNonRoot" run_as_non_root: Option<bool>,
        "readOnlyRootFilesystem" read_only_root_filesystem: Option<bool>,
        "allowPrivilegeEscalation" allow_privilege_escalation: Option<bool>,
        "procMount" proc_mount: Option<&'a str>,
        "seccompProfile" seccomp: Option<Profile<'a>>,
        "appArmorProfile" app_armor: Option<Profile<'a>>,
    }
}

view! {
    /// `capabilities`, as written: runtimes take any case, with or without `CAP_`.
    #[derive(Debug)]
    Capabilities<'a> of [CAPABILITIES] {
        "add" add: &'a [&'a str],
        "drop" drop: &'a [&'a str],
    }
}

view! {
    /// `seLinuxOptions`.
    #[derive(Debug)]
    SeLinux<'a> of [SE_LINUX_OPTIONS] {
        "user" user: &'a str,
        "role" role: &'a str,
        "type" type_name: &'a str,
        "level" level: &'a str,
    }
}

view! {
    /// `windowsOptions`.
    #[derive(Debug)]
    WindowsOptions<'a> of [WINDOWS_SECURITY_CONTEXT_OPTIONS] {
        "gmsaCredentialSpecName" gmsa_credential_spec_name: Option<&'a str>,
        "gmsaCredentialSpec" gmsa_credential_spec: Option<&'a str>,
        "runAsUserName" run_as_user_name: Option<&'a str>,
        "hostProcess" host_process: Option<bool>,
    }
}

view! {
    /// `seccompProfile` or `appArmorProfile`.
    #[derive(Debug)]
    Profile<'a> of [SECCOMP_PROFILE, APP_ARMOR_PROFILE] {
        "type" type_name: &'a str,
        "localhostProfile" localhost_profile: Option<&'a str>,
    }
}

view! {
    /// `sysctls[]`.
    #[derive(Debug)]
    Sysctl<'a> of [SYSCTL] {
        "name" name: &'a str,
        "value" value: &'a str,
    }
}
