//! How addresses and ports look: as numbers, or by name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dray_model::Protocol;

use crate::Names;

/// How addresses and ports look.
#[derive(Clone, Copy)]
pub enum Look<'a> {
    /// As numbers.
    Numbers,
    /// By name, where they have one.
    Names(&'a dyn Names),
}

/// `ipvsadm` writes an address and a port into so many bytes at most.
const LONGEST: usize = 59;

impl Look<'_> {
    /// An address and a port. Ports of no protocol have no names.
    pub(super) fn endpoint(self, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
        let (host, service) = match self {
            Self::Numbers => (None, None),
            Self::Names(names) => (
                names.host_at(address),
                protocol.and_then(|protocol| names.service_at(port, protocol)),
            ),
        };
        let host = host.unwrap_or_else(|| text(address));
        let port = service.unwrap_or_else(|| port.to_string());
        cut(
            match address {
                IpAddr::V4(_) => format!("{host}:{port}"),
                IpAddr::V6(_) => format!("[{host}]:{port}"),
            },
            LONGEST,
        )
    }
}

/// At most the first `length` bytes of a text.
pub(super) fn cut(mut text: String, length: usize) -> String {
    text.truncate(text.floor_char_boundary(length));
    text
}

/// An address as the C library writes it.
pub(super) fn text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match as_ipv4(address) {
            Some(low) => format!("::{low}"),
            None => address.to_string(),
        },
    }
}

/// The IPv4 address that the C library takes one to be that begins with 96 bits of 0 and goes on with others.
fn as_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = u32::try_from(bits).ok()?;
    (low >> 16 != 0).then(|| Ipv4Addr::from_bits(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Tables;

    #[test]
    fn ipv6_addresses_are_written_as_the_c_library_writes_them() {
        for written in [
            "::",
            "::1",
            "::ffff",
            "::1.2.3.4",
            "::ffff:1.2.3.4",
            "1::",
            "2001:db8::1:0:0:1",
            "2001:db8:0:1:1:1:1:1",
        ] {
            let address: Ipv6Addr = written.parse().expect("an address");
            assert_eq!(text(address.into()), written);
        }
    }

    #[test]
    fn names_take_the_place_of_numbers_where_there_are_any() {
        let names = Tables::read("10.0.0.1 www\nfd00::1 six", "http 80/tcp");
        let look = Look::Names(&names);
        let v4 = IpAddr::from([10, 0, 0, 1]);
        let v6 = "fd00::1".parse().expect("an address");
        assert_eq!(look.endpoint(v4, 80, Some(Protocol::Tcp)), "www:http");
        assert_eq!(look.endpoint(v4, 80, Some(Protocol::Udp)), "www:80");
        assert_eq!(look.endpoint(v4, 80, None), "www:80");
        assert_eq!(look.endpoint(v6, 81, Some(Protocol::Tcp)), "[six]:81");
        assert_eq!(
            Look::Numbers.endpoint(v6, 80, Some(Protocol::Tcp)),
            "[fd00::1]:80"
        );
    }
}
