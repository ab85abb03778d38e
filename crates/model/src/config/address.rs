//! Addresses as the file writes them, and what is wrong with those that are none.

mod real;

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    ops::Range,
};

use crate::{Protocol, ServiceAddress};

use super::{fault::quote, wrong::Wrong};

pub(super) use self::real::{PlacedPort, real};

/// The service address, or all that is wrong with it.
pub(super) fn service(text: &str) -> Result<ServiceAddress, Vec<Wrong>> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(vec![no_protocol(text)]);
    };
    let at = scheme.len() + 3;
    let mut wrong = Vec::new();
    let mut keep = |found: Wrong| wrong.push(found);

    let protocol = protocol(scheme).map_err(&mut keep).ok();
    // `10.0.0.0/24:80` is a network with a port, `10.0.0.1:80/path` a port with a path.
    let path = rest.rfind(':').unwrap_or(0);
    let authority = rest[path..]
        .find('/')
        .map_or(rest, |slash| &rest[..path + slash]);
    if authority.len() < rest.len() {
        let tail = &rest[authority.len()..];
        keep(Wrong::new(
            at + authority.len()..text.len(),
            "a service address ends with the port",
            "nothing may stand here",
            format!("remove {}", quote(tail)),
        ));
    }
    let (host, port) = match split(authority) {
        Ok((host, port)) => {
            let host_at = if authority.starts_with('[') {
                at + 1
            } else {
                at
            };
            let port_at = at + authority.len() - port.len();
            (
                self::host(host, host_at).map_err(&mut keep).ok(),
                self::port(port, port_at).map_err(&mut keep).ok(),
            )
        }
        Err(mut found) => {
            found.part = at + found.part.start..at + found.part.end;
            keep(found);
            (None, None)
        }
    };
    match (protocol, host, port) {
        (Some(protocol), Some(vip), Some(port)) if wrong.is_empty() => Ok(ServiceAddress {
            protocol,
            vip,
            port,
        }),
        _ => Err(wrong),
    }
}

/// Why packets cannot be sent to such an address, if they cannot.
fn unusable(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("is in 0.0.0.0/8 and names no host"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("is the broadcast address"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("is a link-local address (169.254.0.0/16)"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("is a link-local address (fe80::/10)"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            Some("is an IPv4 address written as IPv6")
        }
        _ if address.is_unspecified() => Some("is the unspecified address"),
        _ if address.is_loopback() => Some("is a loopback address"),
        _ if address.is_multicast() => Some("is a multicast address"),
        _ => None,
    }
}

/// The address, if packets of the network can go to it.
pub(super) fn usable(address: IpAddr, part: Range<usize>) -> Result<IpAddr, Wrong> {
    match unusable(address) {
        None => Ok(address),
        Some(why) => {
            let mapped = match address {
                IpAddr::V6(v6) => v6.to_ipv4_mapped(),
                IpAddr::V4(_) => None,
            };
            let cure = match mapped {
                Some(v4) => format!("write `{v4}`"),
                None => "write a unicast address of your network".to_owned(),
            };
            Err(Wrong::new(
                part,
                format!("`{address}` {why}"),
                "not usable",
                cure,
            ))
        }
    }
}

fn no_protocol(text: &str) -> Wrong {
    let example = if text.parse::<SocketAddr>().is_ok() {
        text.to_owned()
    } else {
        match text.parse() {
            Ok(address) => SocketAddr::new(address, 80).to_string(),
            Err(_) => "10.77.0.100:80".to_owned(),
        }
    };
    Wrong::new(
        0..text.len(),
        format!("{} is not a service address", quote(text)),
        "no protocol",
        format!("write `tcp://{example}` or `udp://{example}`"),
    )
}

fn protocol(scheme: &str) -> Result<Protocol, Wrong> {
    let cure = match scheme.to_lowercase().as_str() {
        "tcp" if scheme == "tcp" => return Ok(Protocol::Tcp),
        "udp" if scheme == "udp" => return Ok(Protocol::Udp),
        "sctp" if scheme == "sctp" => return Ok(Protocol::Sctp),
        "udp" | "dns" | "quic" | "sip" => "write `udp://`",
        "sctp" | "m3ua" | "diameter" => "write `sctp://`",
        "tcp" | "http" | "https" | "tls" | "ssl" | "mysql" => "write `tcp://`",
        _ => "write `tcp://`, `udp://` or `sctp://`",
    };
    let cause = format!("{} is not a protocol that dray balances", quote(scheme));
    Err(Wrong::new(0..scheme.len(), cause, "unknown protocol", cure))
}

/// Splits `host:port` or `[host]:port`; the host comes without brackets.
fn split(authority: &str) -> Result<(&str, &str), Wrong> {
    let whole = 0..authority.len();
    if let Some(inside) = authority.strip_prefix('[') {
        let Some((host, after)) = inside.split_once(']') else {
            let cure = "write `]` between the address and the `:` of the port";
            return Err(Wrong::new(
                whole,
                "the bracket of the address is never closed",
                "no `]`",
                cure,
            ));
        };
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if after.is_empty() => Err(no_port(whole, authority)),
            None => Err(Wrong::new(
                whole,
                "the port must follow the bracket",
                "no `]:`",
                format!("write `[{host}]:80`"),
            )),
        };
    }
    match authority.rsplit_once(':') {
        None => Err(no_port(whole, authority)),
        Some((host, port)) if host.contains(':') => {
            let (host, port) = match host.parse::<Ipv6Addr>() {
                Ok(_) if port.parse::<u16>().is_ok() => (host, port),
                _ => (authority, "80"),
            };
            let cure = format!("write {}", quote(&format!("[{host}]:{port}")));
            Err(Wrong::new(
                whole,
                "an IPv6 address with a port needs brackets",
                "no brackets",
                cure,
            ))
        }
        Some(split) => Ok(split),
    }
}

fn no_port(part: Range<usize>, host: &str) -> Wrong {
    Wrong::new(
        part,
        "the port is missing",
        "no port",
        format!("write the port too, as in {}", quote(&format!("{host}:80"))),
    )
}

/// The IP address that begins at that place of a text.
pub(super) fn host(text: &str, at: usize) -> Result<IpAddr, Wrong> {
    let part = at..at + text.len();
    if let Ok(address) = text.parse() {
        return usable(address, part);
    }
    let (cause, label, cure) = if text.is_empty() {
        (
            "the address is missing",
            "no address",
            "write an IP address, as `10.77.0.100` or `2001:db8::1`",
        )
    } else if text.contains('/') {
        (
            "this is a network, not an address",
            "not one address",
            "write one address without the prefix length",
        )
    } else if text.contains('%') {
        (
            "an address with a zone is link-local",
            "not usable",
            "write a global IPv6 address without `%`",
        )
    } else if text.contains(':') || text.starts_with('[') {
        (
            "this is not an IPv6 address",
            "not an address",
            "write it as `2001:db8::1`, without brackets or port",
        )
    } else if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        let cure = "write four numbers from 0 to 255 with dots between, without leading zeros";
        ("this is not an IPv4 address", "not an address", cure)
    } else {
        (
            "this is a host name",
            "not an IP address",
            "write its IP address; dray asks no DNS",
        )
    };
    Err(Wrong::new(
        part,
        format!("{}: {cause}", quote(text)),
        label,
        cure,
    ))
}

fn port(text: &str, at: usize) -> Result<u16, Wrong> {
    let part = at..at + text.len();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_: &u16| digits);
    number.ok_or_else(|| {
        let cure = "write a port from 1 to 65535, as in `tcp://10.77.0.100:80`";
        if text.is_empty() {
            return Wrong::new(part, "the port is missing", "no port", cure);
        }
        let label = if digits {
            "out of range"
        } else {
            "not a number"
        };
        Wrong::new(part, format!("{} is not a port", quote(text)), label, cure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_addresses_read_back_as_they_are_displayed() {
        for text in [
            "tcp://10.77.0.100:80",
            "udp://10.0.0.1:65535",
            "tcp://[2001:db8::1]:443",
            "udp://[2001:db8::ffff:0:1]:1",
            "sctp://10.0.0.1:3868",
            "tcp://10.0.0.1:0",
        ] {
            assert_eq!(service(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn every_part_of_a_service_address_is_judged() {
        let parts = |text: &str| -> Vec<String> {
            service(text)
                .expect_err(text)
                .into_iter()
                .map(|wrong| text[wrong.part].to_owned())
                .collect()
        };
        assert_eq!(
            parts("http://web.example:66000/x"),
            ["http", "/x", "web.example", "66000"]
        );
        assert_eq!(parts("10.77.0.100:80"), ["10.77.0.100:80"]);
        assert_eq!(parts("tcp://2001:db8::1:443"), ["2001:db8::1:443"]);
        assert_eq!(parts("tcp://[fe80::1]:443"), ["fe80::1"]);
        assert_eq!(parts("tcp://10.0.0.1"), ["10.0.0.1"]);
        assert_eq!(parts("tcp://10.0.0.0/24:80"), ["10.0.0.0/24"]);
        assert_eq!(parts("tcp://10.0.0.1/x"), ["/x", "10.0.0.1"]);
        assert_eq!(parts("tcp://10.0.0.1:+80"), ["+80"]);
        assert_eq!(parts("tcp://10.0.0.1:"), [""]);
        assert_eq!(parts("tcp://:80"), [""]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn addresses_that_no_packet_can_have_are_refused() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(host(text, 0).is_err(), "{text}");
        }
    }
}
