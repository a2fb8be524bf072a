//! Credential plugins: real shell scripts that behave, hang, flood and lie.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nodeward::upstream::{Lane, PluginTiming, Upstream, UpstreamError};
use tokio::task::JoinHandle;

use tokio::time::Instant;

use super::server::{Options, Server};
use super::site::{Site, eventually, get, text};

/// Short enough for tests, long enough to tell the steps apart.
const TIMING: PluginTiming = PluginTiming {
    limit: Duration::from_millis(1500),
    pause: Duration::from_millis(100),
    longest_pause: Duration::from_millis(400),
    ahead: Duration::from_secs(60),
};

/// A site whose kubeconfig runs `plugin.sh`; stops the refresher when dropped.
struct Plugged {
    site: Site,
    server: Server,
    upstream: Arc<Upstream>,
    failures: Arc<Mutex<Vec<String>>>,
    refresher: JoinHandle<()>,
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.refresher.abort();
    }
}

impl Plugged {
    /// `$DIR` in the script is the site's directory; each run adds a line to `runs`.
    async fn new(script: &str, exec_fields: &str) -> Self {
        let site = Site::new();
        let script =
            format!("#!/bin/sh\nDIR={}\necho run >> $DIR/runs\n{script}\n", path(&site, ""));
        site.write("plugin.sh", &script);
        let executable = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(site.path("plugin.sh"), executable).unwrap();
        let server = Server::start(&site.authority, Options::default()).await;
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh, interactiveMode: Never, {exec_fields}}}}}"
        );
        let upstream = Arc::new(site.upstream_as(&server.url(), &user, TIMING));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let (kept, heard) = (Arc::clone(&upstream), Arc::clone(&failures));
        let refresher = tokio::spawn(async move {
            kept.keep_fresh(move |reason: &str| heard.lock().unwrap().push(reason.to_owned()))
                .await;
        });
        Self { site, server, upstream, failures, refresher }
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.site.path("runs")).unwrap_or_default().lines().count()
    }

    async fn get(&self, path: &str) -> Result<String, UpstreamError> {
        Ok(text(get(&self.upstream, Lane::Short, path).await?).await)
    }

    fn sent(&self) -> String {
        self.server.seen.last().3["authorization"].to_str().unwrap().to_owned()
    }
}

fn path(site: &Site, name: &str) -> String {
    site.path(name).display().to_string()
}

/// Prints a credential whose status has these fields.
fn answering(status: &str) -> String {
    format!(
        r#"cat <<END
{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{{status}}}}}
END"#
    )
}

#[tokio::test]
async fn a_token_is_sent_and_a_token_without_expiry_is_asked_for_once() {
    let plugged = Plugged::new(&answering(r#""token":"hunter2""#), "").await;
    for _ in 0..5 {
        assert_eq!(plugged.get("/x").await.unwrap(), "ok");
        assert_eq!(plugged.sent(), "Bearer hunter2");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(plugged.runs(), 1);
}

#[tokio::test]
async fn the_plugin_is_told_the_cluster_and_gets_its_environment_and_arguments() {
    let script = r#"printf '%s' "$KUBERNETES_EXEC_INFO" > $DIR/info
printf '%s %s %s %s' "$1" "$2" "$COLOUR" "${NOTIFY_SOCKET:-none}" > $DIR/seen
"#;
    let fields = "args: [a, 'b c'], env: [{name: COLOUR, value: red}], provideClusterInfo: true";
    let plugged = Plugged::new(&(script.to_owned() + &answering(r#""token":"t""#)), fields).await;
    plugged.get("/x").await.unwrap();
    let read = |name| std::fs::read_to_string(plugged.site.path(name)).unwrap();
    assert_eq!(read("seen"), "a b c red none");
    let info: serde_json::Value = serde_json::from_str(&read("info")).unwrap();
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["kind"], "ExecCredential");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"], plugged.server.url());
    assert!(info["spec"]["cluster"]["certificate-authority-data"].as_str().unwrap().len() > 100);
}

#[tokio::test]
async fn a_certificate_from_the_plugin_is_shown_and_its_successor_replaces_it() {
    let script = r#"exec cat "$DIR/credential""#;
    let site = Site::new();
    let plugged = Plugged::new(script, "").await;
    drop(site);
    let write = |name: &str| {
        let issued = plugged.site.authority.issue(name);
        let credential = serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": { "clientCertificateData": issued.certificate, "clientKeyData": issued.key },
        });
        plugged.site.write("credential", &credential.to_string());
    };
    write("system:node:p");
    eventually("certificate", || plugged.upstream.client_certificate().is_some()).await;
    plugged.get("/x").await.unwrap();
    assert_eq!(plugged.server.seen.last().0, "system:node:p");
    write("system:node:q");
    // The server's 401 asks for a new one.
    plugged.get("/401").await.unwrap();
    let name = || plugged.upstream.client_certificate().unwrap().common_name.unwrap();
    eventually("new certificate", || name() == "system:node:q").await;
    plugged.get("/x").await.unwrap();
    assert_eq!(plugged.server.seen.last().0, "system:node:q");
}

#[tokio::test]
async fn waiting_for_the_first_credential_runs_the_plugin_and_hands_over_to_the_refresher() {
    let plugged = Plugged::new(&answering(r#""token":"t""#), "").await;
    plugged.refresher.abort();
    eventually("stopped", || plugged.refresher.is_finished()).await;
    let runs = plugged.runs();
    let second = Arc::clone(&plugged.upstream);
    second.wait_for_credentials(Duration::from_secs(5)).await.unwrap();
    let refresher = tokio::spawn(async move { second.keep_fresh(|_: &str| {}).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    refresher.abort();
    assert_eq!(plugged.runs(), runs.max(1));
    assert_eq!(plugged.get("/x").await.unwrap(), "ok");
}

#[tokio::test]
async fn a_token_is_refreshed_ahead_of_its_expiry_and_requests_never_wait_for_it() {
    let script = r#"N=$(wc -l < $DIR/runs)
UNTIL=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
"#;
    let answer = answering(r#""token":"t$N","expirationTimestamp":"$UNTIL""#);
    let plugged = Plugged::new(&(script.to_owned() + &answer), "").await;
    plugged.get("/x").await.unwrap();
    assert_eq!(plugged.sent(), "Bearer t1");
    let start = Instant::now();
    while plugged.sent() == "Bearer t1" {
        assert!(start.elapsed() < Duration::from_secs(5));
        let asked = Instant::now();
        plugged.get("/x").await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(plugged.sent(), "Bearer t2");
}

#[tokio::test]
async fn a_storm_of_401_runs_the_plugin_no_more_often_than_its_pause_allows() {
    let plugged = Plugged::new(&answering(r#""token":"t""#), "").await;
    let start = Instant::now();
    let mut asked = 0;
    while start.elapsed() < Duration::from_millis(550) {
        plugged.get("/401").await.unwrap();
        asked += 1;
    }
    assert!(asked > 20 && plugged.runs() > 1, "{asked} asked, {} runs", plugged.runs());
    assert!(plugged.runs() <= 7, "{}", plugged.runs());
}

#[tokio::test]
async fn many_requests_at_once_share_one_run() {
    let script = "sleep 0.3\n".to_owned() + &answering(r#""token":"t""#);
    let plugged = Plugged::new(&script, "").await;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let upstream = Arc::clone(&plugged.upstream);
        requests.spawn(async move { get(&upstream, Lane::Short, "/x").await.unwrap().status() });
    }
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(plugged.runs(), 1);
}

#[tokio::test]
async fn a_plugin_that_hangs_is_killed_with_its_children_and_tried_again() {
    let script = r#"sleep 1000 & echo $! > $DIR/child
echo $$ > $DIR/self
wait"#;
    let plugged = Plugged::new(script, "").await;
    let error = plugged.get("/x").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Credentials(_)), "{error}");
    assert!(error.to_string().contains("did not finish within 1 s and was killed"), "{error}");
    for name in ["child", "self"] {
        let id = std::fs::read_to_string(plugged.site.path(name)).unwrap();
        let stat = format!("/proc/{}/stat", id.trim());
        eventually(name, || is_gone(&stat)).await;
    }
    plugged.site.write("plugin.sh", &format!("#!/bin/sh\n{}", answering(r#""token":"t""#)));
    eventually("healed", || !plugged.failures.lock().unwrap().is_empty()).await;
    let start = Instant::now();
    while plugged.get("/x").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(6));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(plugged.sent(), "Bearer t");
}

/// A zombie counts: it is dead, and whoever inherits it here may be slow to reap.
fn is_gone(stat: &str) -> bool {
    match std::fs::read_to_string(Path::new(stat)) {
        Err(_) => true,
        Ok(text) => text.rsplit(')').next().unwrap().trim_start().starts_with('Z'),
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_what_the_plugin_printed() {
    let fields = "installHint: ask the platform team";
    let cases = [
        ("echo hunter2", "not one ExecCredential object"),
        ("head -c 10000000 /dev/zero | tr '\\0' h", "stdout exceeds 128 KiB"),
        ("echo hunter2 >&2; exit 3", "the plugin ended with exit status: 3"),
        ("kill -9 $$", "the plugin ended with signal: 9"),
        (&answering(r#""clientCertificateData":"hunter2","clientKeyData":"x""#), "no certificate"),
    ];
    for (script, part) in cases {
        let plugged = Plugged::new(script, fields).await;
        let error = plugged.get("/x").await.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("users[u].exec"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert!(plugged.server.seen.requests.lock().unwrap().is_empty());
        assert!(!plugged.failures.lock().unwrap().is_empty());
    }
    let plugged = Plugged::new("", fields).await;
    std::fs::remove_file(plugged.site.path("plugin.sh")).unwrap();
    let missing = || plugged.failures.lock().unwrap().iter().any(|it| it.contains("No such file"));
    eventually("missing", missing).await;
    let error = plugged.get("/x").await.unwrap_err().to_string();
    assert!(error.ends_with("; ask the platform team"), "{error}");
}
