//! A length of time in a request: `90s`, `5m`, `1h30m`.

use std::{fmt, str::FromStr, time::Duration};

use dray_model::config::duration;
use serde::{Deserialize, Serialize};

/// A length of time from 1 second to 31 days, in whole seconds: numbers with a unit each (`d`, `h`, `m`, `s`), larger
/// units first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(u32);

/// The text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time from 1s to 31d (write 90s, 5m or 1h30m)")]
pub struct NotAPeriod(String);

impl Period {
    /// Of so many seconds; none beyond 1 to 2,678,400.
    pub fn from_seconds(seconds: u32) -> Option<Self> {
        let is_within = duration::BOUNDS.contains(&seconds.into());
        is_within.then_some(Self(seconds))
    }

    /// The number of seconds, 1 to 2,678,400.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// The same for clocks.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let seconds = duration::parse(text).map(|time| time.as_secs());
        let seconds = seconds.and_then(|seconds| seconds.try_into().ok());
        seconds
            .and_then(Self::from_seconds)
            .ok_or_else(|| NotAPeriod(text.to_owned()))
    }
}

/// Largest unit first: `1h30m`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = duration::parts(self.0.into());
        parts.try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl TryFrom<String> for Period {
    type Error = NotAPeriod;

    fn try_from(text: String) -> Result<Self, NotAPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m30s"),
            ("5m", 300, "5m"),
            ("1h 30m", 5_400, "1h30m"),
            ("31d", 2_678_400, "31d"),
            (" 1s ", 1, "1s"),
        ] {
            let period: Period = text.parse().expect(text);
            assert_eq!(
                (period.seconds(), period.to_string()),
                (seconds, shown.to_owned())
            );
            assert_eq!(shown.parse(), Ok(period));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "0s",
            "60",
            "m",
            "1m1h",
            "1s1s",
            "-1s",
            "1.5h",
            "32d",
            "4294967296s",
            "9999999d",
            "1µ",
        ] {
            assert_eq!(
                text.parse::<Period>(),
                Err(NotAPeriod(text.to_owned())),
                "{text}"
            );
        }
    }
}
