//! Numbers as `ipvsadm` prints them: exact up to eight digits, then in thousands, millions, …

use dray_model::config::duration;

/// At most nine characters.
pub(crate) fn short(number: u64) -> String {
    const EXACT: u64 = 100_000_000;
    let mut scaled = number;
    for unit in ["", "K", "M", "G"] {
        if scaled < EXACT {
            return format!("{scaled}{unit}");
        }
        scaled /= 1_000;
    }
    format!("{scaled}T")
}

/// Minutes and seconds, as `14:57`.
pub(crate) fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// With the word for what is counted: `1 service`, `2 services`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// A length of time, as `1h 5m` or `42s`: its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let parts = duration::parts(seconds).take(2);
    let parts: Vec<String> = parts
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
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
    fn numbers_are_exact_up_to_eight_digits_and_then_scaled() {
        let cases = [
            (0, "0"),
            (99_999_999, "99999999"),
            (100_000_000, "100000K"),
            (99_999_999_999, "99999999K"),
            (100_000_000_000, "100000M"),
            (u64::MAX, "18446744T"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(clock(897), "14:57");
        assert_eq!(clock(9), "00:09");
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(counted(0, "service"), "0 services");
        assert_eq!(counted(1, "service"), "1 service");
        assert_eq!(counted(12, "connection"), "12 connections");
    }

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_661, "1h 1m"),
            (86_400 + 59, "1d 59s"),
            (200_000, "2d 7h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
