//! The address of a real server, which may have a port: `10.77.0.11`, `10.77.0.11:8080`.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU16,
    ops::Range,
};

use super::{host, port, quote, split, usable};
use crate::config::wrong::Wrong;

/// A real server's own port, and the part of the text that is it.
pub(in crate::config) type PlacedPort = (NonZeroU16, Range<usize>);

/// A real server's address and, if it has one, its port with the place of that, or what is wrong.
pub(in crate::config) fn real(text: &str) -> Result<(IpAddr, Option<PlacedPort>), Wrong> {
    let whole = 0..text.len();
    if let Ok(address) = text.parse() {
        return usable(address, whole).map(|address| (address, None));
    }
    if let Some((_, bare)) = text.split_once("://") {
        return Err(Wrong::new(
            whole,
            "a real server has no protocol of its own",
            "no protocol here",
            format!("write {}", quote(bare)),
        ));
    }
    let alone = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    if let Some(address) = alone.filter(|address| address.parse::<Ipv6Addr>().is_ok()) {
        return Err(Wrong::new(
            whole,
            "an address without a port needs no brackets",
            "no port",
            format!("write `{address}`, or `[{address}]:8080` with a port"),
        ));
    }
    if !text.contains(':') {
        return host(text, 0).map(|address| (address, None));
    }
    let (host, port) = split(text)?;
    let host_at = usize::from(text.starts_with('['));
    let address = self::host(host, host_at)?;
    let port_at = text.len() - port.len();
    let number = real_port(port, port_at)?;
    Ok((address, Some((number, port_at..text.len()))))
}

fn real_port(text: &str, at: usize) -> Result<NonZeroU16, Wrong> {
    let number = port(text, at).map_err(|wrong| Wrong {
        cure: REAL_PORT.to_owned(),
        ..wrong
    })?;
    NonZeroU16::new(number).ok_or_else(|| {
        let cause = "a real server has no port 0";
        Wrong::new(at..at + text.len(), cause, "out of range", REAL_PORT)
    })
}

/// How to write the port of a real server.
const REAL_PORT: &str =
    "write a port from 1 to 65535, as in `10.77.0.11:8080`, or none for the service's";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_server_may_have_a_port() {
        let read = |text: &str| {
            let (address, port) = real(text).expect(text);
            (
                address.to_string(),
                port.map(|(port, part)| (port.get(), text[part].to_owned())),
            )
        };
        let (v4, v6) = ("10.0.0.1".to_owned(), "2001:db8::1".to_owned());
        assert_eq!(read("10.0.0.1"), (v4.clone(), None));
        assert_eq!(read("10.0.0.1:8080"), (v4, Some((8080, "8080".to_owned()))));
        assert_eq!(read("2001:db8::1"), (v6.clone(), None));
        assert_eq!(read("[2001:db8::1]:1"), (v6, Some((1, "1".to_owned()))));
    }

    #[test]
    fn what_is_wrong_with_a_real_server_is_told_with_its_place_and_cure() {
        let wrong = |text: &str| {
            let wrong = real(text).expect_err(text);
            (text[wrong.part].to_owned(), wrong.cure)
        };
        for (text, part, cure) in [
            ("tcp://10.0.0.1:80", "tcp://10.0.0.1:80", "`10.0.0.1:80`"),
            ("[2001:db8::1]", "[2001:db8::1]", "`2001:db8::1`"),
            ("[2001:db8::1", "[2001:db8::1", "`]`"),
            (
                "2001:db8:0:0:0:0:0:1:80",
                "2001:db8:0:0:0:0:0:1:80",
                "`[2001:db8:0:0:0:0:0:1]:80`",
            ),
            ("10.0.0.1:0", "0", "1 to 65535"),
            ("10.0.0.1:http", "http", "1 to 65535"),
            ("10.0.0.1:", "", "1 to 65535"),
            ("web:80", "web", "DNS"),
            ("127.0.0.1:80", "127.0.0.1", "unicast"),
            ("[fe80::1]:80", "fe80::1", "unicast"),
        ] {
            let (found, told) = wrong(text);
            assert_eq!(found, part, "{text}");
            assert!(told.contains(cure), "{text}: {told}");
        }
    }
}
