//! Addresses, ports and numbers as `ipvsadm` reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, and a port if there is one. `None` when it is none: bare digits, a name, brackets without a port.
pub(super) fn service(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address, Some(port.strip_prefix(':')?))
        }
        None => (text, None),
    };
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        return Some((address.into(), port_number(port)?));
    }
    // Behind brackets that hold no IPv6 address, the port is lost.
    let (address, port) = match address.rsplit_once(':') {
        Some((address, port)) => (address, Some(port)),
        None => (address, None),
    };
    let address = ipv4(address)?;
    Some((address.into(), port_number(port)?))
}

/// The number of a port that may be missing; `None` when it is there and no number.
fn port_number(text: Option<&str>) -> Option<Option<u16>> {
    match text {
        Some(text) => Some(Some(number(text, 0, 65535)? as u16)),
        None => Some(None),
    }
}

/// An IPv4 address in any of the forms of `inet_aton`: one to four numbers, decimal, octal or hexadecimal, the last of which
/// fills what is left.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(part).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if room < 32 && last >> room != 0 {
        return None;
    }
    let high = first.iter().fold(0, |bits, part| bits << 8 | part);
    let high = high.checked_shl(room).unwrap_or(0);
    Some(Ipv4Addr::from_bits(high | last))
}

fn part(text: &str) -> Option<u32> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// A decimal number in a range, as `strtol` reads it: blanks and a sign may come first.
pub(super) fn number(text: &str, least: i64, most: i64) -> Option<i64> {
    let text = text.trim_start_matches([' ', '\t']);
    let number: i64 = text.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_c_library_reads_them() {
        let v4 = |text: &str| Some((text.parse().expect("an address"), None));
        assert_eq!(service("10.0.0.1"), v4("10.0.0.1"));
        assert_eq!(service("10.1"), v4("10.0.0.1"));
        assert_eq!(service("0x0a.010.1"), v4("10.8.0.1"));
        assert_eq!(service("10.0.0.1:80").map(|(_, port)| port), Some(Some(80)));
        assert_eq!(
            service("[2001:db8::1]:0").map(|(_, port)| port),
            Some(Some(0))
        );
        assert_eq!(service("2001:db8::1").map(|(_, port)| port), Some(None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "80",
            "[2001:db8::1]",
            "[2001:db8::1",
            "10.0.0.256",
            "10.0.0.1:http",
            "10.0.0.1:65536",
            "web",
        ] {
            assert_eq!(service(text), None, "{text}");
        }
    }
}
