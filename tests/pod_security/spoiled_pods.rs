//! Pods made from one that every standard allows, each changed in a few places that standards read.
//!
//! Values are as often allowed ones as forbidden ones, so that both answers are frequent.

use serde_json::{Value, json};

/// One change: which field, of which container, to which value. Any numbers will do.
pub(crate) type Change = (u16, u8, u8);

/// The hardened pod with these changes.
pub(crate) fn spoiled(changes: &[Change]) -> Value {
    let mut pod = hardened();
    for (field, container, value) in changes {
        let fields = FIELDS.len() + CONTAINER_FIELDS.len();
        match usize::from(*field) % fields {
            index if index < FIELDS.len() => {
                let (path, values) = FIELDS[index];
                put(&mut pod, path, chosen(&values(), *value));
            }
            index => {
                let (path, values) = CONTAINER_FIELDS[index - FIELDS.len()];
                let container = CONTAINERS[usize::from(*container) % CONTAINERS.len()];
                put(&mut pod, &format!("{container}/{path}"), chosen(&values(), *value));
            }
        }
    }
    pod
}

/// Allowed by the restricted level, whatever its version.
fn hardened() -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.example/app:1",
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
            },
        })
    };
    let mut sidecar = container("sidecar");
    sidecar["restartPolicy"] = json!("Always");
    json!({
        "metadata": {
            "namespace": "a", "name": "b", "uid": "12345678-90ab-cdef-0123-456789abcdef",
            "annotations": {},
        },
        "spec": {
            "nodeName": "n",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [container("init"), sidecar],
            "containers": [container("one"), container("two")],
            "ephemeralContainers": [container("debug")],
            "volumes": [{"name": "first", "emptyDir": {}}, {"name": "second", "emptyDir": {}}],
        },
    })
}

const CONTAINERS: [&str; 5] = [
    "spec/initContainers/0",
    "spec/initContainers/1",
    "spec/containers/0",
    "spec/containers/1",
    "spec/ephemeralContainers/0",
];

/// A path, and what is put there. `null` takes the field away.
type Choice = (&'static str, fn() -> Value);

/// Of the pod as a whole.
const FIELDS: &[Choice] = &[
    ("spec/hostNetwork", flags),
    ("spec/hostPID", flags),
    ("spec/hostIPC", flags),
    ("spec/hostUsers", flags),
    // Twice: what it relaxes must meet what it does not.
    ("spec/hostUsers", || json!([false])),
    ("spec/os", || json!([null, {"name": "linux"}, {"name": "windows"}, {"name": "Windows"}])),
    ("spec/securityContext", || json!([null, {}, {"runAsNonRoot": true}])),
    ("spec/securityContext/runAsNonRoot", flags),
    ("spec/securityContext/runAsUser", users),
    ("spec/securityContext/seLinuxOptions", labels),
    ("spec/securityContext/seccompProfile", profiles),
    ("spec/securityContext/appArmorProfile", profiles),
    ("spec/securityContext/windowsOptions", windows),
    ("spec/securityContext/sysctls", || {
        json!([
            null, [], [{"name": "kernel.shm_rmid_forced", "value": "1"}],
            [{"name": "net.ipv4.ip_local_port_range", "value": "1"}],
            [{"name": "net.ipv4.ip_local_reserved_ports", "value": "1"}],
            [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "1"}],
            [{"name": "net.ipv4.ping_group_range", "value": "1"}],
            [{"name": "net.ipv4.tcp_fin_timeout", "value": "1"}],
            [{"name": "net.ipv4.tcp_keepalive_intvl", "value": "1"}],
            [{"name": "net.ipv4.tcp_keepalive_probes", "value": "1"}],
            [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}],
            [{"name": "net.ipv4.tcp_rmem", "value": "1"}],
            [{"name": "net.ipv4.tcp_syncookies", "value": "1"}],
            [{"name": "net.ipv4.tcp_wmem", "value": "1"}],
            [{"name": "net/ipv4/tcp_wmem", "value": "1"}],
            [{"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}],
            [{"name": "kernel.shm_rmid_forced", "value": "1"},
                {"name": "kernel.msgmax", "value": "1"}],
        ])
    }),
    ("spec/volumes/0", || volumes("first")),
    ("spec/volumes/1", || volumes("second")),
    ("metadata/annotations/container.apparmor.security.beta.kubernetes.io~1one", annotated),
    ("metadata/annotations/container.apparmor.security.beta.kubernetes.io~1none", annotated),
    // Not read since v1.19, hence by no version here.
    ("metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod", annotated),
    ("metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1one", annotated),
];

/// Of one container.
const CONTAINER_FIELDS: &[Choice] = &[
    ("ports", || {
        json!([
            null, [{"containerPort": 80}], [{"containerPort": 80, "hostPort": 0}],
            [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}],
            [{"containerPort": 80, "hostPort": 65536, "hostIP": "10.0.0.1"}],
        ])
    }),
    ("livenessProbe", probes),
    ("readinessProbe", probes),
    ("startupProbe", probes),
    (
        "lifecycle",
        || json!([null, {}, {"preStop": {"sleep": {"seconds": 1}}}, {"stopSignal": "SIGTERM"}]),
    ),
    ("lifecycle/postStart", probes),
    ("lifecycle/preStop", probes),
    ("securityContext", || json!([null, {}, {"capabilities": {"drop": ["ALL"]}}])),
    ("securityContext/privileged", flags),
    ("securityContext/allowPrivilegeEscalation", flags),
    ("securityContext/runAsNonRoot", flags),
    ("securityContext/runAsUser", users),
    ("securityContext/seLinuxOptions", labels),
    ("securityContext/seccompProfile", profiles),
    ("securityContext/appArmorProfile", profiles),
    ("securityContext/windowsOptions", windows),
    ("securityContext/procMount", || json!([null, "Default", "Unmasked", "default", ""])),
    ("securityContext/capabilities", || json!([null, {}, {"drop": ["ALL"], "add": []}])),
    ("securityContext/capabilities/drop", || {
        json!([null, [], ["ALL"], ["NET_RAW", "ALL"], ["all"], ["CAP_ALL"], ["NET_RAW"]])
    }),
    ("securityContext/capabilities/add", || {
        json!([
            null,
            [],
            ["AUDIT_WRITE"],
            ["CHOWN"],
            ["DAC_OVERRIDE"],
            ["FOWNER"],
            ["FSETID"],
            ["KILL"],
            ["MKNOD"],
            ["NET_BIND_SERVICE"],
            ["SETFCAP"],
            ["SETGID"],
            ["SETPCAP"],
            ["SETUID"],
            ["SYS_CHROOT"],
            ["NET_BIND_SERVICE", "SYS_ADMIN"],
            ["NET_RAW"],
            ["ALL"],
            ["chown"],
            ["CAP_CHOWN"],
            ["", "KILL"],
        ])
    }),
];

fn flags() -> Value {
    json!([null, true, false])
}

fn users() -> Value {
    json!([null, 0, 1, 1000, -1])
}

fn labels() -> Value {
    json!([
        null, {}, {"type": "container_t"}, {"type": "container_init_t"},
        {"type": "container_kvm_t"}, {"type": "container_engine_t"}, {"type": "spc_t"},
        {"user": "system_u"}, {"role": "system_r"}, {"level": "s0:c1,c2"},
        {"type": "container_t", "user": "u", "role": "r"},
    ])
}

fn profiles() -> Value {
    json!([
        null, {}, {"type": "RuntimeDefault"}, {"type": "Unconfined"}, {"type": ""},
        {"type": "Localhost", "localhostProfile": "p"}, {"type": "runtime/default"},
    ])
}

fn windows() -> Value {
    json!([null, {}, {"hostProcess": true}, {"hostProcess": false}, {"runAsUserName": "u"}])
}

fn probes() -> Value {
    json!([
        null, {}, {"exec": {"command": ["true"]}}, {"httpGet": {"port": 80}},
        {"httpGet": {"port": 80, "host": "169.254.169.254"}}, {"tcpSocket": {"port": "http"}},
        {"tcpSocket": {"port": 80, "host": "127.0.0.1"}},
    ])
}

fn annotated() -> Value {
    json!([
        "",
        "runtime/default",
        "docker/default",
        "localhost/p",
        "localhost",
        "unconfined",
        "RuntimeDefault",
    ])
}

fn volumes(name: &str) -> Value {
    let served = [
        json!({}),
        json!({"emptyDir": null}),
        json!({"image": {"reference": "registry.example/model:1"}}),
        json!({"persistentVolumeClaim": {"claimName": "c"}}),
        json!({"hostPath": {"path": "/"}}),
        json!({"hostPath": {"path": "/"}}),
    ];
    let others = [
        "emptyDir",
        "configMap",
        "secret",
        "downwardAPI",
        "projected",
        "csi",
        "ephemeral",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
    ];
    let sources = served.into_iter().chain(others.map(|kind| json!({kind: {}})));
    sources
        .map(|mut volume| {
            volume["name"] = json!(name);
            volume
        })
        .collect()
}

fn chosen(values: &Value, number: u8) -> Value {
    let values = values.as_array().expect("choices are lists");
    values[usize::from(number) % values.len()].clone()
}

/// Puts a value at a path, making the objects above it.
fn put(pod: &mut Value, path: &str, value: Value) {
    let mut here = pod;
    for segment in path.split('/') {
        here = match segment.parse::<usize>() {
            Ok(index) => &mut here[index],
            Err(_) => &mut here[segment.replace("~1", "/")],
        };
    }
    *here = value;
}
