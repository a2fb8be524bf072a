//! What a kubelet gets of an allowed pod is what the API server has: nothing lost, nothing changed.
//!
//! The same pod, with every field that a real one may carry, is decoded by real clients with the proxy
//! between and without. Not a row of the reference, but half of its promise: everything allowed arrives.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::pods::{NODE, event, good, list, uid, with};
use super::reflector::{MINORS, Reflector};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::{Answer, Step};
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

pub(crate) fn trials() -> Vec<Trial> {
    let ways: [(&str, &'static [&'static str]); 3] =
        [("list", &["list"]), ("watch", &["watch"]), ("get", &["-pod", "default/full", "get"])];
    let mut trials = Vec::new();
    for minor in MINORS {
        for (name, arguments) in ways {
            let name = format!("allowed_pod_arrives_whole_by_{name}::client_go_0_{minor}");
            trials.push(Trial::test(name, move || {
                assert_eq!(decoded(minor, arguments, true), decoded(minor, arguments, false));
                Ok(())
            }));
        }
    }
    trials
}

fn decoded(minor: u8, arguments: &[&str], guarded: bool) -> Value {
    let events = Answer::watch_steps([Step::Send(event("ADDED", &full()).into())]);
    let script = Script::new()
        .on(Kind::List, [Answer::document(&list(20, [full()]))])
        .on(Kind::Watch, [events])
        .on(Kind::GetPod, [Answer::document(&full())]);
    let world = World::new(Protocols::Http1And2, script);
    let proxy = guarded.then(|| world.proxy());
    let client: Reflector = match &proxy {
        Some(proxy) if arguments == ["watch"] => world.guarded_watch(minor, proxy),
        Some(proxy) => world.guarded(minor, proxy, arguments),
        None => world.unguarded(minor, arguments),
    };
    let outcome =
        |line: &Value| matches!(line["event"].as_str(), Some("list" | "watch" | "result"));
    assert!(client.wait_until(|lines| lines.iter().any(outcome)).is_ok(), "{:?}", client.lines());
    let line = client.lines().into_iter().find(outcome).expect("an outcome");
    let pod = if line["event"] == "list" { &line["pods"][0] } else { &line["object"] };
    assert_eq!(pod["metadata"]["name"], "full", "guarded: {guarded}: {line}");
    pod.clone()
}

/// A pod with a value in (nearly) every field that 1.33 has.
fn full() -> Value {
    let mut pod = good("full");
    pod["metadata"]["generateName"] = json!("fu");
    pod["metadata"]["finalizers"] = json!(["example.com/keep"]);
    pod["metadata"]["selfLink"] = json!("/api/v1/x");
    pod["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Update",
        "apiVersion": "v1", "time": "2026-11-21T08:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}, "subresource": "status"}]);
    for (field, value) in scheduling().as_object().expect("fields") {
        pod["spec"][field] = value.clone();
    }
    pod["spec"]["volumes"] = volumes();
    pod["spec"]["initContainers"] = json!([container("init"), sidecar()]);
    pod["spec"]["containers"] = json!([container("main")]);
    with(pod, "/status", status())
}

fn scheduling() -> Value {
    let term = json!({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
        "matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["c"]}]});
    let pods = json!({"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone",
        "namespaces": ["default"], "namespaceSelector": {"matchLabels": {"a": "b"}},
        "matchLabelKeys": ["x"], "mismatchLabelKeys": ["y"]});
    json!({
        "activeDeadlineSeconds": 3600, "automountServiceAccountToken": false, "nodeName": NODE,
        "nodeSelector": {"disk": "ssd"}, "hostname": "h", "subdomain": "s", "hostUsers": false,
        "setHostnameAsFQDN": true, "shareProcessNamespace": true, "priorityClassName": "low",
        "priority": -1, "preemptionPolicy": "Never", "restartPolicy": "OnFailure",
        "runtimeClassName": "runc", "schedulerName": "other", "overhead": {"cpu": "10m"},
        "os": {"name": "linux"}, "readinessGates": [{"conditionType": "example.com/ready"}],
        "schedulingGates": [{"name": "example.com/gate"}], "imagePullSecrets": [{"name": "pull"}],
        "enableServiceLinks": false, "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.10"], "searches": ["a.b"],
            "options": [{"name": "ndots", "value": "5"}, {"name": "edns0"}]},
        "hostAliases": [{"ip": "10.1.1.1", "hostnames": ["a", "b"]}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]},
            "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [pods]},
            "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": pods}]}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "minDomains": 2,
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}},
            "nodeAffinityPolicy": "Honor", "nodeTaintsPolicy": "Ignore", "matchLabelKeys": ["z"]}],
        "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": true,
            "fsGroup": 2000, "fsGroupChangePolicy": "OnRootMismatch", "supplementalGroups": [1, 2],
            "supplementalGroupsPolicy": "Strict", "sysctls": [{"name": "net.a", "value": "1"}],
            "seccompProfile": {"type": "RuntimeDefault"}, "seLinuxOptions": {"level": "s0:c1"},
            "appArmorProfile": {"type": "Localhost", "localhostProfile": "p"},
            "seLinuxChangePolicy": "MountOption"},
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "claim"}],
    })
}

fn volumes() -> Value {
    let projected = json!([
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607, "audience": "a"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"secret": {"name": "s", "optional": true}},
        {"clusterTrustBundle": {"name": "b", "path": "p"}},
        {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"apiVersion": "v1",
            "fieldPath": "metadata.namespace"}}]}}]);
    json!([
        {"name": "work", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        {"name": "secret", "secret": {"secretName": "s", "defaultMode": 256,
            "items": [{"key": "k", "path": "a/b", "mode": 420}]}},
        {"name": "config", "configMap": {"name": "c", "defaultMode": 420, "optional": false}},
        {"name": "token", "projected": {"defaultMode": 420, "sources": projected}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}},
        {"name": "down", "downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef":
            {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}}]}},
        {"name": "csi", "csi": {"driver": "d.example.com", "fsType": "ext4", "readOnly": true,
            "volumeAttributes": {"a": "b"}, "nodePublishSecretRef": {"name": "n"}}},
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"}}}},
        {"name": "image", "image": {"reference": "registry.example/good:2", "pullPolicy": "Always"}},
        {"name": "nfs", "nfs": {"server": "s", "path": "/p", "readOnly": true}},
        {"name": "host", "hostPath": {"path": "/var/log", "type": "Directory"}},
    ])
}

fn container(name: &str) -> Value {
    let probe = json!({"initialDelaySeconds": 1, "periodSeconds": 10, "timeoutSeconds": 1,
        "successThreshold": 1, "failureThreshold": 3, "terminationGracePeriodSeconds": 5});
    let probe = |kind: &str, action: Value| with(probe.clone(), &format!("/{kind}"), action);
    let get = json!({"path": "/x", "port": "http", "scheme": "HTTPS", "host": "h",
        "httpHeaders": [{"name": "A", "value": "b"}]});
    let is_main = name == "main";
    let mut container = json!({
        "name": name, "image": format!("registry.example/good@sha256:{}", "0123456789abcdef".repeat(4)),
        "command": ["/bin/good", ""], "args": ["<&>", "\u{2028}", "\u{7f}"], "workingDir": "/",
        "imagePullPolicy": "Never", "stdin": true, "stdinOnce": true, "tty": true,
        "terminationMessagePath": "/x", "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [{"name": "A", "value": "$(B)"}, {"name": "EMPTY", "value": ""},
            {"name": "F", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
            {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": true}}},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}},
            {"secretRef": {"name": "s", "optional": true}}],
        "ports": [{"name": "http", "containerPort": 8443, "hostPort": 18443, "protocol": "TCP",
            "hostIP": "127.0.0.1"}],
        "resources": {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "500m"},
            "claims": [{"name": "gpu", "request": "r"}]},
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "volumeMounts": [{"name": "work", "mountPath": "/work", "subPath": "a/b", "readOnly": true,
            "recursiveReadOnly": "IfPossible", "mountPropagation": "HostToContainer"},
            {"name": "config", "mountPath": "/config", "subPathExpr": "$(A)"}],
        "volumeDevices": [{"name": "claim", "devicePath": "/dev/x"}],
        "securityContext": {"privileged": false, "allowPrivilegeEscalation": false,
            "procMount": "Default",
            "readOnlyRootFilesystem": true, "runAsUser": 9_007_199_254_740_993_i64, "runAsGroup": 0,
            "runAsNonRoot": true, "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "seLinuxOptions": {"user": "u", "role": "r", "type": "t", "level": "l"},
            "seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"},
            "appArmorProfile": {"type": "Unconfined"}},
    });
    if is_main {
        container["livenessProbe"] = probe("httpGet", get);
        container["readinessProbe"] = probe("tcpSocket", json!({"port": 1, "host": "h"}));
        container["startupProbe"] = probe("grpc", json!({"port": 2, "service": "s"}));
        container["lifecycle"] = json!({"postStart": {"exec": {"command": ["a"]}},
            "preStop": {"sleep": {"seconds": 3}}, "stopSignal": "SIGUSR1"});
    }
    container
}

fn sidecar() -> Value {
    let sidecar = with(container("sidecar"), "/restartPolicy", json!("Always"));
    with(sidecar, "/startupProbe", json!({"exec": {"command": ["true"]}}))
}

fn status() -> Value {
    let state = json!({"terminated": {"exitCode": 1, "signal": 9, "reason": "Error", "message": "m",
        "startedAt": "2026-11-21T08:00:00Z", "finishedAt": "2026-11-21T08:00:01Z",
        "containerID": "containerd://x"}});
    let container = json!({"name": "main",
        "state": {"running": {"startedAt": "2026-11-21T08:00:00Z"}}, "lastState": state, "ready": true, "restartCount": 3, "image": "i", "imageID": "sha256:x",
        "containerID": "containerd://y", "started": true, "allocatedResources": {"cpu": "1"},
        "resources": {"limits": {"cpu": "1"}}, "user": {"linux": {"uid": 1, "gid": 2}},
        "volumeMounts": [{"name": "work", "mountPath": "/work", "recursiveReadOnly": "Disabled"}]});
    json!({
        "phase": "Running", "qosClass": "Burstable", "message": "m", "reason": "r",
        "nominatedNodeName": "n", "hostIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.1"}],
        "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}, {"ip": "fd00::1"}],
        "startTime": "2026-11-21T08:00:00Z", "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": null,
            "lastTransitionTime": "2026-11-21T08:00:00Z", "reason": "r", "message": "m"}],
        "containerStatuses": [container], "initContainerStatuses": [container],
        "resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": uid("gpu")}],
    })
}
