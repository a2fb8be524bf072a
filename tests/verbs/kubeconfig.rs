//! `gen-kubeconfig`: read by the real kubectl, which reads it as a kubelet does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::certificates::made;
use crate::proxy::Proxy;
use crate::{BINARY, ask, ended, refused, text};

/// The flags that name what `gen-certificates` wrote.
fn flags(directory: &Path) -> [String; 3] {
    let file = |flag: &str, name: &str| format!("--{flag}={}", directory.join(name).display());
    [
        file("certificate-authority", "serving-ca.crt"),
        file("client-certificate", "kubelet.crt"),
        file("client-key", "kubelet.key"),
    ]
}

fn generate(flags: &[&str]) -> crate::Ended {
    ask(&[&["gen-kubeconfig"], flags].concat())
}

/// Kubernetes' own kubectl, built once a machine.
fn kubectl() -> Command {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go/kubernetes/build");
    let output = Command::new(build).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = String::from_utf8(output.stdout).unwrap();
    Command::new(Path::new(directory.trim()).join("kubectl"))
}

#[test]
fn kubectl_gets_through_to_the_proxy_with_it() {
    let (_keep, directory) = made("a");
    let proxy = Proxy::start(&directory, "a");
    let output = directory.join("it's \"the\" kubelet's.conf");
    let [ca, certificate, key] = flags(&directory);
    let server = format!("--server=https://{}", proxy.address);
    let words = [&server, &ca, &certificate, &key, "--output", text(&output)];
    assert_eq!(generate(&words), (0, String::new(), String::new()));
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);

    let (code, stdout, stderr) = ended(
        &kubectl()
            .arg("--kubeconfig")
            .arg(&output)
            .args(["get", "--raw", "/api/v1/nodes/a"])
            .output()
            .unwrap(),
    );
    assert_eq!((code, stdout.as_str()), (1, ""));
    // The proxy's own words: nothing listens upstream.
    assert!(stderr.contains("the API server did not answer: cannot connect"), "{stderr}");

    refused(&generate(&words), 1, "is there already; replace it with --force");
    assert_eq!(generate(&[words.as_slice(), &["--force"]].concat()).0, 0);
}

#[test]
fn without_an_output_it_is_printed_and_names_files_only() {
    let (_keep, directory) = made("a");
    let [ca, certificate, key] = flags(&directory);
    let (code, stdout, _) = generate(&[&ca, &certificate, &key]);
    assert_eq!(code, 0);
    assert!(stdout.contains("server: \"https://127.0.0.1:6448\"\n"), "{stdout}");
    assert!(stdout.contains(&format!("client-key: \"{}/kubelet.key\"\n", directory.display())));
    assert!(!stdout.contains("-data"), "{stdout}");
}

#[test]
fn what_a_kubelet_could_not_use_is_refused_with_one_line() {
    let (_keep, directory) = made("a");
    let (_keep_too, other) = made("a");
    let [ca, certificate, key] = flags(&directory);
    let [_, _, other_key] = flags(&other);
    let no_certificate = format!("--client-certificate={}/kubelet.key", directory.display());
    for (words, expected) in [
        ([ca.as_str(), &certificate, &other_key], "does not belong to the certificate"),
        ([&ca, &no_certificate, &key], "no certificate found"),
        ([&ca, &certificate, "--client-key=/nonexistent/key"], "/nonexistent/key: No such file"),
        (["--certificate-authority=/dev/null", &certificate, &key], "/dev/null: no certificate"),
    ] {
        refused(&generate(&words), 78, expected);
    }
    for server in ["--server=http://127.0.0.1:6448", "--server=127.0.0.1:6448"] {
        refused(&generate(&[server, &ca, &certificate, &key]), 78, "--server: ");
    }
    let (code, _, stderr) = generate(&[&ca, &certificate]);
    assert_eq!(code, 64, "{stderr}");
    assert!(stderr.contains("--client-key"), "{stderr}");
}

/// Runs the verb where `/etc/kubernetes`, `/etc/kubelet-proxy` and `/var/lib/kubelet` are empty and of
/// this test alone, after `prepare` and before `show`.
fn on_a_node(prepare: &str, flags: &str, show: &str) -> crate::Ended {
    let directory = TempDir::new().unwrap();
    let script = format!(
        "set -e
        mount -t tmpfs none {work}; mkdir {work}/etc {work}/lib {work}/1 {work}/2
        mount -t overlay -o lowerdir=/etc,upperdir={work}/etc,workdir={work}/1 none /etc
        mount -t overlay -o lowerdir=/var/lib,upperdir={work}/lib,workdir={work}/2 none /var/lib
        mkdir -p /etc/kubernetes /var/lib/kubelet/pki
        \"$0\" gen-certificates --node-name a --directory /etc/kubelet-proxy >/dev/null
        {prepare}
        \"$0\" gen-kubeconfig {flags}
        {show}",
        work = directory.path().display(),
    );
    let mut unshare = Command::new("unshare");
    ended(&unshare.args(["--mount", "sh", "-c", &script, BINARY]).output().unwrap())
}

#[test]
fn a_layout_fills_in_the_paths_of_its_kind_of_node() {
    let as_kubeadm = "touch /etc/kubernetes/kubelet.conf
        cat /etc/kubelet-proxy/kubelet.crt /etc/kubelet-proxy/kubelet.key \
            > /var/lib/kubelet/pki/kubelet-client-current.pem";
    let current = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    let own = "/etc/kubelet-proxy/kubelet";
    for (layout, prepare, output, certificate, key) in [
        ("kubeadm", as_kubeadm, "/etc/kubernetes", current.to_owned(), current.to_owned()),
        (
            "aks-flex",
            "touch /var/lib/kubelet/kubeconfig",
            "/var/lib/kubelet",
            format!("{own}.crt"),
            format!("{own}.key"),
        ),
    ] {
        let show = format!("cat {output}/kubelet-via-proxy.conf");
        let (code, stdout, stderr) = on_a_node(prepare, &format!("--layout {layout}"), &show);
        assert_eq!((code, stderr.as_str()), (0, ""), "{layout}");
        for line in [
            "    server: \"https://127.0.0.1:6448\"".to_owned(),
            "    certificate-authority: \"/etc/kubelet-proxy/serving-ca.crt\"".to_owned(),
            format!("    client-certificate: \"{certificate}\""),
            format!("    client-key: \"{key}\""),
        ] {
            assert!(stdout.lines().any(|found| found == line), "{layout}: {line}\n{stdout}");
        }
    }
}

#[test]
fn a_layout_is_refused_on_another_kind_of_node() {
    let ended = on_a_node("", "--layout kubeadm", "");
    refused(&ended, 78, "/etc/kubernetes/kubelet.conf: not there");
}
