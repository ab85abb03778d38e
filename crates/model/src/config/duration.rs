//! Lengths of time as the file writes them: `90s`, `15m`, `1h 30m`.

use std::{ops::RangeInclusive, time::Duration};

/// What a time may be, in seconds: the upper end is that of `ipvsadm`, 31 days.
pub const BOUNDS: RangeInclusive<u64> = 1..=2_678_400;

/// The units, each with its seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// The length of time, within [`BOUNDS`] or not, or `None` when the text is not one.
///
/// Whole numbers with a unit each (`d`, `h`, `m`, `s`), blanks between or not, every unit at most once, larger ones first.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut units = UNITS.iter();
    let mut seconds = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        // Going on in the same iterator makes a unit that comes twice, or after a smaller one, an error.
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        seconds = seconds.checked_add(number.checked_mul(*length)?)?;
        rest = rest[digits + unit.len_utf8()..].trim_start();
    }
    Some(Duration::from_secs(seconds))
}

/// Whole seconds as numbers with a unit each, largest unit first; none for 0 seconds.
pub fn parts(seconds: u64) -> impl Iterator<Item = (u64, char)> {
    let mut rest = seconds;
    UNITS.into_iter().filter_map(move |(name, length)| {
        let number = rest / length;
        rest %= length;
        (number > 0).then_some((number, name))
    })
}

/// Whole seconds as the file would write them, largest unit first: `1h 30m`.
pub(crate) fn write(seconds: u64) -> String {
    let parts = parts(seconds).map(|(number, unit)| format!("{number}{unit}"));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            (" 31d ", 2_678_400),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_a_duration() {
        for text in [
            "",
            " ",
            "15",
            "m",
            "15 m",
            "1.5h",
            "-1s",
            "10ms",
            "1m 1h",
            "1m 2m",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("999999999999999999d"), None, "seconds do not fit");
    }

    #[test]
    fn what_is_written_reads_back() {
        for seconds in [0, 1, 59, 60, 61, 900, 3_600, 86_399, 2_678_400] {
            assert_eq!(parse(&write(seconds)), Some(Duration::from_secs(seconds)));
        }
    }
}
