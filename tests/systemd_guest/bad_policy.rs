//! A policy that cannot be loaded costs time, not the node: connections wait in the socket, which stays,
//! and get their answers once the file is mended. Nobody touches a unit meanwhile.

use std::thread;
use std::time::Duration;

use crate::listener::{backlog, inode};
use crate::support::guest::packaged_proxy::{PackagedProxy, RECOVERY_LIMIT, SOCKETS};
use crate::support::wait::{Outcome, ensure, eventually, throughout};
use crate::support::world::World;
use crate::support::world::caller::{Answer, Caller};
use crate::support::world::proxy::{LISTEN, policy};
use crate::trust::still_works;

/// The issue's own number.
const CLIENTS: usize = 200;

/// So many are served at once; more are hung up on after the handshake (`http::limits`).
const MAX_CONNECTIONS: usize = 128;

/// Connections that the node's kubelet holds meanwhile: it waits among the others.
const KUBELETS_OWN: usize = 3;

/// What a kubelet asks for first. Not its Node: 200 heartbeats at once are refused.
const PODS: &str = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1&limit=500&resourceVersion=0";

/// For so long the policy stays bad once all clients wait.
const SPELL: Duration = Duration::from_secs(15);

/// Pauses of 1 s, 2 s, 4 s, 8 s, 15 s, 15 s, …: more would be a service that spins.
const MOST_TRIES: u32 = 6;

pub(crate) fn pending_connections_are_answered(world: &mut World) -> Outcome {
    let inside = world.inside;
    let client = world.kubelet_caller()?.waiting(RECOVERY_LIMIT + SPELL + RECOVERY_LIMIT);
    let proxy = world.proxy.packaged()?;
    let (before, tries) = (inode(proxy)?, tries(proxy)?);
    proxy.put_policy("{ \"rules\": ")?;
    let restart = proxy.systemctl("restart");
    ensure(restart.is_err(), || "the service has started without a policy".to_owned())?;
    let answers = thread::scope(|scope| {
        let clients = scope.spawn(|| inside.on_network(|| ask_all(&client)));
        let held = hold(proxy, before, tries);
        // Also after a failure: else the clients would wait for ever.
        let mended = proxy.put_policy(&policy().to_string());
        let answers = clients.join().map_err(|_| "the clients panicked")?;
        held.and(mended).and(answers)
    })?;
    let good = |answer: &Outcome<Answer>| answer.as_ref().is_ok_and(|answer| answer.status == 200);
    let unanswered = answers.iter().filter(|answer| !good(answer)).collect::<Vec<_>>();
    let most = CLIENTS.saturating_sub(MAX_CONNECTIONS - KUBELETS_OWN);
    ensure(unanswered.len() <= most, || {
        format!("{} of {CLIENTS} had no answer: {:?}", unanswered.len(), unanswered.first())
    })?;
    // The others come again, as clients do.
    let again = unanswered.len();
    let answers = inside
        .on_network(|| (0..again).map(|_| client.get(LISTEN, PODS)).all(|answer| good(&answer)))?;
    ensure(answers, || "who came again had no answer".to_owned())?;
    let after = inode(world.proxy.packaged()?)?;
    ensure(after == before, || format!("socket {before} became socket {after}"))?;
    still_works(world, "after-bad-policy")
}

/// Waits until all clients are in the socket's queue, and watches the units for a while.
fn hold(proxy: &PackagedProxy, socket: u64, tries_before: u32) -> Outcome {
    eventually("all clients pending", RECOVERY_LIMIT, || {
        let waiting = backlog(proxy)?;
        ensure(waiting >= CLIENTS, || format!("{waiting} wait"))
    })?;
    throughout(SPELL, || {
        for unit in SOCKETS {
            proxy.machine()?.run("systemctl", &["is-active", unit])?;
        }
        let now = inode(proxy)?;
        ensure(now == socket, || format!("socket {socket} became socket {now}"))
    })?;
    let waiting = backlog(proxy)?;
    ensure(waiting >= CLIENTS, || format!("only {waiting} still wait"))?;
    let tries = tries(proxy)?.abs_diff(tries_before);
    ensure((1..=MOST_TRIES).contains(&tries), || format!("{tries} tries to start"))
}

/// One connection each, all at once: handshake and request are on their way before anybody answers.
fn ask_all(client: &Caller) -> Vec<Outcome<Answer>> {
    thread::scope(|scope| {
        let ask = || client.get(LISTEN, PODS);
        let clients = (0..CLIENTS).map(|_| scope.spawn(ask)).collect::<Vec<_>>();
        let answers = clients.into_iter().map(|client| client.join());
        answers.map(|answer| answer.unwrap_or_else(|_| Err("it panicked".into()))).collect()
    })
}

fn tries(proxy: &PackagedProxy) -> Outcome<u32> {
    Ok(proxy.property("NRestarts")?.parse()?)
}
