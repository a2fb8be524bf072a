//! What a policy sees of a pod, as lines: once as nodeward reads it, once as Go does.

use nodeward::kube_wire::pod::{ContainerKind, Pod, StringMap};
use serde_json::Value;

/// One line a fact, from what was read here.
pub(crate) fn of_pod(pod: &Pod<'_>) -> Vec<String> {
    let identity = pod.identity;
    let mut lines = vec![
        format!("{} {} {}", identity.namespace, identity.name, identity.uid),
        format!("version {:?} node {:?}", pod.resource_version, pod.node_name),
        format!(
            "deleted {} host {:?}",
            pod.is_being_deleted,
            [pod.host_network, pod.host_pid, pod.host_ipc,]
        ),
        format!("user {:?} {:?}", pod.security.run_as_user, pod.security.run_as_non_root),
        format!("status {:?} {:?}", pod.phase, pod.status_reason),
        format!("owner {:?}", pod.controller.map(|owner| [owner.kind, owner.name, owner.uid])),
    ];
    lines.extend(strings("label", pod.labels.iter()));
    lines.extend(strings("annotation", pod.annotations.iter()));
    for container in &pod.containers {
        lines.push(format!(
            "{} {:?} {:?} {} {:?} {:?} {:?}",
            list_of(container.kind),
            container.name,
            container.image,
            container.privileged,
            container.run_as_user,
            container.run_as_non_root,
            container.added_capabilities,
        ));
    }
    for volume in &pod.volumes {
        lines.push(format!("volume {:?} {} {:?}", volume.name, volume.is_host_path, volume.image));
    }
    lines
}

const KINDS: [ContainerKind; 3] =
    [ContainerKind::Init, ContainerKind::Ordinary, ContainerKind::Ephemeral];

fn list_of(kind: ContainerKind) -> &'static str {
    match kind {
        ContainerKind::Init => "initContainers",
        ContainerKind::Ordinary => "containers",
        ContainerKind::Ephemeral => "ephemeralContainers",
    }
}

fn strings<'t>(what: &str, entries: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<String> {
    let mut lines: Vec<_> =
        entries.map(|(key, value)| format!("{what} {key:?} {value:?}")).collect();
    lines.sort();
    lines
}

/// The same lines, from what Go wrote after it had read.
pub(crate) fn of_go(encoded: &str) -> Vec<String> {
    let pod: Value = serde_json::from_str(encoded).expect("Go writes JSON");
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let is_set = |member: &str| spec[member].as_bool().unwrap_or_default();
    let security = &spec["securityContext"];
    let owner = items(&metadata["ownerReferences"]).find(|owner| owner["controller"] == true);
    let mut lines = vec![
        format!(
            "{} {} {}",
            text(&metadata["namespace"]),
            text(&metadata["name"]),
            text(&metadata["uid"])
        ),
        format!(
            "version {:?} node {:?}",
            text(&metadata["resourceVersion"]),
            text(&spec["nodeName"])
        ),
        format!(
            "deleted {} host {:?}",
            // A pointer to Go's zero time is written as null.
            metadata.get("deletionTimestamp").is_some(),
            ["hostNetwork", "hostPID", "hostIPC"].map(is_set),
        ),
        format!(
            "user {:?} {:?}",
            security["runAsUser"].as_i64(),
            security["runAsNonRoot"].as_bool()
        ),
        format!("status {:?} {:?}", text(&status["phase"]), text(&status["reason"])),
        format!(
            "owner {:?}",
            owner.map(|owner| ["kind", "name", "uid"].map(|part| text(&owner[part])))
        ),
    ];
    lines.extend(string_map("label", &metadata["labels"]));
    lines.extend(string_map("annotation", &metadata["annotations"]));
    for list in KINDS.map(list_of) {
        lines.extend(items(&spec[list]).map(|container| go_container(list, container)));
    }
    for volume in items(&spec["volumes"]) {
        let image = volume.get("image").map(|image| text(&image["reference"]));
        let is_host_path = volume.get("hostPath").is_some();
        lines.push(format!("volume {:?} {is_host_path} {image:?}", text(&volume["name"])));
    }
    lines
}

fn go_container(list: &str, container: &Value) -> String {
    let security = &container["securityContext"];
    let added: Vec<_> = items(&security["capabilities"]["add"]).map(text).collect();
    format!(
        "{list} {:?} {:?} {} {:?} {:?} {added:?}",
        text(&container["name"]),
        text(&container["image"]),
        security["privileged"].as_bool().unwrap_or_default(),
        security["runAsUser"].as_i64(),
        security["runAsNonRoot"].as_bool(),
    )
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn string_map(what: &str, map: &Value) -> Vec<String> {
    let entries = map.as_object().into_iter().flatten();
    let map: StringMap<'_> = entries.map(|(key, value)| (key.as_str(), text(value))).collect();
    strings(what, map.iter())
}
