//! Pods that carry a signed policy: the eight scenarios of the seed's own end-to-end test, and what
//! its format leaves open.
//!
//! The signer is the fixture in place of the seed's `local-signing-server`. Pods live in a namespace of
//! their own; the rest of the cluster goes on under rules, unsigned.

#[path = "signed/policies.rs"]
mod policies;

use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::policies::{NAMESPACE, document, full, nginx};
use crate::admission::STEADY;
use crate::expect::{REJECT_LIMIT, START_LIMIT, is_running, no_container, running};
use crate::support::signing_server::SigningServer;
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;
use crate::support::world::manifest::allowed;
use crate::support::world::proxy::policy;

static SIGNER: LazyLock<SigningServer> = LazyLock::new(|| SigningServer::start(true));

/// Whether the proxy runs with a document that adds to signatures, one that does not, or without the
/// signer. A restart costs a kubelet up to a minute of patience.
static IN_FORCE: Mutex<Option<bool>> = Mutex::new(None);

/// What the seed's own test sends in place of a signature.
const BAD_SIGNATURE: &str = "aW52YWxpZHNpZ25hdHVyZWRhdGE=";

pub(crate) fn signed_pod_runs(world: &mut World) -> Outcome {
    take_signed_pods(world, true)?;
    create(world, &signed(pod("test-signed", nginx_container()), &nginx()))?;
    runs(world, "test-signed")?;
    // The node's own pods, here those of the other cases, need no signature.
    world.kubectl.create(&allowed("unsigned-of-the-node"))?;
    running(world, "unsigned-of-the-node")?;
    running(world, STEADY).map(drop)
}

pub(crate) fn unsigned_pod_is_rejected(world: &mut World) -> Outcome {
    take_signed_pods(world, true)?;
    create(world, &pod("test-unsigned", nginx_container()))?;
    rejected(world, "test-unsigned", "pod policy required but not found")
}

pub(crate) fn bad_signature_is_rejected(world: &mut World) -> Outcome {
    take_signed_pods(world, true)?;
    let mut pod = signed(pod("test-bad-sig", nginx_container()), &nginx());
    pod["metadata"]["annotations"]["kubelet-proxy.io/signature"] = BAD_SIGNATURE.into();
    create(world, &pod)?;
    rejected(world, "test-bad-sig", "policy signature verification failed")
}

pub(crate) fn other_image_is_rejected(world: &mut World) -> Outcome {
    take_signed_pods(world, true)?;
    let mut container = nginx_container();
    container["image"] = "busybox:latest".into();
    create(world, &signed(pod("test-image-mismatch", container), &nginx()))?;
    let reason = "image 'busybox:latest' does not match policy image 'nginx:latest'";
    rejected(world, "test-image-mismatch", reason)
}

/// Both ways: with a document that permits arguments and the volume's source, and without one.
pub(crate) fn full_policy_needs_the_document(world: &mut World) -> Outcome {
    take_signed_pods(world, true)?;
    create(world, &signed(full_pod("test-full-policy"), &full()))?;
    runs(world, "test-full-policy")?;
    take_signed_pods(world, false)?;
    create(world, &signed(full_pod("test-full-policy-alone"), &full()))?;
    rejected(world, "test-full-policy-alone", "pod does not match policy: spec.")
}

pub(crate) fn other_command_is_rejected(world: &mut World) -> Outcome {
    full_pod_is_rejected_with(
        world,
        "test-command-mismatch",
        ("/command", json!(["/bin/sh"])),
        "command [/bin/sh] does not match policy command [/bin/myapp]",
    )
}

pub(crate) fn other_environment_is_rejected(world: &mut World) -> Outcome {
    full_pod_is_rejected_with(
        world,
        "test-env-mismatch",
        ("/env/0/value", json!("development")),
        "env var 'APP_ENV' value 'development' does not match policy value 'production'",
    )
}

pub(crate) fn other_mount_is_rejected(world: &mut World) -> Outcome {
    full_pod_is_rejected_with(
        world,
        "test-volume-mismatch",
        ("/volumeMounts/0/mountPath", json!("/etc/config")),
        "volume mount 'config' mountPath '/etc/config' does not match policy '/etc/app'",
    )
}

/// The cases that follow count on the policy they know.
pub(crate) fn rules_come_back(world: &mut World) -> Outcome {
    world.kubectl.run(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false"])?;
    world.proxy.write_policy(&policy())?;
    world.proxy.trust_signer(None)?;
    *IN_FORCE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    world.proxy.restart(world.inside)?;
    running(world, STEADY).map(drop)
}

fn full_pod_is_rejected_with(
    world: &mut World,
    name: &str,
    (field, value): (&str, Value),
    reason: &str,
) -> Outcome {
    take_signed_pods(world, true)?;
    let mut pod = full_pod(name);
    let field = pod["spec"]["containers"][0].pointer_mut(field).ok_or("no such field")?;
    *field = value;
    create(world, &signed(pod, &full()))?;
    rejected(world, name, reason)
}

/// Has the proxy trust the signer, by a document that may permit more than signatures do.
fn take_signed_pods(world: &mut World, adds: bool) -> Outcome {
    if world.kubectl.pod(STEADY).is_err() {
        world.kubectl.create(&allowed(STEADY))?;
    }
    running(world, STEADY)?;
    if world.kubectl.get(&["namespace", NAMESPACE]).is_err() {
        world.kubectl.run(&["create", "namespace", NAMESPACE])?;
        let config = ["create", "configmap", "test-config", "-n", NAMESPACE];
        world.kubectl.run(&[&config[..], &["--from-literal=config.yaml=a: 1"]].concat())?;
    }
    eventually("service account of the namespace", START_LIMIT, || {
        world.kubectl.get(&["serviceaccount", "default", "-n", NAMESPACE]).map(drop)
    })?;
    let mut in_force = IN_FORCE.lock().unwrap_or_else(PoisonError::into_inner);
    if *in_force == Some(adds) {
        return Ok(());
    }
    world.proxy.write_policy(&document(adds))?;
    world.proxy.trust_signer(Some(&SIGNER.certificate()))?;
    world.proxy.restart(world.inside)?;
    *in_force = Some(adds);
    Ok(())
}

fn signed(mut pod: Value, policy: &Value) -> Value {
    let text = STANDARD.encode(policy.to_string());
    let signature = SIGNER.sign(&text);
    pod["metadata"]["annotations"] = json!({
        "kubelet-proxy.io/policy": text,
        "kubelet-proxy.io/signature": signature,
    });
    pod
}

fn pod(name: &str, container: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "terminationGracePeriodSeconds": 1, "containers": [container] },
    })
}

fn nginx_container() -> Value {
    json!({ "name": "test", "image": "nginx:latest", "imagePullPolicy": "Never" })
}

fn full_pod(name: &str) -> Value {
    let mut pod = pod(
        name,
        json!({
            "name": "app",
            "image": "busybox:latest",
            "imagePullPolicy": "Never",
            "command": ["/bin/myapp"],
            "args": ["--config", "/etc/app/config.yaml"],
            "env": [
                { "name": "APP_ENV", "value": "production" },
                { "name": "LOG_LEVEL", "value": "debug" },
            ],
            "volumeMounts": [
                { "name": "config", "mountPath": "/etc/app", "readOnly": true },
                { "name": "data", "mountPath": "/data" },
            ],
        }),
    );
    pod["spec"]["volumes"] = json!([
        { "name": "config", "configMap": { "name": "test-config" } },
        { "name": "data", "emptyDir": {} },
    ]);
    pod
}

fn create(world: &World, pod: &Value) -> Outcome {
    world.kubectl.create(pod)
}

fn found(world: &World, name: &str) -> Outcome<Value> {
    world.kubectl.get(&["pod", name, "-n", NAMESPACE])
}

fn runs(world: &World, name: &str) -> Outcome {
    eventually(&format!("pod {name} running"), START_LIMIT, || is_running(&found(world, name)?))
}

/// Failed for this reason, which the node's record tells as well, and never had a container.
fn rejected(world: &World, name: &str, reason: &str) -> Outcome {
    let uid = eventually(&format!("pod {name} rejected"), REJECT_LIMIT, || {
        let pod = found(world, name)?;
        let status = &pod["status"];
        let message = status["message"].as_str().unwrap_or_default();
        let is_so = status["phase"] == "Failed"
            && status["reason"] == "NodeAdmissionRejected"
            && message.starts_with("Pod rejected by kubelet-proxy: ")
            && message.contains(reason);
        ensure(is_so, || status.to_string())?;
        Ok(pod["metadata"]["uid"].as_str().ok_or("no uid")?.to_owned())
    })?;
    let records = world.proxy.records();
    let recorded = records.iter().find(|it| it["uid"] == uid.as_str() && it["decision"] == "deny");
    let recorded = recorded.ok_or_else(|| format!("no record tells of {uid}"))?;
    ensure(!recorded.to_string().contains("development"), || format!("a value in {recorded}"))?;
    no_container(world, name, &[])
}
