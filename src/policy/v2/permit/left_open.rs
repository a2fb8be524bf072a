//! Entries that leave something open are not asked about it: most `unless` are about one field, policies
//! have dozens of them, and each is held against every container.

use super::container::ContainerPermit;
use super::pod::PodPermit;
use crate::policy::v2::check::Unlisted;

impl ContainerPermit {
    /// Is everything permitted that `check_commands` looks at? So it is in most of `unless`, and
    /// policies have many of these.
    pub(super) fn leaves_commands_open(&self) -> bool {
        let Self { unlisted, command, args, working_dir, env, env_from, mounts, devices, .. } =
            self;
        *unlisted == Unlisted::Permit
            && command.is_none()
            && args.is_none()
            && working_dir.is_none()
            && env.is_none()
            && env_from.is_none()
            && mounts.is_none()
            && devices.is_none()
    }

    /// Is everything permitted that `check_habits` looks at?
    pub(super) fn leaves_habits_open(&self) -> bool {
        let Self {
            unlisted,
            ports,
            lifecycle,
            probes,
            stdin,
            tty,
            termination_message_path,
            restart_rules,
            extended_resources,
            max_resources,
            ..
        } = self;
        *unlisted == Unlisted::Permit
            && ports.is_none()
            && lifecycle.is_empty()
            && probes.is_empty()
            && stdin.is_none()
            && tty.is_none()
            && termination_message_path.is_none()
            && restart_rules.is_none()
            && extended_resources.is_none()
            && max_resources.is_empty()
    }
}

impl PodPermit {
    /// Is everything permitted that `check_rest` looks at, but for what is never left open?
    pub(super) fn leaves_rest_open(&self) -> bool {
        let Self {
            unlisted,
            security,
            runtime_classes,
            service_accounts,
            automount_token,
            service_links,
            hostname,
            subdomain,
            hostname_override,
            dns,
            image_pull_secrets,
            resource_claims,
            // Of what is looked at elsewhere.
            pod_security: _,
            containers: _,
            ordered_init: _,
            volumes: _,
            api_access: _,
            host_network: _,
            host_pid: _,
            host_ipc: _,
            share_process_namespace: _,
            host_users: _,
            hostname_as_fqdn: _,
            annotations: _,
            // What is permitted of a pod that fits.
            updates: _,
            access: _,
        } = self;
        *unlisted == Unlisted::Permit
            && security.is_empty()
            && runtime_classes.is_none()
            && service_accounts.is_none()
            && automount_token.is_none()
            && service_links.is_none()
            && hostname.is_none()
            && subdomain.is_none()
            && hostname_override.is_none()
            && dns.is_empty()
            && image_pull_secrets.is_none()
            && resource_claims.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::policy::v2::check::Check;
    use crate::policy::v2::finding::{Findings, Place};
    use crate::policy::v2::permit::container::Surroundings;
    use crate::policy::v2::permit::security::{InheritedRules, InheritedValues};
    use crate::policy::v2::sample::{document, pod, ruling, with_pod};
    use crate::policy::v2::subject::Subject;

    #[test]
    fn what_is_left_open_would_find_nothing() {
        let probe = json!({ "httpGet": { "host": "10.0.0.1", "port": 22, "httpHeaders":
            [{ "name": "a", "value": "b" }] } });
        let all = json!({
            "command": ["$(A)"], "args": ["$(B)"], "workingDir": "/",
            "env": [{ "name": "A", "value": "$(B)" }, { "name": "B", "valueFrom":
                { "secretKeyRef": { "name": "s", "key": "k", "optional": true } } }],
            "envFrom": [{ "secretRef": { "name": "s" } }],
            "volumeMounts": [{ "name": "v", "mountPath": "/v", "subPathExpr": "$(A)",
                "mountPropagation": "Bidirectional" }],
            "volumeDevices": [{ "name": "d", "devicePath": "/dev/sda" }],
            "ports": [{ "containerPort": 22, "hostPort": 22, "hostIP": "10.0.0.1" }],
            "livenessProbe": probe, "readinessProbe": { "exec": { "command": ["$(A)"] } },
            "startupProbe": { "grpc": { "port": 1 } },
            "lifecycle": { "postStart": { "exec": { "command": ["x"] } },
                "preStop": { "sleep": { "seconds": 1 } }, "stopSignal": "SIGKILL" },
            "stdin": true, "tty": true, "terminationMessagePath": "/x",
            "restartPolicyRules": [{ "action": "Restart", "exitCodes":
                { "operator": "In", "values": [1] } }],
            "resources": { "limits": { "nvidia.com/gpu": "1" } },
        });
        let spec = json!({ "volumes": [{ "name": "v", "emptyDir": {} },
            { "name": "d", "persistentVolumeClaim": { "claimName": "d" } }] });
        let open = ContainerPermit::open(Unlisted::Permit);
        let strict = ContainerPermit::open(Unlisted::Refuse);
        assert!(open.leaves_commands_open() && open.leaves_habits_open());
        assert!(!strict.leaves_commands_open() && !strict.leaves_habits_open());
        with_pod(&pod(spec, all), |pod| {
            let subject = Subject::of(pod);
            let around = Surroundings {
                subject: &subject,
                inherited_rules: &InheritedRules::default(),
                inherited_values: InheritedValues::default(),
                may_access_api: false,
            };
            let (container, _) = subject.containers().next().unwrap();
            for (entry, fits) in [(&open, true), (&strict, false)] {
                let findings = &mut Findings::any();
                let check = &mut Check { unlisted: entry.unlisted, findings };
                let place = Place::Top("spec");
                let commands = entry.check_commands(container, around, &place, check);
                assert_eq!(commands.is_continue(), fits);
                let habits = entry.check_habits(container, around, &place, check);
                assert_eq!(habits.is_continue(), fits);
            }
        });
    }

    #[test]
    fn what_is_left_open_of_a_pod_would_find_nothing_and_windows_is_never_left_open() {
        let odd = json!({
            "securityContext": { "runAsUser": 0, "fsGroup": 0, "supplementalGroups": [0],
                "supplementalGroupsPolicy": "Other", "sysctls": [{ "name": "a/b", "value": "1" }],
                "seccompProfile": { "type": "Unconfined" }, "seLinuxOptions": { "user": "x" } },
            "runtimeClassName": "kata", "serviceAccountName": "robot", "serviceAccount": "robot",
            "automountServiceAccountToken": true, "enableServiceLinks": true,
            "hostname": "a", "subdomain": "b", "hostnameOverride": "c",
            "dnsPolicy": "None", "dnsConfig": { "nameservers": ["10.0.0.1"] },
            "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["a"] }],
            "resources": { "limits": { "nvidia.com/gpu": "1" } },
            "imagePullSecrets": [{ "name": "s" }],
            "resourceClaims": [{ "name": "c", "resourceClaimName": "d" }],
        });
        let windows = json!({ "windowsOptions": { "hostProcess": true } });
        let open = PodPermit::open(Unlisted::Permit);
        let strict = PodPermit::open(Unlisted::Refuse);
        assert!(open.leaves_rest_open() && !strict.leaves_rest_open());
        for (spec, is_left_open) in [
            (odd, true),
            (json!({ "securityContext": windows }), false),
            (json!({ "os": { "name": "windows" } }), false),
            (json!({ "serviceAccountName": "a", "serviceAccount": "b" }), false),
        ] {
            with_pod(&pod(spec.clone(), json!({})), |pod| {
                let subject = Subject::of(pod);
                for (permit, fits) in [(&open, is_left_open), (&strict, false)] {
                    let findings = &mut Findings::any();
                    let check = &mut Check { unlisted: permit.unlisted, findings };
                    let rest = permit.check_rest(&subject, check);
                    assert_eq!(rest.is_continue(), fits, "{spec}");
                    let whole = permit.check(&subject, &mut Findings::any());
                    assert_eq!(whole.is_continue(), fits, "{spec}");
                }
            });
        }
    }

    /// What an `unless` of one key is about, and a pod's spec that it keeps out.
    fn single_keys() -> Vec<(Value, Value)> {
        let secure = |rule: Value, value: Value| {
            (json!({ "securityContext": rule }), json!({ "securityContext": value }))
        };
        let profile = json!({ "type": "Unconfined" });
        let sysctl = |name: &str| json!([{ "name": name, "value": "1" }]);
        let alias = |name: &str| json!([{ "ip": "10.0.0.1", "hostnames": [name] }]);
        vec![
            secure(json!({ "runAsUser": 7 }), json!({ "runAsUser": 8 })),
            secure(json!({ "runAsGroup": 7 }), json!({ "runAsGroup": 8 })),
            secure(json!({ "runAsNonRoot": true }), json!({ "runAsNonRoot": false })),
            secure(json!({ "seccomp": ["RuntimeDefault"] }), json!({ "seccompProfile": profile })),
            secure(
                json!({ "appArmor": ["RuntimeDefault"] }),
                json!({ "appArmorProfile": profile }),
            ),
            secure(
                json!({ "seLinux": { "type": "a" } }),
                json!({ "seLinuxOptions": { "type": "b" } }),
            ),
            secure(json!({ "fsGroup": 7 }), json!({ "fsGroup": 8 })),
            secure(json!({ "supplementalGroups": 7 }), json!({ "supplementalGroups": [8] })),
            secure(
                json!({ "supplementalGroupsPolicy": "Strict" }),
                json!({ "supplementalGroupsPolicy": "Merge" }),
            ),
            secure(json!({ "sysctls": sysctl("a.b") }), json!({ "sysctls": sysctl("a.c") })),
            (json!({ "runtimeClasses": ["kata"] }), json!({ "runtimeClassName": "other" })),
            (json!({ "serviceAccounts": ["a"] }), json!({ "serviceAccountName": "b" })),
            (
                json!({ "automountServiceAccountToken": false }),
                json!({ "automountServiceAccountToken": true }),
            ),
            (json!({ "serviceLinks": false }), json!({ "enableServiceLinks": true })),
            (json!({ "hostname": "a" }), json!({ "hostname": "b" })),
            (json!({ "subdomain": "a" }), json!({ "subdomain": "b" })),
            (json!({ "hostnameOverride": "a" }), json!({ "hostnameOverride": "b" })),
            (json!({ "dnsPolicies": ["Default"] }), json!({ "dnsPolicy": "None" })),
            (
                json!({ "dnsConfig": { "searches": ["a"] } }),
                json!({ "dnsConfig": { "searches": ["b"] } }),
            ),
            (json!({ "hostAliases": alias("a") }), json!({ "hostAliases": alias("b") })),
            (
                json!({ "imagePullSecrets": ["a"] }),
                json!({ "imagePullSecrets": [{ "name": "b" }] }),
            ),
            (
                json!({ "resourceClaims": ["a"] }),
                json!({ "resourceClaims": [{ "name": "c", "resourceClaimName": "b" }] }),
            ),
        ]
    }

    #[test]
    fn whatever_an_unless_is_about_is_not_left_open() {
        for (unless, spec) in single_keys() {
            let tried = document(
                json!([
                    { "name": "no", "action": "deny", "match": {}, "unless": unless },
                    { "name": "yes", "action": "allow", "match": {}, "permit": { "unlisted": "permit" } },
                ]),
                json!({}),
            );
            let (allowed, reason) = ruling(&tried, &pod(spec.clone(), json!({})));
            assert!(
                !allowed && reason.starts_with("denied by rule 'no'"),
                "{unless} and {spec}: {reason}"
            );
        }
    }
}
