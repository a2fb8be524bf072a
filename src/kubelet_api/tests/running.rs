//! Which pods run is asked before a call about a pod, and nothing is granted without an answer.

use super::*;
use crate::kubelet_api::limits::MAX_RUNNING_PODS_BYTES;

/// What a kubelet answers with this JSON.
fn json(body: &str) -> &'static str {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).leak()
}

#[tokio::test]
async fn a_call_about_a_pod_asks_first_what_runs_and_others_do_not() {
    let world = World::new(OK).await;
    let asked = || world.asked.load(Ordering::Relaxed);
    world.ask(&get("/metrics")).await;
    assert_eq!(asked(), 0, "metrics are about no pod");
    world.ask(&get("/containerLogs/closed/web/main")).await;
    assert_eq!(asked(), 0, "what is refused anyway needs no question");
    let logs = get("/containerLogs/open/web/main");
    assert!(world.ask(&logs).await.ends_with("yes"));
    assert!(world.ask(EXEC).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(asked(), 2);
    assert!(world.ask(EXEC).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(asked(), 3, "each exec by an answer of its own");
}

#[tokio::test]
async fn logs_of_many_containers_share_an_answer() {
    let world = World::new(OK).await;
    let kubelet = RunningQuestion::new(world.kubelet(), world.drain.clone());
    let began = Instant::now();
    for _ in 0..20 {
        kubelet.ask(began).await.unwrap();
    }
    assert_eq!(world.asked.load(Ordering::Relaxed), 1);
    let (one, other) = tokio::join!(kubelet.ask(Instant::now()), kubelet.ask(Instant::now()));
    assert!(one.is_ok() && other.is_ok());
    kubelet.ask(Instant::now()).await.unwrap();
    let asked = world.asked.load(Ordering::Relaxed);
    assert!((3..=4).contains(&asked), "{asked}");
}

#[tokio::test]
async fn without_a_whole_answer_about_what_runs_nothing_is_granted() {
    for (running, reason) in [
        ("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", "another status"),
        ("HTTP/1.1 302 Found\r\nLocation: /pods\r\nContent-Length: 0\r\n\r\n", "another status"),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", "else than"),
        (json(""), "ends early"),
        (json(r#"{"kind":"PodList""#), "ends early"),
        (json(&" ".repeat(MAX_RUNNING_PODS_BYTES + 1)), "too long"),
        (json("{}"), "another object"),
    ] {
        let world = World::running(OK, running).await;
        let answer = world.ask(EXEC).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains(reason), "{answer}");
        assert!(world.heard().is_empty(), "{running}");
        assert!(world.ask(&get("/metrics")).await.ends_with("yes"), "{running}");
    }
}

#[tokio::test]
async fn what_runs_decides() {
    let stranger = r#"{"kind":"PodList","apiVersion":"v1","items":[
        {"metadata":{"name":"stranger","namespace":"open","uid":"u1"},"spec":{}}]}"#;
    let world = World::running(OK, json(stranger)).await;
    let answer = world.ask(EXEC).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("stranger"), "{answer}");
    assert!(world.heard().is_empty());
}

#[tokio::test]
async fn a_call_whose_grant_ends_before_its_answer_is_cut() {
    // Says nothing for ever.
    let world = World::new("").await;
    let mut stream = world.connect().await;
    stream.write_all(get("/containerLogs/open/web/main").as_bytes()).await.unwrap();
    let heard = async {
        while world.heard().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, heard).await.unwrap();
    world.until.cancel();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("has ended"), "{answer}");
}
