//! Tells systemd how the service is: ready, stopping, and a line of status.
//!
//! Without `NOTIFY_SOCKET` all of it is silent. Failures are logged and change nothing: a service
//! that serves must not end because its manager could not be told.

use sd_notify::NotifyState;

/// Longest status that is sent; `systemctl status` shows one line.
const MAX_STATUS_CHARS: usize = 200;

/// The service is ready, and this is its status.
pub fn ready(status: &str) {
    let status = one_line(status);
    send(&[NotifyState::Ready, NotifyState::Status(&status)]);
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
