//! Who may talk to the proxy, and certificates that change under everybody's feet.

use std::time::Duration;

use crate::admission::STEADY;
use crate::expect::running;
use crate::support::pki::{Authority, Identity, Validity};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::caller::{Answer, Caller};
use crate::support::world::control_plane::API_SERVER;
use crate::support::world::manifest::allowed;
use crate::support::world::node::{KUBELET_CERTIFICATES, NODE, node_identity};
use crate::support::world::proxy::LISTEN;
use crate::support::world::{Route, World};

/// The API server looks at its files once a minute at the latest, and on a change.
const ROTATION_LIMIT: Duration = Duration::from_secs(120);

/// Something that the node itself may read.
const OWN_NODE: &str = "/api/v1/nodes/node-1";

pub(crate) fn uninvited_are_refused(world: &mut World) -> Outcome {
    let (known, group) = (&world.authorities.kubelets, Some("system:nodes"));
    let name = format!("system:node:{NODE}");
    let impostor = Authority::new("kubelets");
    let callers = [
        ("without a certificate", None),
        ("whose authority only has the right name", Some(impostor.client(&name, group))),
        ("of another name", Some(known.client("system:node:node-2", group))),
        ("with a certificate of the past", Some(expired(known, &name))),
        ("with a certificate for the API server", Some(node_identity(&world.authorities.nodes))),
        ("that is an administrator there", {
            Some(world.authorities.operators.client("admin", Some("system:masters")))
        }),
    ];
    for (who, identity) in callers {
        let answer = ask(world, identity.as_ref(), LISTEN);
        ensure(answer.is_err(), || format!("a caller {who} got {answer:?}"))?;
    }
    let plain = world.inside.on_network(|| Caller::plaintext().get(LISTEN, OWN_NODE))?;
    ensure(plain.is_err(), || format!("a caller without TLS got {plain:?}"))?;
    let invited = ask(world, Some(&node_identity(known)), LISTEN)?;
    ensure(invited.status == 200, || format!("the kubelet itself got {invited:?}"))
}

pub(crate) fn server_certificate_rotates(world: &mut World) -> Outcome {
    let kubelet = node_identity(&world.authorities.kubelets);
    let before = ask(world, Some(&kubelet), LISTEN)?.certificate;
    world.proxy.rotate_server(&world.authorities.servers);
    eventually("new server certificate", ROTATION_LIMIT, || {
        let now = ask(world, Some(&kubelet), LISTEN)?.certificate;
        ensure(now != before, || "the old one is still served".to_owned())
    })?;
    still_works(world, "after-server-rotation")
}

/// First the API server learns of a second authority, then the proxy's files change, then the first
/// authority is taken away: who still shows the old certificate is locked out.
pub(crate) fn client_certificate_rotates(world: &mut World) -> Outcome {
    let direct = API_SERVER.trim_start_matches("https://").to_owned();
    let successor = Authority::new("nodes-2");
    let (old, new) = (node_identity(&world.authorities.nodes), node_identity(&successor));
    world.control_plane.trust_nodes(&world.authorities, &[&world.authorities.nodes, &successor]);
    eventually("API server knows the new authority", ROTATION_LIMIT, || {
        answers(&ask(world, Some(&new), &direct)?, 200)
    })?;
    world.proxy.rotate_client(&successor);
    world.control_plane.trust_nodes(&world.authorities, &[&successor]);
    eventually("API server has dropped the old authority", ROTATION_LIMIT, || {
        answers(&ask(world, Some(&old), &direct)?, 401)
    })?;
    let kubelet = node_identity(&world.authorities.kubelets);
    eventually("proxy uses the new certificate", ROTATION_LIMIT, || {
        answers(&ask(world, Some(&kubelet), LISTEN)?, 200)
    })?;
    world.authorities.nodes = successor;
    still_works(world, "after-client-rotation")
}

/// The whole ceremony: the kubelet finds its certificate about to end, asks the API server for a new
/// one through the proxy, gets it signed, and comes back to the proxy with it.
pub(crate) fn kubelet_renews_its_certificate(world: &mut World) -> Outcome {
    world.node.kubelet.stop()?;
    world.start_kubelet_with(Route::Proxy, Validity::Ending)?;
    eventually("renewed certificate on disk", ROTATION_LIMIT, || {
        let current = format!("{KUBELET_CERTIFICATES}/kubelet-client-current.pem");
        let found = world.inside.command("test").arg("-s").arg(&current).status()?;
        ensure(found.success(), || format!("no {current} yet"))
    })?;
    still_works(world, "after-renewal")
}

/// The kubelet, without a restart from here on, still renews its lease and starts pods.
pub(crate) fn still_works(world: &mut World, name: &str) -> Outcome {
    // A node that is seconds old has none yet.
    let renewed = lease(world).unwrap_or_default();
    eventually("lease renewed", ROTATION_LIMIT, || {
        ensure(lease(world)? != renewed, || format!("last renewed {renewed:?}"))
    })?;
    world.kubectl.create(&allowed(name))?;
    running(world, name)?;
    running(world, STEADY)?;
    world.wait_node_ready()
}

/// When the node's lease was last renewed.
pub(crate) fn lease(world: &World) -> Outcome<String> {
    let lease = world.kubectl.get(&["lease", NODE, "--namespace", "kube-node-lease"])?;
    Ok(lease["spec"]["renewTime"].to_string())
}

fn ask(world: &World, identity: Option<&Identity>, address: &str) -> Outcome<Answer> {
    let caller = Caller::new(&world.authorities.servers, identity)?;
    world.inside.on_network(|| caller.get(address, OWN_NODE))?
}

fn answers(answer: &Answer, status: u16) -> Outcome {
    ensure(answer.status == status, || format!("{answer:?}"))
}

fn expired(authority: &Authority, name: &str) -> Identity {
    authority.client_valid(name, Some("system:nodes"), Validity::Expired)
}
