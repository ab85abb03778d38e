//! The daemon's clock.

use std::time::SystemTime;

use dray_intent::Timestamp;

/// The moment, by the wall clock: deadlines outlive the daemon.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
