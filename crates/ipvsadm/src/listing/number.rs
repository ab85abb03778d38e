//! Large numbers, cut short so that columns stay where they are.

use crate::snapshot::Counts;

/// Five columns.
pub(super) fn columns(counts: Counts, exact: bool) -> String {
    [
        counts.connections,
        counts.in_packets,
        counts.out_packets,
        counts.in_bytes,
        counts.out_bytes,
    ]
    .map(|number| column(number, exact))
    .concat()
}

/// One column: a blank, and the number in units of a thousand, a million and so on if it is long.
pub(super) fn column(number: u64, exact: bool) -> String {
    if exact {
        let width = number.to_string().len().max(8) + 1;
        return format!("{number:>width$}");
    }
    match number {
        0..100_000_000 => format!("{number:>9}"),
        100_000_000..1_000_000_000 => format!("{:>8}K", number / 1000),
        1_000_000_000..100_000_000_000 => format!("{:>8}M", number / 1_000_000),
        100_000_000_000..100_000_000_000_000 => format!("{:>8}G", number / 1_000_000_000),
        _ => format!("{:>8}T", number / 1_000_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_cut_short_unless_they_are_to_be_exact() {
        assert_eq!(column(0, false), "        0");
        assert_eq!(column(99_999_999, false), " 99999999");
        assert_eq!(column(100_000_000, false), "  100000K");
        assert_eq!(column(1_000_000_000, false), "    1000M");
        assert_eq!(column(100_000_000_000, false), "     100G");
        assert_eq!(column(100_000_000_000_000, false), "     100T");
        assert_eq!(column(7, true), "        7");
        assert_eq!(column(1_000_000_000, true), " 1000000000");
    }
}
