//! Tells the service manager how far the daemon is (sd_notify(3)); without one, nothing happens.

use sd_notify::NotifyState;
use tracing::warn;

/// What the service manager wants to know.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// The configuration is in force.
    Ready,
    /// The configuration is being read again.
    Reloading,
    /// The daemon is about to end.
    Stopping,
}

pub(super) fn notify(moment: Moment) {
    let sent = match moment {
        Moment::Ready => sd_notify::notify(&[NotifyState::Ready]),
        // Without the time, systemd takes the reload for failed (sd_notify(3), RELOADING=1).
        Moment::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        Moment::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = sent {
        warn!(%error, ?moment, "the service manager could not be told");
    }
}
