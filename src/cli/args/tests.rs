//! Command lines, right and wrong, and what becomes of them.

use super::*;
use crate::kubelet_proxy::config::KubeletApiOptions;

const SAFE: [&str; 10] = [
    "--kubeconfig",
    "k",
    "--tls-cert",
    "c",
    "--tls-key",
    "y",
    "--client-ca",
    "a",
    "--admission-policy",
    "p",
];

fn read(words: &[&str]) -> Result<Run, NotRun> {
    Run::from_arguments(words.iter().map(OsString::from).collect())
}

fn with_safe(words: &[&str]) -> Run {
    read(&[&SAFE, words].concat()).unwrap()
}

fn usage_error(words: &[&str]) -> String {
    match read(words).unwrap_err() {
        NotRun::Answered(error) => {
            assert!(error.use_stderr(), "{words:?}: {error}");
            error.to_string()
        }
        NotRun::Refused(lines) => panic!("{words:?}: {lines:?}"),
    }
}

fn refusals(words: &[&str]) -> Vec<String> {
    match read(words).unwrap_err() {
        NotRun::Answered(error) => panic!("{words:?}: {error}"),
        NotRun::Refused(lines) => lines,
    }
}

#[test]
fn clap_finds_nothing_wrong_with_its_description() {
    command().debug_assert();
}

#[test]
fn a_safe_command_line_runs_with_the_documented_defaults() {
    let run = with_safe(&[]);
    assert_eq!(
        run.options,
        RunOptions {
            upstream: UpstreamOptions {
                kubeconfig: "k".into(),
                context: None,
                allow_http: false,
                allow_insecure_tls: false,
                allow_system_roots: false,
            },
            listen_address: "127.0.0.1:6448".parse().unwrap(),
            front: Front::Tls {
                certificate: "c".into(),
                key: "y".into(),
                clients: ClientAuthentication::Required { ca: "a".into(), name: None },
            },
            policy: PolicySource::Files {
                document: Some("p".into()),
                keys: Vec::new(),
                is_immutable: false,
            },
            metrics_address: None,
            admin_socket: None,
            request_log: RequestLog { requests: true, pod_payloads: false },
            max_body_memory_bytes: 128 * 1024 * 1024,
            sandbox: SandboxMode::BestEffort,
            kubelet_api: KubeletApiOptions::AsUpstreamSays,
        }
    );
    assert_eq!(run.log.format, LogFormat::Auto);
    assert_eq!(run.log.level, "info".parse().unwrap());
}

const GUARD: [&str; 16] = [
    "--kubelet-api-listen",
    "10.0.0.1:10250",
    "--kubelet-api-tls-cert",
    "tc",
    "--kubelet-api-tls-key",
    "tk",
    "--kubelet-api-client-ca",
    "cc",
    "--kubelet-api-client-name",
    "api, metrics,",
    "--kubelet-api-upstream-ca",
    "uc",
    "--kubelet-api-guard-cert",
    "gc",
    "--kubelet-api-guard-key",
    "gk",
];

#[test]
fn a_guard_is_told_everything_or_refused() {
    let KubeletApiOptions::Guarded(guard) = with_safe(&GUARD).options.kubelet_api else { panic!() };
    assert_eq!(guard.client_names, ["api", "metrics"]);
    assert_eq!(guard.upstream, "127.0.0.1:10250".parse().unwrap());
    for flag in GUARD.chunks(2) {
        let rest: Vec<_> =
            GUARD.chunks(2).filter(|other| other != &flag).flatten().copied().collect();
        let refused = refusals(&[&SAFE[..], &rest].concat());
        let named = refused[0].contains(flag[0]);
        assert!(refused.len() == 1 && named, "{}: {refused:?}", flag[0]);
    }
    for (more, word) in [
        (&["--deny-kubelet-api"][..], "contradicts"),
        (&["--kubelet-api-upstream", "10.0.0.1:10250"], "loopback"),
    ] {
        let refused = refusals(&[&SAFE[..], &GUARD, more].concat());
        assert!(refused[0].contains(word), "{refused:?}");
    }
    let denied = with_safe(&["--deny-kubelet-api"]).options.kubelet_api;
    assert_eq!(denied, KubeletApiOptions::DenyAll);
}

#[test]
fn the_command_line_of_the_seed_s_readme_parses_once_its_risks_are_accepted() {
    let run = read(&[
        "-kubeconfig=/etc/kubernetes/kubelet.conf",
        "-context",
        "node",
        "--listen-addr",
        ":6443",
        "-tls-cert",
        "/c",
        "--tls-key=/y",
        "--admission-policy",
        "/p",
        "--log-requests",
        "--log-pod-payloads=true",
        "--allow-any-client",
    ])
    .unwrap();
    assert_eq!(run.options.upstream.context.as_deref(), Some("node"));
    assert_eq!(run.options.listen_address, "[::]:6443".parse().unwrap());
    assert!(run.options.request_log.pod_payloads);
    let Front::Tls { clients, .. } = run.options.front else { panic!() };
    assert_eq!(clients, ClientAuthentication::AnyClient);
}

#[test]
fn the_verb_run_may_be_written_or_left_out() {
    let named = read(&[&["run"], SAFE.as_slice()].concat()).unwrap();
    assert_eq!(named, with_safe(&[]));
    assert!(usage_error(&["serve"]).contains("'serve'"));
    assert!(usage_error(&["run", "run"]).contains("'run'"));
}

#[test]
fn booleans_follow_go() {
    for (words, expected) in [
        (&["-log-requests=false"] as &[&str], false),
        (&["--log-requests=0"], false),
        (&["--log-requests=F"], false),
        (&["-log-requests"], true),
        (&["--log-requests=TRUE"], true),
        (&["--log-requests=false", "--log-requests"], true),
        (&["--log-requests", "--log-requests=false"], false),
    ] {
        assert_eq!(with_safe(words).options.request_log.requests, expected, "{words:?}");
    }
    assert!(usage_error(&["--log-requests=maybe"]).contains("expected true or false"));
    assert!(usage_error(&["--log-requests", "false"]).contains("'false'"));
    let off = [&SAFE, ["--allow-all-pods=false"].as_slice()].concat();
    assert!(read(&off).is_ok(), "a risk that is declined is no contradiction");
}

#[test]
fn the_last_of_repeated_flags_counts() {
    let run = with_safe(&["--kubeconfig", "other", "-max-body-memory=2Mi", "-client-name", "-n"]);
    assert_eq!(run.options.upstream.kubeconfig, PathBuf::from("other"));
    assert_eq!(run.options.max_body_memory_bytes, 2 * 1024 * 1024);
    let Front::Tls { clients: ClientAuthentication::Required { name, .. }, .. } = run.options.front
    else {
        panic!()
    };
    assert_eq!(name.as_deref(), Some("-n"));
}

#[test]
fn usage_errors_name_the_flag_and_what_would_be_right() {
    for (words, expected) in [
        (&[] as &[&str], "--kubeconfig <FILE>"),
        (&["--kubeconfig"], "--kubeconfig <FILE>"),
        (&["--kubeconfg", "k"], "--kubeconfig"),
        (&["--kubeconfig=k", "--listen-addr=web:80"], "127.0.0.1:6448"),
        (&["--kubeconfig=k", "--max-body-memory=lots"], "128Mi"),
        (&["--kubeconfig=k", "--log-format=xml"], "expected auto, journal, json or text"),
        (&["--kubeconfig=k", "--log-level=loud"], "expected error, warn, info or debug"),
        (&["--kubeconfig=k", "--metrics-addr="], "127.0.0.1:6448"),
        (&["---kubeconfig=k"], "---kubeconfig"),
    ] {
        let error = usage_error(words);
        assert!(error.contains(expected), "{words:?}: {error}");
    }
}

#[test]
fn an_unsafe_run_names_every_missing_flag_and_the_one_that_accepts_the_risk() {
    let lines = refusals(&["--kubeconfig=k"]);
    assert_eq!(lines, [MISSING_TLS, MISSING_CLIENT_CA, MISSING_POLICY]);
    let accepted =
        read(&["--kubeconfig=k", "--allow-plaintext", "--allow-any-client", "--allow-all-pods"])
            .unwrap();
    assert_eq!(accepted.options.front, Front::Plaintext);
    assert_eq!(accepted.options.policy, PolicySource::AllowAll);
}

#[test]
fn certificates_for_signed_pods_may_be_several_and_stand_alone() {
    let words = ["-policy-verification-cert", "a", "--signature-verification-cert", "-b"];
    let run = with_safe(&[words.as_slice(), &["--policy-verification-cert="]].concat());
    let files = |document: &str| PolicySource::Files {
        document: Some(document.into()).filter(|path: &PathBuf| !path.as_os_str().is_empty()),
        keys: vec!["a".into(), "-b".into()],
        is_immutable: false,
    };
    assert_eq!(run.options.policy, files("p"));
    let alone = with_safe(&[words.as_slice(), &["--admission-policy="]].concat());
    assert_eq!(alone.options.policy, files(""));
}

#[test]
fn contradictions_and_halves_are_refused() {
    for (words, expected) in [
        (&["--tls-cert="] as &[&str], MISSING_CERTIFICATE),
        (&["--tls-key="], MISSING_KEY),
        (&["--allow-plaintext"], PLAINTEXT_WITH_TLS),
        (&["--allow-plaintext", "--tls-cert=", "--tls-key="], CLIENT_CA_WITHOUT_TLS),
        (&["--allow-any-client"], ANY_CLIENT_WITH_CA),
        (&["--client-ca=", "--allow-any-client", "--client-name=n"], NAME_WITHOUT_CA),
        (&["--client-ca="], MISSING_CLIENT_CA),
        (&["--allow-all-pods"], ALL_PODS_WITH_POLICY),
        (
            &["--admission-policy=", "--policy-verification-cert=k", "--allow-all-pods"],
            ALL_PODS_WITH_POLICY,
        ),
        (&["--admission-policy="], MISSING_POLICY),
    ] {
        assert_eq!(refusals(&[&SAFE, words].concat()), [expected], "{words:?}");
    }
    let empty = refusals(&[&SAFE, ["--kubeconfig="].as_slice()].concat());
    assert!(empty[0].contains("--kubeconfig"), "{empty:?}");
    let tiny = refusals(&[&SAFE, ["--max-body-memory=1Ki"].as_slice()].concat());
    assert!(tiny[0].contains("--max-body-memory"), "{tiny:?}");
}

#[test]
fn upstream_risks_are_passed_on_one_by_one() {
    for (flag, expected) in [
        ("--allow-http-upstream", (true, false, false)),
        ("--allow-insecure-upstream-tls", (false, true, false)),
        ("--allow-system-roots", (false, false, true)),
    ] {
        let upstream = with_safe(&[flag]).options.upstream;
        let accepted =
            (upstream.allow_http, upstream.allow_insecure_tls, upstream.allow_system_roots);
        assert_eq!(accepted, expected, "{flag}");
    }
}

#[test]
fn short_help_fits_a_screen_and_long_help_names_every_flag() {
    let short = command().render_help().to_string();
    assert!(short.lines().count() <= 25, "{short}");
    assert!(short.lines().all(|line| line.chars().count() <= 100), "{short}");
    let long = command().render_long_help().to_string();
    for flag in command().get_arguments().filter_map(Arg::get_long) {
        assert!(long.contains(&format!("--{flag}")), "{flag}");
    }
}

#[test]
fn the_reference_page_lists_every_flag_with_its_default() {
    let page = include_str!("../../../docs/reference/flags.md");
    for flag in command().get_arguments() {
        let Some(name) = flag.get_long().filter(|name| !["help", "version"].contains(name)) else {
            continue;
        };
        let default = flag.get_default_values().first().and_then(|value| value.to_str());
        let default = default.map_or("–".to_owned(), |value| format!("`{value}`"));
        let row = format!("| `--{name}` | {default} |");
        assert!(page.contains(&row), "docs/reference/flags.md lacks a row that begins: {row}");
    }
}
