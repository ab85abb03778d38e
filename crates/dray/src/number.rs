//! Numbers as `ipvsadm` prints them: exact up to eight digits, then in thousands, millions, …

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
}
