//! Where operators, scrapers and the watchdog ask, and what is told on which socket.
//!
//! Over TCP anybody on this machine may ask: health and metrics. `/status` is for the unix socket's
//! group. Where systemd watches, the watchdog asks there as well.

use std::io;
use std::net::TcpListener as StdTcpListener;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener};

use super::status_page::StatusPage;
use super::watchdog;
use crate::metrics::admin_server::{self, Admin, StatusSource};
use crate::systemd::notify;

/// What questions are answered from.
pub(super) struct Questions {
    pub(super) admin: Admin,
    pub(super) status: StatusPage,
}

impl Questions {
    /// Begins to answer on the sockets that there are.
    ///
    /// # Errors
    /// The kernel's, for a socket that cannot be served on.
    pub(super) fn answer(
        self,
        metrics: Option<StdTcpListener>,
        admin: Option<StdUnixListener>,
    ) -> io::Result<()> {
        if let Some(socket) = metrics {
            let socket = TcpListener::from_std(socket)?;
            tokio::spawn(admin_server::serve(socket, self.admin.clone()));
        }
        if let Some(socket) = admin {
            self.answer_locally(UnixListener::from_std(socket)?);
        }
        Ok(())
    }

    fn answer_locally(self, socket: UnixListener) {
        let Self { mut admin, status } = self;
        let path = socket.local_addr().ok().and_then(|at| at.as_pathname().map(PathBuf::from));
        let watchdog = path.and_then(|path| Some((notify::watchdog_period()?, path)));
        let judge = Arc::clone(&status.judge);
        let is_watched = watchdog.is_some();
        admin.status = Some(StatusSource::new(move || status.write(is_watched)));
        tokio::spawn(admin_server::serve_local(socket, admin));
        if let Some((period, path)) = watchdog {
            tokio::spawn(watchdog::run(period, path, judge));
        }
    }
}
