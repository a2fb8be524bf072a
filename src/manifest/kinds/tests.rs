use serde_json::json;

use super::super::{Setting, read};
use super::{FoundPods, pods};

fn setting(as_written: bool) -> Setting {
    Setting { node: "node-1".to_owned(), namespace: "default".to_owned(), as_written }
}

fn found(text: &str) -> FoundPods {
    pods(&read(text.as_bytes()).unwrap(), &setting(false)).unwrap()
}

fn workload(kind: &str, version: &str, path: &str, more: &str) -> String {
    let template = "{metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: nginx}]}}";
    let (opening, closing) = match path {
        "spec" => ("spec: {".to_owned(), "}"),
        "jobTemplate" => ("spec: {jobTemplate: {spec: {".to_owned(), "}}}"),
        _ => (String::new(), ""),
    };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web, namespace: prod}}\n\
         {opening}{more}template: {template}{closing}\n"
    )
}

#[test]
fn each_kind_of_workload_makes_the_pod_of_its_controller() {
    for (kind, version, path, name, owner) in [
        ("Deployment", "apps/v1", "spec", "web-zzzzzzzzzz-zzzzz", Some("ReplicaSet")),
        ("ReplicaSet", "apps/v1", "spec", "web-zzzzz", Some("ReplicaSet")),
        ("ReplicationController", "v1", "spec", "web-zzzzz", Some("ReplicationController")),
        ("DaemonSet", "apps/v1", "spec", "web-zzzzz", Some("DaemonSet")),
        ("StatefulSet", "apps/v1", "spec", "web-0", Some("StatefulSet")),
        ("Job", "batch/v1", "spec", "web-zzzzz", Some("Job")),
        ("CronJob", "batch/v1", "jobTemplate", "web-00000000-zzzzz", Some("Job")),
        ("PodTemplate", "v1", "", "web-zzzzz", None),
    ] {
        let found = found(&workload(kind, version, path, ""));
        let offered = &found.pods[0];
        assert_eq!(offered.source, format!("{kind} web"));
        let metadata = &offered.pod["metadata"];
        assert_eq!(metadata["name"], name, "{kind}");
        assert_eq!(metadata["namespace"], "prod");
        assert_eq!(metadata["labels"]["app"], "x");
        assert_eq!(metadata["ownerReferences"][0]["kind"].as_str(), owner, "{kind}");
    }
}

#[test]
fn a_stateful_set_names_hosts_and_claims_volumes() {
    let more = "serviceName: db, volumeClaimTemplates: [{metadata: {name: data}}], ";
    let found = found(&workload("StatefulSet", "apps/v1", "spec", more));
    let spec = &found.pods[0].pod["spec"];
    assert_eq!((&spec["hostname"], &spec["subdomain"]), (&json!("web-0"), &json!("db")));
    assert_eq!(spec["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-web-0");
}

#[test]
fn an_indexed_job_tells_each_container_its_index() {
    let found = found(&workload("Job", "batch/v1", "spec", "completionMode: Indexed, "));
    let pod = &found.pods[0].pod;
    assert_eq!(pod["metadata"]["name"], "web-0-zzzzz");
    assert_eq!(pod["spec"]["containers"][0]["env"][0]["name"], "JOB_COMPLETION_INDEX");
}

#[test]
fn the_api_server_fills_in_what_a_pod_leaves_out() {
    let found = found(
        "apiVersion: v1\nkind: Pod\nmetadata: {generateName: web-}\nspec:\n  hostNetwork: true\n  \
         containers: [{name: a, image: nginx, ports: [{containerPort: 80}]}]\n  \
         volumes: [{name: tmp}, {name: c, configMap: {name: c}}]\n",
    );
    let pod = &found.pods[0].pod;
    assert_eq!(pod["metadata"]["name"], "web-zzzzz");
    assert_eq!(pod["metadata"]["namespace"], "default");
    let spec = &pod["spec"];
    assert_eq!(spec["nodeName"], "node-1");
    assert_eq!(spec["enableServiceLinks"], true);
    assert_eq!(spec["serviceAccountName"], "default");
    let container = &spec["containers"][0];
    assert_eq!(container["ports"][0]["hostPort"], 80);
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["volumeMounts"][0]["name"], spec["volumes"][2]["name"]);
    assert_eq!(spec["volumes"][0]["emptyDir"], json!({}));
    assert_eq!(spec["volumes"][1]["configMap"]["defaultMode"], 420);
    let token = &spec["volumes"][2]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["expirationSeconds"], 3607);
}

#[test]
fn a_pod_with_a_uid_and_a_pod_as_written_stay_what_they_are() {
    let bare = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n";
    let recorded = bare.replace("name: a", "name: a, uid: u, namespace: n");
    let spec = json!({"containers": [], "nodeName": "node-1"});
    assert_eq!(found(&recorded).pods[0].pod["spec"], spec);
    let documents = read(bare.as_bytes()).unwrap();
    let written = pods(&documents, &setting(true)).unwrap();
    assert_eq!(written.pods[0].pod["spec"], spec);
}

#[test]
fn lists_are_opened_and_other_objects_passed_over() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}}
    ]});
    let seen = found(&list.to_string());
    assert_eq!(seen.pods.len(), 1);
    assert_eq!(seen.unknown, ["Rollout r"]);
    let pods = json!({"apiVersion": "v1", "kind": "PodList", "items": [
        {"metadata": {"name": "a"}, "spec": {}}
    ]});
    assert_eq!(found(&pods.to_string()).pods[0].pod["kind"], "Pod");
}

#[test]
fn what_is_wrong_with_a_manifest_is_told_with_place_and_remedy() {
    for (text, expected) in [
        ("- a\n", "document 1 (line 1): the document: is no object"),
        ("a: 1\n", "document 1 (line 1): kind: is missing"),
        ("a: 1\nkind: Pod\n---\nkind: Pod\n", "document 1 (line 1): spec: is missing"),
        ("kind: Pod\nspec: {}\n---\nkind: Pod\n", "document 2 (line 4): spec: is missing"),
        ("kind: Deployment\napiVersion: extensions/v1beta1\n", "a Deployment is of `apps/v1`"),
        (
            "kind: Deployment\napiVersion: apps/v1\nspec: {template: []}\n",
            "spec.template: is no object",
        ),
        ("kind: List\nitems: [{kind: Pod}]\n", "items[0].spec: is missing; a Pod needs it"),
        ("kind: List\nitems: 3\n", "items: is no list"),
        ("kind: Job\napiVersion: batch/v1\nspec: {template: {}}\n", "metadata.name: is missing"),
    ] {
        let documents = read(text.as_bytes()).unwrap();
        let message = pods(&documents, &setting(false)).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert_eq!(found("").pods.len(), 0);
}
