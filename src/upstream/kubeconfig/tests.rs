//! Kubeconfigs, good and bad. Each bad one names file, field and remedy, and never a secret.

use super::*;
use crate::tls::KeyPair;

const SECRET: &str = "hunter2";

/// A good file; the tests replace one line of it.
fn good() -> String {
    [
        "apiVersion: v1",
        "kind: Config",
        "current-context: default",
        "contexts:",
        "- {name: default, context: {cluster: main, user: node}}",
        "clusters:",
        "- name: main",
        "  cluster:",
        "    server: https://api.example:6443",
        "    certificate-authority: pki/ca.crt",
        "users:",
        "- name: node",
        "  user:",
        "    client-certificate: /pki/node.crt",
        "    client-key: node.key",
        "",
    ]
    .join("\n")
}

fn load(text: &str, risks: UpstreamRisks) -> Result<UpstreamConfig, KubeconfigError> {
    load_context(text, None, risks)
}

fn load_context(
    text: &str,
    context: Option<&str>,
    risks: UpstreamRisks,
) -> Result<UpstreamConfig, KubeconfigError> {
    let source = Source::new(Path::new("/etc/kubernetes/kubelet.conf"));
    resolve(&parse(text, &source)?, context, risks, &source)
}

fn path(material: &Material) -> &str {
    material.path().unwrap().to_str().unwrap()
}

/// Replaces `from` in the good file and expects the words of `parts` in the refusal.
fn check_refused(from: &str, to: &str, parts: &[&str]) {
    let text = good().replace(from, to);
    assert!(from.is_empty() || text != good(), "{from} is not in the good file");
    let error = load(&text, UpstreamRisks::default()).expect_err(to).to_string();
    assert!(error.starts_with("/etc/kubernetes/kubelet.conf: "), "{error}");
    for part in parts {
        assert!(error.contains(part), "{error}\nlacks {part}");
    }
    assert!(!error.contains(SECRET) && !error.contains('\n'), "{error}");
}

#[test]
fn a_good_file_resolves_context_server_and_paths_beside_it() {
    let config = load(&good(), UpstreamRisks::default()).unwrap();
    assert_eq!(config.context, "default");
    assert_eq!(config.endpoint.authority().as_str(), "api.example:6443");
    let Some(ServerTrust::Roots(authority)) = &config.trust else { panic!("{:?}", config.trust) };
    assert_eq!(path(authority), "/etc/kubernetes/pki/ca.crt");
    let KeyPair { certificate, key } = config.login.pair.unwrap();
    assert_eq!(path(&certificate), "/pki/node.crt");
    assert_eq!(path(&key), "/etc/kubernetes/node.key");
    assert!(matches!(config.login.token, TokenSource::Absent));
}

#[test]
fn inline_data_wins_over_a_file() {
    let text = good().replace(
        "    certificate-authority: pki/ca.crt",
        "    certificate-authority: pki/ca.crt\n    certificate-authority-data: aHVudGVyMg==",
    );
    let config = load(&text, UpstreamRisks::default()).unwrap();
    let Some(ServerTrust::Roots(authority)) = &config.trust else { panic!("{:?}", config.trust) };
    assert_eq!(authority.read().unwrap(), SECRET.as_bytes());
    assert!(authority.origin().ends_with("clusters[main].certificate-authority-data"));
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn a_token_wins_over_a_token_file_and_that_over_a_plugin() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token}";
    let with = |lines: &str| good().replace("    client-key: node.key", lines);
    let token = |lines: &str| {
        let text = with(&format!("    client-key: node.key\n    {lines}"));
        load(&text, UpstreamRisks::default()).unwrap().login.token
    };
    let all = format!("token: hunter2\n    tokenFile: t\n    {exec}");
    let shown = format!("{:?}", token(&all));
    assert!(shown.starts_with("Fixed") && !shown.contains(SECRET), "{shown}");
    let TokenSource::File(file) = token(&format!("tokenFile: t\n    {exec}")) else { panic!() };
    assert_eq!(path(&file), "/etc/kubernetes/t");
    let TokenSource::Plugin(plugin) = token(exec) else { panic!() };
    assert_eq!(plugin.program, Path::new("get-token"));
}

#[test]
fn a_plugin_with_a_path_lies_beside_the_file_and_keeps_what_it_is_given() {
    let exec = "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: bin/tok\n      args: [a, b]\n      env: [{name: SECRET, value: hunter2}]\n      interactiveMode: IfAvailable\n      provideClusterInfo: true\n      installHint: see the wiki";
    let text = good()
        .replace("    client-key: node.key", "")
        .replace("    client-certificate: /pki/node.crt", exec);
    let login = load(&text, UpstreamRisks::default()).unwrap().login;
    let TokenSource::Plugin(plugin) = login.token else { panic!("{:?}", login.token) };
    assert_eq!(plugin.program, Path::new("/etc/kubernetes/bin/tok"));
    assert_eq!(plugin.api_version.as_str(), "client.authentication.k8s.io/v1beta1");
    assert_eq!(plugin.arguments, ["a", "b"]);
    assert_eq!(plugin.environment, [("SECRET".to_owned(), SECRET.to_owned())]);
    assert_eq!(plugin.install_hint.as_deref(), Some("see the wiki"));
    assert!(plugin.cluster.is_some() && login.pair.is_none());
    assert!(!format!("{plugin:?}").contains(SECRET));
}

#[test]
fn a_context_can_be_named() {
    let text = good().replace(
        "contexts:\n",
        "contexts:\n- {name: other, context: {cluster: main, user: nobody}}\n",
    );
    let error = load_context(&text, Some("other"), UpstreamRisks::default()).unwrap_err();
    assert!(error.to_string().contains("users[nobody]: must exist"), "{error}");
    assert!(load_context(&text, Some(""), UpstreamRisks::default()).is_ok());
}

#[test]
fn missing_pieces_are_named() {
    check_refused("current-context: default", "", &["current-context", "--context"]);
    check_refused("current-context: default", "current-context: x", &["contexts[x]", "must exist"]);
    check_refused("cluster: main,", "cluster: x,", &["clusters[x]", "must exist"]);
    check_refused("user: node}", "user: x}", &["users[x]", "must exist"]);
    check_refused(", user: node}", "}", &["context.user", "users[]"]);
    check_refused("https://api.example:6443", "", &["clusters[main].server", "URL"]);
    check_refused("https://api", "api", &["clusters[main].server", "scheme"]);
    check_refused("    client-key: node.key", "", &["users[node].client-key", "missing"]);
    check_refused(
        "    client-certificate: /pki/node.crt",
        "",
        &["users[node].client-certificate", "missing"],
    );
    check_refused(
        "    client-certificate: /pki/node.crt\n    client-key: node.key",
        "    {}",
        &["users[node]", "needs client-certificate"],
    );
}

#[test]
fn what_is_ambiguous_or_unknown_is_refused() {
    check_refused(
        "users:",
        "users:\n- {name: node, user: {token: hunter2}}",
        &["users[node]", "must exist exactly once"],
    );
    let unknown = "not a known field";
    check_refused(
        "    client-key:",
        "    client-kee: x\n    client-key:",
        &["client-kee", unknown],
    );
    check_refused("    server:", "    Server: x\n    server:", &["clusters[main].Server", unknown]);
}

#[test]
fn what_would_act_as_somebody_else_or_is_not_supported_is_refused() {
    let user = |line: &str, parts: &[&str]| {
        check_refused("    client-key:", &format!("    {line}\n    client-key:"), parts);
    };
    user("username: hunter2", &["users[node].username", "certificate"]);
    user("password: hunter2", &["users[node].password", "certificate"]);
    user("auth-provider: {name: gcp}", &["users[node].auth-provider", "use exec"]);
    user("as: hunter2", &["users[node].as", "remove it"]);
    user("as-groups: [hunter2]", &["users[node].as-groups", "remove it"]);
    user("as-uid: hunter2", &["users[node].as-uid", "remove it"]);
    user("token: 'hunter2 x'", &["users[node].token", "white space"]);
    user("client-key-data: '%%hunter2'", &["users[node].client-key-data", "base64"]);
    check_refused(
        "    server:",
        "    proxy-url: http://hunter2@proxy\n    server:",
        &["clusters[main].proxy-url", "remove it"],
    );
}

#[test]
fn plugins_that_cannot_work_are_refused() {
    let exec = |fields: &str, parts: &[&str]| {
        let line = format!("    exec: {{{fields}}}\n    client-key:");
        check_refused("    client-key:", &line, parts);
    };
    let v1 = "apiVersion: client.authentication.k8s.io/v1";
    exec(
        &format!("{v1}, command: a, interactiveMode: Always"),
        &["exec.interactiveMode", "terminal"],
    );
    exec("command: a", &["exec.apiVersion", "must be client.authentication"]);
    exec(
        "apiVersion: client.authentication.k8s.io/v1alpha1, command: a",
        &["exec.apiVersion", "/v1beta1"],
    );
    exec(v1, &["exec.command", "name the plugin"]);
    exec(&format!("{v1}, command: a, env: [{{name: SECRET}}]"), &["exec.env", "name and value"]);
    exec(&format!("{v1}, command: a, arguments: []"), &["exec.arguments", "known field"]);
}

#[test]
fn each_risk_is_refused_by_its_own_flag_and_accepted_by_no_other() {
    let all = UpstreamRisks { insecure_tls: true, plain_http: true, system_roots: true };
    let authority = "    certificate-authority: pki/ca.crt";
    let skip = "    insecure-skip-tls-verify: true";
    let cases = [
        ("https:", "http:", ALLOW_HTTP_UPSTREAM, UpstreamRisks { plain_http: false, ..all }),
        (
            authority,
            skip,
            ALLOW_INSECURE_UPSTREAM_TLS,
            UpstreamRisks { insecure_tls: false, ..all },
        ),
        (authority, "", ALLOW_SYSTEM_ROOTS, UpstreamRisks { system_roots: false, ..all }),
    ];
    for (from, to, flag, others) in cases {
        check_refused(from, to, &["clusters[main].", "accept the risk with", flag]);
        let text = good().replace(from, to);
        let error = load(&text, others).unwrap_err().to_string();
        assert!(error.ends_with(flag), "{error}");
        load(&text, all).unwrap();
    }
    check_refused(authority, &format!("{authority}\n{skip}"), &["insecure-skip", "contradicts"]);
}

#[test]
fn a_broken_file_is_refused_by_position_and_not_by_quoting_it() {
    check_refused("current-context: default", "current-context: [hunter2", &["not a valid"]);
    check_refused(
        "kind: Config",
        "kind: Config\nusers: hunter2",
        &["not a valid kubeconfig (line"],
    );
    check_refused("users:", "users: hunter2\nxs:", &["not a valid kubeconfig (line"]);
    let error = UpstreamConfig::load(Path::new("/nowhere/k"), None, UpstreamRisks::default());
    assert!(error.unwrap_err().to_string().starts_with("/nowhere/k: No such file"));
}
