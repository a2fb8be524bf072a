//! Sockets that systemd passed (`LISTEN_FDS`), checked before anything is served on them.
//!
//! Names, not positions, say what a socket is for; one that is not understood refuses the start,
//! because it was meant for something. The only file with `unsafe` in this package: descriptors
//! arrive as bare numbers, and somebody must take them into possession.

use std::io;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

use rustix::net::{AddressFamily, SocketType, sockopt};

/// Names of the socket for kubelets: set by `FileDescriptorName=`, systemd's default for the unit
/// `kubelet-proxy.socket`, and what `sd-notify` says when `LISTEN_FDNAMES` is not set at all.
const KUBELET_NAMES: [&str; 3] = ["kubelet", "kubelet-proxy.socket", "unknown"];

/// Names of the socket for questions: set by `FileDescriptorName=`, and systemd's default for the
/// unit `kubelet-proxy-admin.socket`.
const ADMIN_NAMES: [&str; 2] = ["admin", "kubelet-proxy-admin.socket"];

/// Names of the socket for callers of the kubelet's own API.
const KUBELET_API_NAMES: [&str; 2] = ["kubelet-api", "kubelet-proxy-kubelet-api.socket"];

/// Sockets that were passed, non-blocking.
#[derive(Debug, Default)]
pub struct InheritedSockets {
    /// Where kubelets connect.
    pub kubelet: Option<TcpListener>,
    /// Where callers of the kubelet's own API connect.
    pub kubelet_api: Option<TcpListener>,
    /// Where `kubelet-proxy status`, scrapers and the watchdog ask.
    pub admin: Option<UnixListener>,
}

/// Why passed sockets are not served on.
#[derive(Debug, thiserror::Error)]
pub enum InheritedSocketError {
    /// `LISTEN_FDS` and its companions cannot be read.
    #[error("LISTEN_FDS: {0}: check the socket unit")]
    Environment(#[source] io::Error),
    /// A name that means nothing here.
    #[error(
        "systemd passed a socket named '{0}': set FileDescriptorName=kubelet, kubelet-api for the \
         guard's, or admin for the admin socket, in the socket unit"
    )]
    UnknownName(String),
    /// More than one socket for the same thing.
    #[error("systemd passed several sockets for '{0}': keep one ListenStream= in the socket unit")]
    Repeated(&'static str),
    /// Not a listening socket of the kind that its name stands for.
    #[error(
        "the socket '{name}' passed by systemd is not a listening {kind} socket: \
         use ListenStream= with {address} and Accept=no"
    )]
    NotAListener {
        /// Its name.
        name: String,
        /// `TCP` or `unix`.
        kind: &'static str,
        /// What such a socket listens on.
        address: &'static str,
    },
    /// The kernel refused to say or to change something.
    #[error("the socket passed by systemd: {0}")]
    Kernel(#[from] io::Error),
}

/// Takes the sockets that systemd passed to this process; none outside systemd.
///
/// Call once, at the start of `main`: a second call would take the same descriptors again.
///
/// # Errors
/// [`InheritedSocketError`]; the configuration is wrong and a restart would not help.
pub fn inherited() -> Result<InheritedSockets, InheritedSocketError> {
    let passed = sd_notify::listen_fds_with_names().map_err(InheritedSocketError::Environment)?;
    // Taken into possession all at once, so that those behind a faulty one are closed as well.
    let owned: Vec<_> = passed.map(|(fd, name)| (take(fd), name)).collect();
    assigned(owned)
}

fn assigned(passed: Vec<(OwnedFd, String)>) -> Result<InheritedSockets, InheritedSocketError> {
    let mut sockets = InheritedSockets::default();
    for (fd, name) in passed {
        if KUBELET_NAMES.contains(&name.as_str()) {
            let listener = TcpListener::from(Kind::Tcp.listener(fd, name)?);
            listener.set_nonblocking(true)?;
            once("kubelet", &mut sockets.kubelet, listener)?;
        } else if KUBELET_API_NAMES.contains(&name.as_str()) {
            let listener = TcpListener::from(Kind::Tcp.listener(fd, name)?);
            listener.set_nonblocking(true)?;
            once("kubelet-api", &mut sockets.kubelet_api, listener)?;
        } else if ADMIN_NAMES.contains(&name.as_str()) {
            let listener = UnixListener::from(Kind::Unix.listener(fd, name)?);
            listener.set_nonblocking(true)?;
            once("admin", &mut sockets.admin, listener)?;
        } else {
            return Err(InheritedSocketError::UnknownName(name.escape_debug().to_string()));
        }
    }
    Ok(sockets)
}

fn once<T>(
    name: &'static str,
    place: &mut Option<T>,
    socket: T,
) -> Result<(), InheritedSocketError> {
    match place.replace(socket) {
        None => Ok(()),
        Some(_first) => Err(InheritedSocketError::Repeated(name)),
    }
}

/// What a socket has to be to serve on.
#[derive(Clone, Copy)]
enum Kind {
    Tcp,
    Unix,
}

impl Kind {
    fn listener(self, fd: OwnedFd, name: String) -> Result<OwnedFd, InheritedSocketError> {
        if self.is_listener(&fd)? {
            return Ok(fd);
        }
        let (kind, address) = match self {
            Self::Tcp => ("TCP", "an IP address"),
            Self::Unix => ("unix", "a path"),
        };
        Err(InheritedSocketError::NotAListener { name, kind, address })
    }

    fn is_listener(self, fd: &OwnedFd) -> io::Result<bool> {
        let kind = match sockopt::socket_type(fd) {
            Err(rustix::io::Errno::NOTSOCK) => return Ok(false),
            kind => kind?,
        };
        let family = sockopt::socket_domain(fd)?;
        let fits = match self {
            Self::Tcp => family == AddressFamily::INET || family == AddressFamily::INET6,
            Self::Unix => family == AddressFamily::UNIX,
        };
        Ok(fits && kind == SocketType::STREAM && sockopt::socket_acceptconn(fd)?)
    }
}

#[expect(
    unsafe_code,
    reason = "systemd passes bare descriptor numbers, and only their receiver can own them"
)]
fn take(fd: RawFd) -> OwnedFd {
    // SAFETY: systemd opened this descriptor for us (LISTEN_PID is our process, and sd-notify set
    // its close-on-exec flag, which fails unless it is open), and nothing else in this process owns
    // it: `inherited` is called once, before anything else is opened.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn tcp() -> OwnedFd {
        TcpListener::bind(("127.0.0.1", 0)).unwrap().into()
    }

    fn check(passed: Vec<(OwnedFd, &str)>) -> Result<InheritedSockets, InheritedSocketError> {
        assigned(passed.into_iter().map(|(fd, name)| (fd, name.to_owned())).collect())
    }

    #[test]
    fn a_tcp_listener_is_taken_under_any_of_its_names() {
        for name in KUBELET_NAMES {
            let sockets = check(vec![(tcp(), name)]).unwrap();
            let taken = sockets.kubelet.unwrap();
            let nobody_yet = taken.accept().unwrap_err();
            assert_eq!(nobody_yet.kind(), io::ErrorKind::WouldBlock, "{name}");
        }
        assert!(check(vec![]).unwrap().kubelet.is_none());
    }

    fn unix(directory: &tempfile::TempDir, name: &str) -> OwnedFd {
        UnixListener::bind(directory.path().join(name)).unwrap().into()
    }

    #[test]
    fn a_unix_listener_is_taken_for_questions_beside_the_one_for_kubelets() {
        let directory = tempfile::tempdir().unwrap();
        for name in ADMIN_NAMES {
            let sockets = check(vec![(unix(&directory, name), name), (tcp(), "kubelet")]).unwrap();
            let nobody_yet = sockets.admin.unwrap().accept().unwrap_err();
            assert_eq!(nobody_yet.kind(), io::ErrorKind::WouldBlock, "{name}");
            assert!(sockets.kubelet.is_some());
        }
        let refused = check(vec![(tcp(), "admin")]).unwrap_err().to_string();
        assert!(refused.contains("not a listening unix socket"), "{refused}");
    }

    #[test]
    fn a_listener_for_the_kubelets_own_api_is_taken_under_its_names() {
        for name in KUBELET_API_NAMES {
            let sockets = check(vec![(tcp(), "kubelet"), (tcp(), name)]).unwrap();
            let taken = sockets.kubelet_api.unwrap();
            assert_eq!(taken.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "{name}");
        }
    }

    #[test]
    fn names_that_mean_nothing_refuse_the_start() {
        let refused = check(vec![(tcp(), "web\n")]).unwrap_err().to_string();
        assert!(refused.contains(r"'web\n'"), "{refused}");
    }

    #[test]
    fn a_second_socket_for_kubelets_refuses_the_start() {
        let refused = check(vec![(tcp(), "kubelet"), (tcp(), "unknown")]);
        assert!(matches!(refused, Err(InheritedSocketError::Repeated("kubelet"))));
        let directory = tempfile::tempdir().unwrap();
        let twice = ["a", "b"].map(|name| (unix(&directory, name), "admin"));
        let refused = check(Vec::from(twice));
        assert!(matches!(refused, Err(InheritedSocketError::Repeated("admin"))));
    }

    #[test]
    fn what_is_no_tcp_listener_refuses_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let connected = {
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap()
        };
        let cases: [(&str, OwnedFd); 4] = [
            ("udp", UdpSocket::bind(("127.0.0.1", 0)).unwrap().into()),
            ("unix", UnixListener::bind(directory.path().join("s")).unwrap().into()),
            ("connected", connected.into()),
            ("file", tempfile::tempfile().unwrap().into()),
        ];
        for (what, fd) in cases {
            let refused = check(vec![(fd, "kubelet")]);
            assert!(
                matches!(refused, Err(InheritedSocketError::NotAListener { .. })),
                "{what}: {refused:?}"
            );
        }
    }
}
