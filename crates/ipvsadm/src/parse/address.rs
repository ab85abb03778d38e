//! Addresses and ports as `ipvsadm` reads them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dray_model::Protocol;

use super::number::{is_blank, number};
use crate::Names;

/// An address, and a port if there is one. `None` when it is none: bare digits, brackets without a port, a name that nobody
/// knows. Ports have names only with a protocol.
pub(super) fn service(
    text: &str,
    protocol: Option<Protocol>,
    names: &dyn Names,
) -> Option<(IpAddr, Option<u16>)> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let port_number = |text: Option<&str>| match text {
        Some(text) => number(text, 0, 65535)
            .and_then(|port| u16::try_from(port).ok())
            .or_else(|| names.port_of(text, protocol?))
            .map(Some),
        None => Some(None),
    };
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
    let address = host(address, names)?;
    Some((address.into(), port_number(port)?))
}

/// An IPv4 address, or a host's.
pub(super) fn host(text: &str, names: &dyn Names) -> Option<Ipv4Addr> {
    ipv4(text).or_else(|| names.address_of(text))
}

/// An IPv4 address in any of the forms of `inet_aton`: one to four numbers, decimal, octal or hexadecimal, the last of which
/// fills what is left. A blank ends it, and anything may come behind.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let text = text.split(is_blank).next()?;
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
    let (digits, base) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => (digits, 8),
            _ => (text, 10),
        },
    };
    // A sign is none of a part's digits, unlike elsewhere.
    digits
        .chars()
        .all(|digit| digit.is_digit(base))
        .then(|| u32::from_str_radix(digits, base).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Tables;

    fn read(text: &str) -> Option<(IpAddr, Option<u16>)> {
        let names = Tables::read("10.0.0.7 web\nfd00::7 six", "http 80/tcp");
        service(text, Some(Protocol::Tcp), &names)
    }

    #[test]
    fn addresses_are_read_as_the_c_library_reads_them() {
        let v4 = |text: &str| Some((text.parse().expect("an address"), None));
        assert_eq!(read("10.0.0.1"), v4("10.0.0.1"));
        assert_eq!(read("10.1"), v4("10.0.0.1"));
        assert_eq!(read("0x0a.010.1"), v4("10.8.0.1"));
        assert_eq!(read("10.0.0.1 and more"), v4("10.0.0.1"));
        assert_eq!(read("web"), v4("10.0.0.7"));
        let port = |text: &str| read(text).map(|(_, port)| port);
        assert_eq!(port("10.0.0.1:80"), Some(Some(80)));
        assert_eq!(port("10.0.0.1:http"), Some(Some(80)));
        assert_eq!(port("10.0.0.1: 80"), Some(Some(80)));
        assert_eq!(port("[2001:db8::1]:0"), Some(Some(0)));
        assert_eq!(port("2001:db8::1"), Some(None));
        assert_eq!(port("[10.0.0.1]:80"), Some(None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "80",
            "[2001:db8::1]",
            "[2001:db8::1",
            "10.0.0.256",
            "10.0.0.+1",
            "0x+5.1",
            "08.1.1.1",
            "10.0.0.1.",
            "10.0.0.1:domain",
            "10.0.0.1:65536",
            "six",
            "nobody",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
