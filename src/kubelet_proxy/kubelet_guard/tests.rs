use super::*;
use crate::kubelet_api::call::{ContainerAddress, Endpoint};
use crate::kubelet_proxy::pod_ledger::Uid;
use crate::policy::{ENDPOINTS, Policy};

/// What a policy says: `access` of its one rule, and `kubeletApi`.
fn read(access: &str, api: &str) -> (Arc<Access>, KubeletApi) {
    let text = format!(
        r#"{{"apiVersion":"nodeward.dev/v2","kind":"NodePolicy","name":"n","kubeletApi":{{
            {api}"mirrorPods":{access}}},"rules":[]}}"#
    );
    let policy = Policy::parse(text.as_bytes()).unwrap().policy;
    let api = policy.kubelet_api().unwrap().clone();
    (Arc::clone(api.mirror_pods()), api)
}

fn pod() -> PodAddress {
    PodAddress { namespace: "ns".to_owned(), name: "web".to_owned(), uid: None }
}

fn main() -> ContainerAddress {
    ContainerAddress { pod: pod(), name: "main".to_owned() }
}

fn exec(command: &[&str]) -> Call {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    Call::Exec { container: main(), command }
}

fn forward() -> Call {
    Call::PortForward { pod: pod(), ports: Vec::new() }
}

fn of(accesses: &[&Arc<Access>]) -> Found {
    let accesses = accesses.iter().map(|access| Some(Arc::clone(access))).collect();
    let uid = Uid::parse("0fcb5d1e-4ad9-4a06-8f7e-000000000001");
    Found { accesses, uid, ..Found::default() }
}

/// By what is on record, with nobody else running under the name.
fn decide(call: &Call, api: &KubeletApi, found: &Found) -> Result<Ports, Cow<'static, str>> {
    super::decide(call, Some(api), found, &Others::default())
}

#[test]
fn policies_and_the_guard_name_the_same_endpoints() {
    assert_eq!(Endpoint::ALL.map(Endpoint::as_str), ENDPOINTS);
}

#[test]
fn a_call_is_permitted_by_the_pods_own_rule_or_by_the_defaults() {
    let (own, api) = read(
        r#"{"exec":[["id"],["cat",{"regex":"/tmp/[a-z]+"}]],"containers":["main"]}"#,
        r#""defaults":{"logs":true},"#,
    );
    let permits = |call: &Call| decide(call, &api, &of(&[&own])).is_ok();
    assert!(permits(&exec(&["id"])) && permits(&exec(&["cat", "/tmp/a"])));
    for command in [&["id", "-u"][..], &["cat", "/tmp/../a"], &["cat"], &["ID"]] {
        assert!(!permits(&exec(command)), "{command:?}");
    }
    assert!(permits(&Call::Run { container: main(), command: vec!["id".to_owned()] }));
    assert!(permits(&Call::Logs(main())));
    let other = ContainerAddress { name: "sidecar".to_owned(), ..main() };
    assert!(!permits(&Call::Exec { container: other, command: vec!["id".to_owned()] }));
    for call in [Call::Attach(main()), Call::Checkpoint(main()), forward()] {
        assert!(!permits(&call), "{call:?}");
    }
}

#[test]
fn every_pod_of_the_name_has_to_permit_it() {
    let (lax, api) = read(r#"{"exec":[["id"]],"portForward":[80,81]}"#, "");
    let (strict, _) = read(r#"{"portForward":[81,82]}"#, "");
    assert!(decide(&exec(&["id"]), &api, &of(&[&lax])).is_ok());
    assert!(decide(&exec(&["id"]), &api, &of(&[&lax, &strict])).is_err());
    assert!(decide(&exec(&["id"]), &api, &Found::default()).is_err(), "no such pod");
    let mut denied = of(&[&lax]);
    denied.accesses.push(None);
    assert!(decide(&exec(&["id"]), &api, &denied).is_err());
    let ports = decide(&forward(), &api, &of(&[&lax, &strict])).unwrap();
    let permitted: Vec<u16> = (79..84).filter(|port| ports.permit(*port)).collect();
    assert_eq!(permitted, [81]);
}

#[test]
fn ports_of_rule_and_defaults_add_up() {
    let (own, api) = read(r#"{"portForward":[80]}"#, r#""defaults":{"portForward":[90]},"#);
    let ports = decide(&forward(), &api, &of(&[&own])).unwrap();
    assert!(ports.permit(80) && ports.permit(90) && !ports.permit(81));
    let (any, api) = read(r#"{"portForward":{"any":true}}"#, "");
    assert_eq!(decide(&forward(), &api, &of(&[&any])), Ok(Ports::Any));
}

#[test]
fn a_uid_in_the_path_must_be_the_pods() {
    let (own, api) = read(r#"{"logs":true}"#, "");
    let logs = |uid: &str| {
        let mut container = main();
        container.pod.uid = Some(uid.to_owned());
        decide(&Call::Logs(container), &api, &of(&[&own])).is_ok()
    };
    assert!(logs("0fcb5d1e-4ad9-4a06-8f7e-000000000001"));
    assert!(!logs("0fcb5d1e-4ad9-4a06-8f7e-000000000002"));
}

#[test]
fn endpoints_are_read_only_if_they_are_listed() {
    let (_, api) = read("{}", r#""endpoints":["metrics","healthz"],"#);
    for endpoint in Endpoint::ALL {
        let expected = matches!(endpoint, Endpoint::Metrics | Endpoint::Healthz);
        let decided = decide(&Call::Read(endpoint), &api, &Found::default());
        assert_eq!(decided.is_ok(), expected, "{endpoint:?}");
    }
}

#[test]
fn a_stranger_under_the_name_refuses_whatever_is_permitted() {
    let (own, api) = read(
        r#"{"exec":[["id"]],"logs":true,"attach":true,"checkpoint":true,"portForward":{"any":true}}"#,
        "",
    );
    let stranger = Others { is_static: false, stranger: Some("u-1".to_owned()) };
    for call in [
        exec(&["id"]),
        Call::Run { container: main(), command: vec!["id".to_owned()] },
        Call::Attach(main()),
        Call::Checkpoint(main()),
        Call::Logs(main()),
        forward(),
    ] {
        assert!(decide(&call, &api, &of(&[&own])).is_ok(), "{call:?}");
        let refused = super::decide(&call, Some(&api), &of(&[&own]), &stranger);
        assert!(refused.unwrap_err().contains("UID u-1"), "{call:?}");
    }
}

#[test]
fn a_static_pod_under_the_name_has_to_permit_it_too() {
    let (own, _) = read(r#"{"exec":[["id"]],"portForward":[80,81]}"#, "");
    let (mirrors, api) = read(r#"{"portForward":[81]}"#, "");
    let decide = |call: &Call, found: &Found| {
        let others = Others { is_static: true, stranger: None };
        super::decide(call, Some(&api), found, &others)
    };
    assert!(decide(&exec(&["id"]), &of(&[&own])).is_err());
    let ports = decide(&forward(), &of(&[&own])).unwrap();
    assert!(ports.permit(81) && !ports.permit(80));
    let refused = decide(&exec(&["id"]), &of(&[&mirrors])).unwrap_err();
    assert_eq!(refused, "the pod's rule does not permit exec", "its mirror is no second pod");
    assert!(decide(&forward(), &Found::default()).is_err(), "no pod of that name was shown");
}
