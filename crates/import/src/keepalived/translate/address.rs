//! Addresses, ports and ranges of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many services a range may make.
const MAX_RANGE: u128 = 4096;

/// A port; 0 and nothing are both every port.
pub(super) fn port(word: Option<&str>) -> Result<u16, String> {
    let Some(word) = word else { return Ok(0) };
    let port = word.parse();
    port.map_err(|_| format!("`{word}` is not a port: a number from 0 to 65535"))
}

/// An address as keepalived writes it: without a port, with or without the length of its network.
pub(super) fn address(word: &str) -> Result<IpAddr, String> {
    let plain = word.split('/').next().unwrap_or_default();
    let address = plain.parse();
    address.map_err(|_| format!("`{word}` is not an IP address"))
}

/// The first and the last address of `10.0.0.1`, `10.0.0.1-5`, `10.0.0.250-10.0.1.10` or `10.0.0.8/29`.
pub(super) fn range(word: &str) -> Result<(IpAddr, IpAddr), String> {
    let wrong = |what: &str| format!("`{word}` is not {what}");
    if let Some((start, length)) = word.split_once('/') {
        let start = address(start)?;
        let length: u32 = length.parse().map_err(|_| wrong("a network"))?;
        let (bits, number) = number(start);
        if length == 0 || length > bits {
            return Err(wrong("a network"));
        }
        let hosts = (1_u128 << (bits - length)) - 1;
        if number & hosts != 0 {
            return Err(format!("`{word}` has bits behind its network's length"));
        }
        return checked(word, start, at(start, number | hosts));
    }
    let Some((start, end)) = word.split_once('-') else {
        let address = address(word)?;
        return Ok((address, address));
    };
    let start = address(start)?;
    let end = match (start, end.parse::<IpAddr>()) {
        (_, Ok(end)) => end,
        (IpAddr::V4(start), Err(_)) => {
            let [a, b, c, _] = start.octets();
            let end = end.parse().map_err(|_| wrong("a range of addresses"))?;
            Ipv4Addr::new(a, b, c, end).into()
        }
        (IpAddr::V6(start), Err(_)) => {
            let mut segments = start.segments();
            segments[7] =
                u16::from_str_radix(end, 16).map_err(|_| wrong("a range of addresses"))?;
            Ipv6Addr::from(segments).into()
        }
    };
    checked(word, start, end)
}

fn checked(word: &str, start: IpAddr, end: IpAddr) -> Result<(IpAddr, IpAddr), String> {
    if start.is_ipv4() != end.is_ipv4() || number(start).1 > number(end).1 {
        return Err(format!("`{word}` ends before it begins"));
    }
    Ok((start, end))
}

/// Every address of a range.
pub(super) fn each((start, end): (IpAddr, IpAddr)) -> Result<Vec<IpAddr>, String> {
    let (from, to) = (number(start).1, number(end).1);
    if to - from >= MAX_RANGE {
        return Err(format!(
            "it is more than {MAX_RANGE} addresses: give their packets a mark, with one service for it"
        ));
    }
    Ok((from..=to).map(|number| at(start, number)).collect())
}

/// A range as the networks that it consists of; single addresses are written without a length.
pub(super) fn networks((start, end): (IpAddr, IpAddr)) -> Vec<String> {
    let (bits, mut from) = number(start);
    let to = number(end).1;
    let mut networks = Vec::new();
    loop {
        let aligned = from.trailing_zeros().min(bits);
        let mut free = aligned;
        while free > 0 && (free >= 128 || from + ((1_u128 << free) - 1) > to) {
            free -= 1;
        }
        let first = at(start, from);
        networks.push(if free == 0 {
            first.to_string()
        } else {
            format!("{first}/{}", bits - free)
        });
        let Some(next) = from.checked_add(1 << free).filter(|next| *next <= to) else {
            return networks;
        };
        from = next;
    }
}

/// An address's bits, and the number that they are.
fn number(address: IpAddr) -> (u32, u128) {
    match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    }
}

/// The address of this number, of the same family as `like`.
fn at(like: IpAddr, number: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{each, networks, port, range};

    fn ends(word: &str) -> String {
        range(word).map_or_else(|why| why, |(start, end)| format!("{start} {end}"))
    }

    #[test]
    fn ranges_are_read_in_all_their_forms() {
        assert_eq!(ends("10.0.0.1"), "10.0.0.1 10.0.0.1");
        assert_eq!(ends("192.168.200.1-10"), "192.168.200.1 192.168.200.10");
        assert_eq!(
            ends("192.168.200.250-192.168.201.10"),
            "192.168.200.250 192.168.201.10"
        );
        assert_eq!(ends("192.168.202.8/29"), "192.168.202.8 192.168.202.15");
        assert_eq!(ends("10.0.0.1/32"), "10.0.0.1 10.0.0.1");
        assert_eq!(ends("2001:db8::1-ff"), "2001:db8::1 2001:db8::ff");
        assert_eq!(ends("2001:db8::/126"), "2001:db8:: 2001:db8::3");
    }

    #[test]
    fn what_is_no_range_says_so() {
        assert_eq!(ends("10.0.0.9-5"), "`10.0.0.9-5` ends before it begins");
        assert_eq!(
            ends("10.0.0.1/29"),
            "`10.0.0.1/29` has bits behind its network's length"
        );
        assert_eq!(ends("10.0.0.0/33"), "`10.0.0.0/33` is not a network");
        assert_eq!(ends("10.0.0.0/0"), "`10.0.0.0/0` is not a network");
        assert_eq!(
            ends("10.0.0.1-300"),
            "`10.0.0.1-300` is not a range of addresses"
        );
        assert_eq!(ends("www"), "`www` is not an IP address");
        assert_eq!(
            ends("10.0.0.1-2001:db8::1"),
            "`10.0.0.1-2001:db8::1` ends before it begins"
        );
    }

    #[test]
    fn a_range_has_each_of_its_addresses_once() {
        let all = each(range("10.0.0.254-10.0.1.1").expect("it is one")).expect("it is small");
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(all, ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]);
        assert!(each(range("10.0.0.0/8").expect("it is one")).is_err());
    }

    #[test]
    fn a_range_is_as_few_networks_as_can_be() {
        let networks = |word| networks(range(word).expect(word));
        assert_eq!(
            networks("10.0.0.3-10"),
            ["10.0.0.3", "10.0.0.4/30", "10.0.0.8/31", "10.0.0.10"]
        );
        assert_eq!(networks("10.0.0.0/8"), ["10.0.0.0/8"]);
        assert_eq!(networks("255.255.255.254-255"), ["255.255.255.254/31"]);
        assert_eq!(
            networks("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").len(),
            2
        );
    }

    #[test]
    fn a_port_may_be_left_out() {
        assert_eq!(port(None), Ok(0));
        assert_eq!(port(Some("80")), Ok(80));
        assert!(port(Some("http")).is_err());
    }
}
