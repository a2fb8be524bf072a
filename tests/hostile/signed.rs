//! Keys that change under a kubelet: files of `--policy-verification-cert` at start and at reload.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::pods::{NODE, list, uid};
use super::proxy::{Proxy, free_address, set_mode};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;
use crate::support::signing_server::SigningServer;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 5] = [
        ("signed_pods_follow_a_key_that_changes", keys_change),
        ("signed_pods_of_both_keys_run_while_keys_rotate", keys_rotate),
        ("signed_pods_keep_their_key_with_an_immutable_policy", keys_are_immutable),
        ("signed_pods_keep_their_key_when_the_new_one_is_not_trusted", bad_key_is_refused),
        ("row_69_a_key_that_verifies_nothing_keeps_the_proxy_from_starting", bad_key_at_start),
    ];
    let trial = |(name, run): (&str, fn())| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    trials.into_iter().map(trial).collect()
}

/// An API server with one pod for each of two signers, and one that nobody signed for.
struct Signed {
    world: World,
    signers: [SigningServer; 2],
}

impl Signed {
    fn new() -> Self {
        let signers = [SigningServer::start(true), SigningServer::start(true)];
        let pods = vec![signed("one", &signers[0]), signed("two", &signers[1]), pod("none")];
        let script = Script::new().on(Kind::List, [Answer::document(&list(20, pods))]);
        Self { world: World::new(Protocols::Http1, script), signers }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.world.files.policy.with_file_name(name)
    }

    /// Puts a signer's certificate into a file and gives the flag that names it.
    fn trust(&self, name: &str, signer: usize) -> String {
        fs::write(self.file(name), self.signers[signer].certificate()).expect("write");
        format!("--policy-verification-cert={}", self.file(name).display())
    }

    fn start(&self, flags: &[&str]) -> Proxy {
        Proxy::start_at(&self.world.files, free_address(), flags)
    }
}

fn pod(name: &str) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "default", "uid": uid(name),
            "resourceVersion": "11", "annotations": {}},
        "spec": {"nodeName": NODE, "containers": [{"name": "main", "image": "good:1"}]},
        "status": {"phase": "Pending"},
    })
}

fn signed(name: &str, signer: &SigningServer) -> Value {
    let mut pod = pod(name);
    let text = STANDARD.encode(r#"[{"name":"main","properties":{"image":"good:1"}}]"#);
    pod["metadata"]["annotations"] = json!({
        "kubelet-proxy.io/signature": signer.sign(&text), "kubelet-proxy.io/policy": text,
    });
    pod
}

fn keys_change() {
    let signed = Signed::new();
    let proxy = signed.start(&[&signed.trust("signer.crt", 0)]);
    let kubelet = signed.world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["one"]);
    signed.trust("signer.crt", 1);
    proxy.hang_up();
    kubelet.wait_for_set(&["two"]);
    let patch = signed.world.wait_for_request(|request| {
        request.kind() == Kind::PatchStatus && request.target.contains("/pods/none/")
    });
    let patch = String::from_utf8_lossy(&patch.body).into_owned();
    assert!(patch.contains("pod policy required but not found"), "{patch}");
}

fn keys_rotate() {
    let signed = Signed::new();
    let flags = [signed.trust("old.crt", 0), signed.trust("new.crt", 1)];
    let proxy = signed.start(&[&flags[0], &flags[1]]);
    signed.world.guarded(37, &proxy, &["reflect"]).wait_for_set(&["one", "two"]);
}

fn keys_are_immutable() {
    let signed = Signed::new();
    let proxy = signed.start(&[&signed.trust("signer.crt", 0), "--immutable-policy"]);
    let kubelet = signed.world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["one"]);
    signed.trust("signer.crt", 1);
    proxy.hang_up();
    wait_for(&proxy, "--immutable-policy: ");
    kubelet.wait_for_set(&["one"]);
}

fn bad_key_is_refused() {
    let signed = Signed::new();
    let proxy = signed.start(&[&signed.trust("signer.crt", 0)]);
    let kubelet = signed.world.guarded(37, &proxy, &["reflect"]);
    kubelet.wait_for_set(&["one"]);
    signed.trust("signer.crt", 1);
    set_mode(&signed.file("signer.crt"), 0o666);
    proxy.hang_up();
    wait_for(&proxy, "others than root can write it");
    set_mode(&signed.file("signer.crt"), 0o600);
    fs::write(signed.file("signer.crt"), "no PEM").expect("write");
    proxy.hang_up();
    wait_for(&proxy, "no PEM found");
    kubelet.wait_for_set(&["one"]);
}

fn wait_for(proxy: &Proxy, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !proxy.log().iter().any(|line| line.contains("reload refused") && line.contains(expected))
    {
        assert!(Instant::now() < deadline, "no {expected} in:\n{}", proxy.log().join("\n"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn bad_key_at_start() {
    let signed = Signed::new();
    let flag = signed.trust("signer.crt", 0);
    let cut = signed.signers[0].certificate()[..200].to_owned();
    for (content, mode, expected) in [
        ("", 0o600, "signer.crt: no PEM found"),
        (cut.as_str(), 0o600, "signer.crt: not valid PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", 0o600, "a private key"),
        ("anything", 0o666, "others than root can write it"),
    ] {
        fs::write(signed.file("signer.crt"), content).expect("write");
        set_mode(&signed.file("signer.crt"), mode);
        let mut command = signed.world.files.command(free_address(), free_address());
        let output = command.arg(&flag).output().expect("the proxy runs to its end");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        let line = said.lines().last().unwrap_or_default();
        let is_named = line.contains("--policy-verification-cert: ");
        assert!(is_named && line.contains(expected), "{said}");
    }
}
