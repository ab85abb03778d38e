//! Numbers as the C library reads them.

use crate::Usage;

/// The longest timeout: 31 days, in seconds.
const MAX_TIMEOUT: i64 = 31 * 86400;

/// A decimal number in a range, as `strtol` reads it: blanks and a sign may come first, and nothing behind.
pub(super) fn number(text: &str, least: i64, most: i64) -> Option<i64> {
    let number: i64 = text.trim_start_matches(is_blank).parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

/// The number that a text begins with, as `atoi` reads it: 0 when it begins with none.
pub(super) fn leading(text: &str) -> i64 {
    let text = text.trim_start_matches(is_blank);
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    text[..sign + digits].parse().unwrap_or(0)
}

/// A time in seconds, from `least` to 31 days.
pub(super) fn timeout(text: &str, least: i64) -> Result<u32, Usage> {
    number(text, least, MAX_TIMEOUT)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| Usage::wrong(format!("invalid timeout value `{text}' specified")))
}

/// C's `isspace`.
pub(super) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_a_sign_may_come_before_a_number_and_nothing_behind() {
        assert_eq!(number(" \t+7", 0, 9), Some(7));
        assert_eq!(number("-1", -2, 9), Some(-1));
        for text in ["", " ", "7 ", "7x", "+ 7", "0x7", "99999999999999999999"] {
            assert_eq!(number(text, i64::MIN, i64::MAX), None, "{text:?}");
        }
        assert_eq!(number("10", 0, 9), None);
    }

    #[test]
    fn a_number_may_be_the_beginning_of_a_text() {
        assert_eq!(leading("64/x"), 64);
        assert_eq!(leading(" +64"), 64);
        assert_eq!(leading("x64"), 0);
        assert_eq!(leading("-"), 0);
    }
}
