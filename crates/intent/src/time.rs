//! Points in time as the state keeps them: of the wall clock, because deadlines outlive the daemon and the machine's
//! uptime.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 00:00 UTC, without leap seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point that many milliseconds after 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The point that much later; the last that can be told when it is beyond.
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The time from `now` until this point; zero when it has passed.
    pub fn remaining(self, now: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(now.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// A clock that stands before 1970 counts as 1970.
    fn from(time: SystemTime) -> Self {
        Self(0).after(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl From<Timestamp> for SystemTime {
    fn from(Timestamp(millis): Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_that_of_the_wall_clock_to_the_millisecond() {
        let time = UNIX_EPOCH + Duration::from_millis(1_795_387_747_123);
        let stamp = Timestamp::from(time + Duration::from_micros(7));
        assert_eq!(stamp.millis(), 1_795_387_747_123);
        assert_eq!(SystemTime::from(stamp), time);
        assert_eq!(
            Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)).millis(),
            0
        );
    }

    #[test]
    fn what_has_passed_is_no_time_away_and_what_is_beyond_telling_is_the_last() {
        let now = Timestamp::from_millis(5_000);
        let later = now.after(Duration::from_secs(60));
        assert_eq!(later.remaining(now), Duration::from_secs(60));
        assert_eq!(now.remaining(later), Duration::ZERO);
        assert_eq!(now.after(Duration::MAX).millis(), u64::MAX);
    }
}
