//! Between the model's types and the maps' layouts.

mod destination;
mod hop;
mod tunnel;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
};

use dray_abi::ServiceKey;
use dray_model::{
    Family, Granularity, Mark, Persistence, PersistenceEngine, Protocol, ServiceAddress,
    ServiceIdentity, ServiceOptions, Verdict,
};

pub(crate) use destination::{destination, forward, info};
pub(crate) use hop::{features_of, features_of_method, hop, hop_of};

/// What the service map gives for a VIP that has a service.
pub(crate) const VIP: u32 = u32::MAX;

/// The protocol number (reserved by IANA) that a VIP's key has.
const VIP_PROTOCOL: u8 = 255;

/// The key that packets look the service up by.
pub(crate) fn service_key(identity: &ServiceIdentity) -> ServiceKey {
    match identity {
        ServiceIdentity::Address(address) => ServiceKey {
            vip: address_bytes(address.vip),
            port: address.port.to_be_bytes(),
            protocol: address.protocol.number(),
            mark_family: 0,
        },
        ServiceIdentity::Mark(mark) => {
            ServiceKey::of_mark(mark.number.get(), family_number(mark.family))
        }
    }
}

/// The key by which packets know that an address is a VIP.
pub(crate) fn vip_key(vip: IpAddr) -> ServiceKey {
    ServiceKey {
        vip: address_bytes(vip),
        port: [0; 2],
        protocol: VIP_PROTOCOL,
        mark_family: 0,
    }
}

/// Whether the key is a VIP's, not a service's.
pub(crate) fn is_vip_key(key: &ServiceKey) -> bool {
    key.protocol == VIP_PROTOCOL
}

/// The service of a key; `None` if it is none of ours.
pub(crate) fn service_identity(key: &ServiceKey) -> Option<ServiceIdentity> {
    let vip = address(key.vip);
    let family = match key.mark_family {
        0 => {
            return Some(ServiceIdentity::Address(ServiceAddress {
                protocol: Protocol::from_number(key.protocol)?,
                vip,
                port: u16::from_be_bytes(key.port),
            }));
        }
        4 => Family::Ipv4,
        6 => Family::Ipv6,
        _ => return None,
    };
    let IpAddr::V4(mark) = vip else {
        return None;
    };
    let number = NonZeroU32::new(mark.to_bits())?;
    Some(ServiceIdentity::Mark(Mark { number, family }))
}

/// A family by its number in the IP header.
pub(crate) const fn family_number(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 4,
        Family::Ipv6 => 6,
    }
}

/// What packets read of a service's options.
pub(crate) fn service_options(options: &ServiceOptions) -> dray_abi::ServiceOptions {
    use dray_abi::ServiceOptions as Word;
    let flag = |is: bool, flag: u64| if is { flag } else { 0 };
    let one_packet = flag(options.one_packet, Word::ONE_PACKET);
    let Some(persistence) = options.persistence else {
        return Word::new(one_packet, 0, 0);
    };
    let sip = persistence.engine == Some(PersistenceEngine::Sip);
    let mask = match persistence.granularity {
        Granularity::Ipv4(mask) => mask.to_bits(),
        Granularity::Ipv6(length) => length.into(),
    };
    let flags = Word::PERSISTENT | one_packet | flag(sip, Word::SIP);
    Word::new(flags, persistence.timeout.get(), mask)
}

/// The options of a service of that family.
pub(crate) fn options_of(word: dray_abi::ServiceOptions, family: Family) -> ServiceOptions {
    use dray_abi::ServiceOptions as Word;
    let granularity = match family {
        Family::Ipv4 => Granularity::Ipv4(Ipv4Addr::from_bits(word.mask())),
        Family::Ipv6 => Granularity::Ipv6(word.mask() as u8),
    };
    let persistence = |timeout| Persistence {
        timeout,
        granularity,
        engine: word.has(Word::SIP).then_some(PersistenceEngine::Sip),
    };
    ServiceOptions {
        persistence: NonZeroU32::new(word.seconds())
            .filter(|_| word.has(Word::PERSISTENT))
            .map(persistence),
        one_packet: word.has(Word::ONE_PACKET),
    }
}

/// What becomes of a packet, in the model's words.
pub(crate) fn verdict(verdict: dray_abi::Verdict) -> Verdict {
    match verdict {
        dray_abi::Verdict::Pass => Verdict::Pass,
        dray_abi::Verdict::Drop => Verdict::Drop,
        dray_abi::Verdict::Forward => Verdict::Forward,
    }
}

/// Sixteen bytes, IPv4 as IPv4-mapped IPv6.
pub(crate) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The address of sixteen such bytes.
pub(crate) fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// An IPv4 connection's key, as translations have it.
pub(crate) fn whole_key(key: &[u64; 2]) -> [u64; 5] {
    [key[0], key[1], 0, 0, 0]
}

/// Client and service of a connection's key of that family.
pub(crate) fn endpoints(key: &[u64; 5], family: u8) -> Option<(SocketAddr, ServiceAddress)> {
    let (client, vip, tail) = if family == 4 {
        let [a, b, c, d, e, f, g, h] = key[0].to_le_bytes();
        let client = Ipv4Addr::new(a, b, c, d).into();
        (client, Ipv4Addr::new(e, f, g, h).into(), key[1])
    } else {
        (whole(key[0], key[1]), whole(key[2], key[3]), key[4])
    };
    let [a, b, c, d, protocol, ..] = tail.to_le_bytes();
    let service = ServiceAddress {
        protocol: Protocol::from_number(protocol)?,
        vip,
        port: u16::from_be_bytes([c, d]),
    };
    Some((SocketAddr::new(client, u16::from_be_bytes([a, b])), service))
}

/// Client, VIP, port and protocol of a template's key. What a persistence engine made a hash of is no address any more:
/// the client is unspecified then.
pub(crate) fn template_endpoints(key: &[u64; 5]) -> (IpAddr, IpAddr, u16, u8) {
    let [_, _, high, low, protocol, engine, ..] = key[4].to_le_bytes();
    let vip = whole(key[2], key[3]);
    let client = match (engine, vip) {
        (0, _) => whole(key[0], key[1]),
        (_, IpAddr::V4(_)) => Ipv4Addr::UNSPECIFIED.into(),
        (_, IpAddr::V6(_)) => Ipv6Addr::UNSPECIFIED.into(),
    };
    (client, vip, u16::from_be_bytes([high, low]), protocol)
}

/// The address of two words of a key, as they lie in memory.
fn whole(high: u64, low: u64) -> IpAddr {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_le_bytes());
    bytes[8..].copy_from_slice(&low.to_le_bytes());
    address(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];
    const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

    proptest! {
        #[test]
        fn a_service_survives_the_way_into_a_key_and_back(vip: IpAddr, port: u16, protocol in 0..3_usize) {
            let vip = address(address_bytes(vip));
            let protocol = PROTOCOLS[protocol];
            let service = ServiceIdentity::Address(ServiceAddress { protocol, vip, port });
            let key = service_key(&service);
            prop_assert_eq!(service_identity(&key), Some(service));
            prop_assert!(!is_vip_key(&key));
            prop_assert!(is_vip_key(&vip_key(vip)));
        }

        #[test]
        fn a_mark_survives_the_way_into_a_key_and_back(number: NonZeroU32, family in 0..2_usize) {
            let mark = ServiceIdentity::Mark(Mark { number, family: FAMILIES[family] });
            prop_assert_eq!(service_identity(&service_key(&mark)), Some(mark));
        }

        #[test]
        fn options_survive_the_way_into_a_word_and_back(
            timeout in 1..=2_678_400_u32,
            mask: Ipv4Addr,
            length in 1..=128_u8,
            persistent: bool,
            sip: bool,
            one_packet: bool,
        ) {
            for (family, granularity) in [
                (Family::Ipv4, Granularity::Ipv4(mask)),
                (Family::Ipv6, Granularity::Ipv6(length)),
            ] {
                let persistence = NonZeroU32::new(timeout).filter(|_| persistent).map(|timeout| Persistence {
                    timeout,
                    granularity,
                    engine: sip.then_some(PersistenceEngine::Sip),
                });
                let options = ServiceOptions { persistence, one_packet };
                prop_assert_eq!(options_of(service_options(&options), family), options);
            }
        }
    }
}
