//! Ways to the kubelet that do not lead through the guard.
//!
//! k3s's tunnel ends in a connection to the kubelet's port on loopback, on which the API server shows the
//! certificate that it has for kubelets. This is that call: the same certificate, to the same address.
//! Neither k3s nor its tunnel runs here. Every process in the host's network comes the same way.

use crate::policies::OPEN;
use crate::support::pki::{Authority, Identity};
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;
use crate::support::world::caller::{Answer, Caller};
use crate::support::world::control_plane::NODE_TOKEN;
use crate::support::world::guard::{API_SERVER_NAME, GUARD, GUARD_NAME, KUBELET};

/// What reaches into a pod or the node, by method.
fn calls() -> [(&'static str, String); 8] {
    [
        ("POST", format!("/exec/default/{OPEN}/main?command=id&output=1")),
        ("GET", format!("/exec/default/{OPEN}/main?command=id&output=1")),
        ("POST", format!("/run/default/{OPEN}/main?cmd=id")),
        ("POST", format!("/attach/default/{OPEN}/main?output=1")),
        ("POST", format!("/portForward/default/{OPEN}")),
        ("GET", format!("/containerLogs/default/{OPEN}/main")),
        ("GET", "/pods".to_owned()),
        ("GET", "/metrics".to_owned()),
    ]
}

/// What the API server runs with (`--kubelet-client-certificate`), and shows to the guard as well.
fn own_certificate(world: &World) -> Outcome<Identity> {
    let read = |kind: &str| std::fs::read_to_string(world.dir().join(format!("to-kubelet.{kind}")));
    Ok(Identity { certificate: read("crt")?, key: read("key")? })
}

pub(crate) fn loopback_is_closed(world: &mut World) -> Outcome {
    let operators = &world.authorities.operators;
    // The API server itself says yes: what follows is not its doing.
    let can = ["auth", "can-i", "create", "nodes/proxy", "--as", API_SERVER_NAME];
    world.kubectl.run(&[&can[..], &["--as-group", "system:masters"]].concat())?;
    let callers = [
        ("the API server", own_certificate(world)?),
        ("who borrows the guard's name", operators.client(GUARD_NAME, Some("system:masters"))),
    ];
    for (who, identity) in &callers {
        for (method, target) in calls() {
            let answer = ask(world, Some(identity), KUBELET, method, &target, "")?;
            let text = format!("{who}: {method} {target}: {answer:?}");
            ensure(answer.status == 403 && answer.body.contains("Forbidden"), || text)?;
        }
    }
    for (method, target) in calls() {
        let token = format!("Authorization: Bearer {NODE_TOKEN}\r\n");
        let answer = ask(world, None, KUBELET, method, &target, &token)?;
        ensure(answer.status == 401, || format!("by token: {method} {target}: {answer:?}"))?;
    }
    let stranger = Authority::new("guards").client(GUARD_NAME, None);
    let answer = ask(world, Some(&stranger), KUBELET, "GET", "/metrics", "");
    ensure(!answer.as_ref().is_ok_and(|answer| answer.status == 200), || format!("{answer:?}"))?;
    // All the while the guard works, for those it expects.
    let logs = format!("/containerLogs/default/{OPEN}/main");
    let answer = ask(world, Some(&callers[0].1), GUARD, "GET", &logs, "")?;
    ensure(answer.status == 200 && answer.body.contains("is up"), || format!("{answer:?}"))?;
    let uninvited = ask(world, Some(&callers[1].1), GUARD, "GET", &logs, "");
    ensure(uninvited.is_err(), || format!("an uninvited caller got {uninvited:?}"))
}

fn ask(
    world: &World,
    identity: Option<&Identity>,
    address: &str,
    method: &str,
    target: &str,
    headers: &str,
) -> Outcome<Answer> {
    // The kubelet's certificate is for the node's address, whichever way one comes.
    let caller = Caller::new(&world.authorities.servers, identity)?.expecting(GUARD);
    world.inside.on_network(|| caller.ask(address, method, target, headers))?
}
