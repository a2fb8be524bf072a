//! HTTP/1.1 over a unix socket, for questions from this machine: who may ask, the socket's mode says.
//!
//! Not for kubelets: no TLS, no names. Bounded all the same, since a member of the socket's group may
//! be any monitoring agent.

use std::future::Future;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::connection::serve_http1;
use super::limits::{ACCEPT_PAUSE, MAX_LOCAL_CONNECTIONS};
use super::listen::BodyError;
use crate::net::drain::Drain;

/// Binds a listening unix socket, non-blocking. A socket that a former process left behind is
/// replaced; one that somebody listens on is not.
///
/// # Errors
/// The kernel's; [`io::ErrorKind::AddrInUse`] too where the path is no socket.
pub fn bind(path: &Path) -> io::Result<StdListener> {
    let bound = match StdListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            StdListener::bind(path)?
        }
        bound => bound?,
    };
    bound.set_nonblocking(true)?;
    Ok(bound)
}

fn is_abandoned(path: &Path) -> bool {
    let is_socket = path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket());
    is_socket
        && StdStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Accepts until the drain begins, then returns; connections live on in their own tracked tasks.
///
/// Callers beyond the places there are get nothing but an end. This process itself always gets a
/// place: were the watchdog's question to wait behind others, they could have the service killed.
pub async fn serve<S, R, B>(socket: UnixListener, drain: Drain, service: S)
where
    S: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(MAX_LOCAL_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = drain.draining() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, _unnamed)) => {
                let place = Arc::clone(&places).try_acquire_owned().ok();
                if place.is_none() && !is_our_own(&stream) {
                    continue;
                }
                let (service, ended) = (service.clone(), drain.clone());
                tokio::spawn(drain.track(async move {
                    serve_http1(stream, service, &ended).await;
                    drop(place);
                }));
            }
            Err(error) => {
                tracing::debug!(%error, "accepting a connection to the admin socket did not work");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The kernel says who connected.
fn is_our_own(stream: &UnixStream) -> bool {
    let own = i32::try_from(std::process::id()).ok();
    stream.peer_cred().is_ok_and(|peer| peer.pid().is_some() && peer.pid() == own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::GeneratedBody;
    use crate::net::drain;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let first = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        drop(bind(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    const SAID: &[u8] = b"HTTP/1.1 200 OK\r\n";

    async fn ask(path: &Path) -> Vec<u8> {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn who_holds_all_places_does_not_keep_this_process_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let (trigger, drain) = drain::channel();
        let socket = UnixListener::from_std(bind(&path).unwrap()).unwrap();
        let server = tokio::spawn(serve(socket, drain, |_request| async {
            Response::new(GeneratedBody::whole(Bytes::from_static(b"here")))
        }));
        let mut silent = Vec::new();
        for _ in 0..MAX_LOCAL_CONNECTIONS {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        assert!(ask(&path).await.starts_with(SAID));
        let outcome = trigger.drain(Duration::from_secs(5)).await;
        assert_eq!(outcome, drain::DrainOutcome::Complete, "silent connections end at the drain");
        server.await.unwrap();
    }
}
