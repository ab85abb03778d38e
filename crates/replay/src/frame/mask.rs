//! What is random in a frame.

use std::net::IpAddr;

use super::Packet;
use crate::site::OWN_ADDRESSES;

const ICMP: u8 = 1;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// Bytes of an Ethernet header.
const LINK: usize = 14;

/// The frame less what is random: the IP identification and the IPv6 flow label of packets that the director makes itself,
/// the source port of a GUE tunnel, and the checksums over them. What the director only sends on stays as it is.
pub fn mask(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let Some(packet) = frame.get(LINK..).and_then(|data| Packet::parse(data).ok()) else {
        return frame;
    };
    let own = OWN_ADDRESSES.contains(&packet.source);
    // An error about a client's packet comes from the VIP.
    if !own && !matches!(packet.protocol, ICMP | ICMPV6) {
        return frame;
    }
    let transport = match packet.source {
        IpAddr::V4(_) => {
            frame[LINK + 4..LINK + 6].fill(0);
            frame[LINK + 10..LINK + 12].fill(0);
            LINK + usize::from(frame[LINK] & 15) * 4
        }
        IpAddr::V6(_) => {
            frame[LINK + 1] &= 0xf0;
            frame[LINK + 2..LINK + 4].fill(0);
            LINK + 40
        }
    };
    if own && packet.protocol == UDP {
        frame[transport..transport + 2].fill(0);
        frame[transport + 6..transport + 8].fill(0);
    }
    frame
}

#[cfg(test)]
mod tests {
    use crate::frame::{IpFields, ethernet, ip_packet};
    use crate::site::{CLIENT_PORT, ROUTER};

    use super::*;

    fn frame(from: &str, protocol: u8, identification: u16) -> Vec<u8> {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let fields = IpFields {
            ttl: 64,
            tos: 0,
            identification,
            fragment: 0,
        };
        let addresses = (address(from), address("192.0.2.1"));
        let packet = ip_packet(addresses, protocol, &[0; 20], fields);
        ethernet(ROUTER, CLIENT_PORT, &packet)
    }

    #[test]
    fn the_identification_is_random_only_in_what_the_director_makes_itself() {
        let same =
            |from, protocol| mask(&frame(from, protocol, 1)) == mask(&frame(from, protocol, 2));
        assert!(same("10.254.0.1", 4), "a tunnel");
        assert!(same("10.0.0.1", ICMP), "an error of the VIP's");
        assert!(!same("10.0.0.1", 6), "a reply sent on");
        assert!(!same("192.0.2.9", 6), "a client's packet");
    }

    #[test]
    fn of_a_gue_tunnel_the_source_port_is_random_and_nothing_else() {
        let with = |at: usize| {
            let mut frame = frame("10.254.0.1", UDP, 0);
            frame[LINK + 20 + at] ^= 1;
            mask(&frame)
        };
        let plain = mask(&frame("10.254.0.1", UDP, 0));
        let random: Vec<usize> = (0..20).filter(|at| with(*at) == plain).collect();
        assert_eq!(random, [0, 1, 6, 7]);
    }
}
