//! Options that every TCP connection gets, accepted or dialled.
//!
//! Without them a peer that vanished (power cut, dropped firewall state) would hold its connection,
//! and a watch on it, for ever. Listening sockets are the listener's matter.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

/// Idle time before the first probe; shorter than the NAT time-outs commonly met (60 s and up).
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// Pause between probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Probes without an answer before the connection counts as dead, 60 s after the last byte.
const KEEPALIVE_PROBES: u32 = 3;

/// Sent bytes may stay unacknowledged this long; probes alone do not cover data in flight.
const UNACKNOWLEDGED_LIMIT_MILLISECONDS: u32 = 60_000;

/// Sets the options on a connected TCP socket.
///
/// # Errors
/// The kernel's, for instance when the peer has already reset the connection.
pub fn apply(socket: impl AsFd) -> io::Result<()> {
    let socket = socket.as_fd();
    // Requests and watch events are small and written whole: waiting for more only adds latency.
    sockopt::set_tcp_nodelay(socket, true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(socket, KEEPALIVE_PROBES)?;
    sockopt::set_tcp_user_timeout(socket, UNACKNOWLEDGED_LIMIT_MILLISECONDS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_gets_every_option() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        apply(&stream).unwrap();
        assert!(sockopt::tcp_nodelay(&stream).unwrap());
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), KEEPALIVE_IDLE);
        assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), KEEPALIVE_INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), KEEPALIVE_PROBES);
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), UNACKNOWLEDGED_LIMIT_MILLISECONDS);
    }
}
