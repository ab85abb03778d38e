//! Networks and single addresses as the rules of marks write them: `10.0.1.0/24`, `10.0.0.1`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::{address, fault::quote, wrong::Wrong};

/// The network: its address, and how many of its bits count. An address alone is a network of its own.
pub(super) fn parse(text: &str) -> Result<(IpAddr, u8), Wrong> {
    let Some((network, length)) = text.split_once('/') else {
        let address = address::host(text, 0)?;
        return Ok((address, bits(address)));
    };
    let Ok(address) = network.parse() else {
        let cause = format!("{} is not the address of a network", quote(network));
        let cure = "write an address before the `/`, as in `10.0.1.0/24` or `2001:db8::/64`";
        return Err(Wrong::new(0..network.len(), cause, "not an address", cure));
    };
    let part = network.len() + 1..text.len();
    let length = self::length(address, length, part)?;
    let first = masked(address, length);
    if first != address {
        return Err(Wrong::new(
            0..text.len(),
            format!("{} has bits beyond its length", quote(text)),
            "not the first address of it",
            format!("write `{first}/{length}`, or `{address}` alone"),
        ));
    }
    Ok((address, length))
}

/// Whether the network is one address alone.
pub(super) fn is_single((address, length): (IpAddr, u8)) -> bool {
    length == bits(address)
}

fn length(address: IpAddr, text: &str, part: Range<usize>) -> Result<u8, Wrong> {
    let most = bits(address);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|length| digits && *length <= most);
    length.ok_or_else(|| {
        let mask = text.parse().ok().and_then(mask_length);
        let cure = match mask {
            Some(length) if address.is_ipv4() => {
                format!("write `{}/{length}`", masked(address, length))
            }
            _ => format!("write a length from 0 to {most}"),
        };
        let cause = format!("{} is not the length of a prefix", quote(text));
        Wrong::new(part, cause, "not a length", cure)
    })
}

/// How many bits a mask has, if they stand together at its start.
pub(super) fn mask_length(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let length = bits.leading_ones();
    (bits.count_ones() == length).then_some(length as u8)
}

/// The mask with that many bits, up to 32.
pub(super) fn mask(length: u8) -> Ipv4Addr {
    let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    Ipv4Addr::from_bits(!host)
}

/// How many bits an address has.
pub(crate) fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The first address of the network of that length that an address lies in.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => (address & mask(length)).into(),
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            (address & Ipv6Addr::from_bits(!host)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_prefixes() {
        for (text, address, length) in [
            ("10.0.0.1", "10.0.0.1", 32),
            ("10.0.0.0/8", "10.0.0.0", 8),
            ("10.0.0.1/32", "10.0.0.1", 32),
            ("0.0.0.0/0", "0.0.0.0", 0),
            ("::/0", "::", 0),
            ("2001:db8::/32", "2001:db8::", 32),
            ("2001:db8::1", "2001:db8::1", 128),
        ] {
            let address = address.parse::<IpAddr>().expect(address);
            assert_eq!(parse(text), Ok((address, length)), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_prefix_is_told_with_its_cure() {
        let cure = |text: &str| parse(text).expect_err(text).cure;
        assert_eq!(
            cure("10.0.1.5/24"),
            "write `10.0.1.0/24`, or `10.0.1.5` alone"
        );
        assert_eq!(cure("10.0.1.0/33"), "write a length from 0 to 32");
        assert_eq!(cure("10.0.1.0/+8"), "write a length from 0 to 32");
        assert_eq!(cure("2001:db8::/129"), "write a length from 0 to 128");
        assert_eq!(cure("10.0.1.7/255.255.255.0"), "write `10.0.1.0/24`");
        assert_eq!(cure("10.0.1.0/255.0.255.0"), "write a length from 0 to 32");
        assert!(cure("web/24").contains("before the `/`"));
        assert!(cure("224.0.0.1").contains("unicast"));
        assert!(cure("web").contains("DNS"));
    }

    #[test]
    fn masks_and_lengths_are_two_ways_to_say_the_same() {
        for length in 0..=32 {
            assert_eq!(mask_length(mask(length)), Some(length));
        }
        assert_eq!(mask(24), Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(mask_length(Ipv4Addr::new(255, 0, 255, 0)), None);
    }
}
