//! Moments as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Days from 1 March of the year 0 to 1 January 1970, in the calendar of Gregory XIII continued backwards.
const DAYS_TO_1970: u64 = 719_468;

/// Days in 400 years, after which the calendar repeats itself.
const DAYS_OF_ERA: u64 = 146_097;

/// A moment in seconds since 1970, as `2026-11-22 23:10:43 UTC`.
pub(crate) fn utc(unix_seconds: u64) -> String {
    let (year, month, day) = date(unix_seconds / 86_400);
    let second = unix_seconds % 86_400;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// This moment, in seconds since 1970.
pub(crate) fn now() -> u64 {
    // A clock before 1970 is not set; what is said then is the earliest moment that can be.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Year, month and day. Years are counted from 1 March, so that the day that comes every four years is their last.
fn date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let leap_days = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months have 153 days, again and again, from March on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let month = if is_next_year { month - 9 } else { month + 3 };
    (
        400 * era + year_of_era + u64::from(is_next_year),
        month,
        day,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_795_389_043, "2026-11-22 23:10:43 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
