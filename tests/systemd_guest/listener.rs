//! The listening socket as the kernel sees it: which one it is, and who waits in it.

use crate::support::guest::packaged_proxy::PackagedProxy;
use crate::support::wait::Outcome;

/// Of TCP sockets that listen on the proxy's port, with their inode, one line each, without a heading.
const LISTENING: [&str; 3] = ["-Hltne", "sport", "= :6448"];

/// The inode of the socket that kubelets connect to: another socket has another.
pub(crate) fn inode(proxy: &PackagedProxy) -> Outcome<u64> {
    let line = listeners(proxy)?;
    let inode = line.split_whitespace().find_map(|word| word.strip_prefix("ino:"));
    Ok(inode.ok_or_else(|| format!("no inode in {line:?}"))?.parse()?)
}

/// How many connections nobody has accepted yet: what the kernel calls the receive queue of a listener.
pub(crate) fn backlog(proxy: &PackagedProxy) -> Outcome<usize> {
    let line = listeners(proxy)?;
    Ok(line.split_whitespace().nth(1).ok_or("nothing listens on port 6448")?.parse()?)
}

/// All of it, one line a socket.
pub(crate) fn listeners(proxy: &PackagedProxy) -> Outcome<String> {
    proxy.machine()?.run("ss", &LISTENING)
}
