//! Ports as the file writes them where there may be several: `80`, `8000-8010`.

use std::ops::{Range, RangeInclusive};

use super::{
    fault::{Fault, Faults, quote},
    value::Value,
    wrong::Wrong,
};

/// Reads a value that is a port or a range of ports; `None` only with a fault.
pub(super) fn read(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<RangeInclusive<u16>> {
    if value.is_integer() {
        let port = value.integer(1..=u32::from(u16::MAX), "", faults)?;
        faults.push(Fault::new(
            value.span(),
            "a port stands in quotes, as a range of ports does",
            "a number",
            format!("write `\"{port}\"`"),
        ));
        return None;
    }
    parse(value.string(faults)?)
        .map_err(|wrong| faults.push(value.fault(wrong)))
        .ok()
}

/// One port, or all from one to another.
fn parse(text: &str) -> Result<RangeInclusive<u16>, Wrong> {
    let whole = 0..text.len();
    if let Some((first, last)) = text.split_once(':')
        && let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>())
    {
        let cause = format!("{} has a colon between its ports", quote(text));
        let cure = format!("write `{first}-{last}`");
        return Err(Wrong::new(whole, cause, "as iptables writes it", cure));
    }
    let Some((first, last)) = text.split_once('-') else {
        let port = port(text, whole)?;
        return Ok(port..=port);
    };
    let last_at = first.len() + 1;
    let (first, last) = (
        port(first, 0..first.len())?,
        port(last, last_at..text.len())?,
    );
    if first > last {
        let cause = format!("{} ends before it begins", quote(text));
        let cure = format!("write `{last}-{first}`");
        return Err(Wrong::new(whole, cause, "no port lies between", cure));
    }
    Ok(first..=last)
}

fn port(text: &str, part: Range<usize>) -> Result<u16, Wrong> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number > 0);
    number.ok_or_else(|| {
        let label = if digits {
            "out of range"
        } else {
            "not a number"
        };
        let cure = if text.contains(',') {
            "write each port in quotes of its own, as in `[\"80\", \"443\"]`"
        } else {
            "write a port from 1 to 65535, or the first and the last, as in `8000-8010`"
        };
        Wrong::new(part, format!("{} is not a port", quote(text)), label, cure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_range_of_one() {
        assert_eq!(parse("80"), Ok(80..=80));
        assert_eq!(parse("8000-8010"), Ok(8000..=8010));
        assert_eq!(parse("1-65535"), Ok(1..=65_535));
    }

    #[test]
    fn what_is_wrong_with_ports_is_told_with_its_cure() {
        let wrong = |text: &str| {
            let wrong = parse(text).expect_err(text);
            (text[wrong.part].to_owned(), wrong.cure)
        };
        assert_eq!(wrong("90-80").1, "write `80-90`");
        assert_eq!(wrong("80:90").1, "write `80-90`");
        assert!(wrong("80,443").1.contains("of its own"));
        for (text, part) in [
            ("http", "http"),
            ("0", "0"),
            ("", ""),
            ("80-", ""),
            ("-80", ""),
            ("80-70000", "70000"),
            ("+80", "+80"),
        ] {
            assert_eq!(wrong(text).0, part, "{text}");
        }
    }
}
