//! Certificates, authorities and tokens that change on disk while requests go on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;
use nodeward::tls::{FileFollower, ReloadReport};
use nodeward::upstream::{Lane, Upstream};
use tokio::task::JoinHandle;

use super::server::{Options, Server};
use super::site::{Authority, Site, eventually, get, text};

/// Follows the upstream's files until dropped.
struct Followed {
    reports: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Followed {
    fn new(upstream: &Upstream) -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&reports);
        let mut follower = FileFollower::new(move |report: &ReloadReport<'_>| {
            let text = report.outcome.map_or_else(ToString::to_string, |()| "swapped".to_owned());
            heard.lock().unwrap().push(format!("{}: {text}", report.subject));
        });
        for reload in upstream.reloads() {
            follower.follow(reload);
        }
        Self { reports, task: tokio::spawn(follower.run()) }
    }

    async fn heard(&self, part: &str) {
        eventually(part, || self.reports.lock().unwrap().iter().any(|it| it.contains(part))).await;
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_new_client_certificate_is_shown_on_new_connections_while_watches_go_on() {
    let site = Site::new();
    let server = Server::start(&site.authority, Options::default()).await;
    let upstream = site.upstream(&server.url());
    let followed = Followed::new(&upstream);
    let mut watch = get(&upstream, Lane::Watch, "/watch").await.unwrap().into_body();
    watch.frame().await.unwrap().unwrap();
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert_eq!(server.seen.last().0, "system:node:a");

    site.write_identity("system:node:b");
    followed.heard("upstream-tls: swapped").await;
    for lane in Lane::ALL {
        assert_eq!(text(get(&upstream, lane, "/x").await.unwrap()).await, "ok");
        assert_eq!(server.seen.last().0, "system:node:b");
    }
    let certificate = upstream.client_certificate().unwrap();
    assert_eq!(certificate.common_name.as_deref(), Some("system:node:b"));
    assert_eq!(upstream.snapshot().generation, 1);

    // The old watch lives on its old connection; everything else old is closed.
    eventually("three new, one old", || server.seen.open_connections.load(Ordering::SeqCst) == 4)
        .await;
    assert_eq!(server.seen.watches.load(Ordering::SeqCst), 1);
    drop(watch);
    eventually("old one ends", || server.seen.open_connections.load(Ordering::SeqCst) == 3).await;
}

#[tokio::test]
async fn a_half_written_identity_keeps_the_old_one_until_it_is_whole() {
    let site = Site::new();
    let server = Server::start(&site.authority, Options::default()).await;
    let upstream = site.upstream(&server.url());
    let followed = Followed::new(&upstream);
    let (one, two) = (site.authority.issue("system:node:b"), site.authority.issue("x"));
    site.write("node.pem", &(one.certificate.clone() + &two.key));
    followed.heard("node.pem: this key does not belong").await;
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert_eq!(server.seen.last().0, "system:node:a");
    site.write("node.pem", &(one.certificate + &one.key));
    followed.heard("upstream-tls: swapped").await;
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    assert_eq!(server.seen.last().0, "system:node:b");
}

#[tokio::test]
async fn a_new_authority_is_believed_and_the_old_one_no_longer() {
    let site = Site::new();
    let next = Authority::new("next");
    let old = Server::start(&site.authority, Options::default()).await;
    let upstream = site.upstream(&old.url());
    let followed = Followed::new(&upstream);
    assert_eq!(text(get(&upstream, Lane::Short, "/x").await.unwrap()).await, "ok");
    let address = old.address;
    let seen = Arc::clone(&old.seen);
    drop(old);
    eventually("closed", || seen.open_connections.load(Ordering::SeqCst) == 0).await;
    let new = Server::start(&next, Options { address, ..Options::default() }).await;
    eventually("noticed", || upstream.snapshot().lanes[1].connections == 0).await;
    let error = get(&upstream, Lane::Short, "/x").await.unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    site.write("ca.crt", &next.pem);
    let issued = next.issue("system:node:a");
    site.write("node.pem", &(issued.certificate + &issued.key));
    followed.heard("upstream-tls: swapped").await;
    // The follower may see the one file a second before the other.
    let start = tokio::time::Instant::now();
    while get(&upstream, Lane::Short, "/x").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(new.seen.last().0, "system:node:a");
}

#[tokio::test]
async fn a_new_token_in_the_file_is_sent_and_an_empty_file_keeps_the_old_one() {
    let site = Site::new();
    site.write("token", "one\n");
    let server = Server::start(&site.authority, Options::default()).await;
    let user = "{tokenFile: token}";
    let upstream = site.upstream_as(&server.url(), user, Default::default());
    let followed = Followed::new(&upstream);
    let sent = || server.seen.last().3["authorization"].to_str().unwrap().to_owned();
    get(&upstream, Lane::Short, "/x").await.unwrap();
    assert_eq!(sent(), "Bearer one");
    site.write("token", "");
    followed.heard("upstream-token: ").await;
    get(&upstream, Lane::Short, "/x").await.unwrap();
    assert_eq!(sent(), "Bearer one");
    site.write("token", "two");
    followed.heard("upstream-token: swapped").await;
    get(&upstream, Lane::Short, "/x").await.unwrap();
    assert_eq!(sent(), "Bearer two");
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 1, "a token needs no reconnect");
}
