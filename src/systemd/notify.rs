//! Tells systemd how the service is: ready, reloading, alive, stopping, and a line of status.
//!
//! Without `NOTIFY_SOCKET` all of it is silent. Failures are logged and change nothing: a service
//! that serves must not end because its manager could not be told.

use std::time::Duration;

use sd_notify::NotifyState;

/// Longest status that is sent; `systemctl status` shows one line.
const MAX_STATUS_CHARS: usize = 200;

/// The service is ready, and this is its status.
pub fn ready(status: &str) {
    let status = one_line(status);
    send(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The service reads its configuration anew; [`ready`] ends it, whatever the outcome.
///
/// Both assignments in one datagram, so that systemd can tell this reload from an earlier one
/// (`Type=notify-reload`).
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd could not be told of the reload"),
    }
}

/// The service works: feeds the watchdog.
pub fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// Time within which systemd wants to hear [`alive`]; `None` when it does not watch.
pub fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// The service has begun to stop.
pub fn stopping(status: &str) {
    let status = one_line(status);
    send(&[NotifyState::Stopping, NotifyState::Status(&status)]);
}

/// The status has changed.
pub fn status(status: &str) {
    send(&[NotifyState::Status(&one_line(status))]);
}

/// One datagram holds one assignment per line: a line break in the text would begin another, for
/// instance `READY=1` out of an error message that the API server chose.
fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_STATUS_CHARS).map(visible).collect()
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_cannot_smuggle_in_another_assignment() {
        assert_eq!(one_line("down\nREADY=1\r\0"), "down READY=1  ");
        assert_eq!(one_line(&"x".repeat(1000)).len(), MAX_STATUS_CHARS);
    }
}
