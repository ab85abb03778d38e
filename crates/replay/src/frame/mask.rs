//! What is random in a frame.

use std::net::IpAddr;

use super::Packet;
use crate::{
    scenario::Side,
    site::{CLIENT_PORT, OWN_ADDRESSES, SERVER_PORT},
};

const UDP: u8 = 17;

/// Bytes of an Ethernet header.
const LINK: usize = 14;

/// The frame, which came out upon a packet that came in on the side `from`, less what is random: the IP identification and the
/// IPv6 flow label of packets that the director makes itself, the source port of a GUE tunnel, and the checksums over them.
/// What the director only sends on stays as it is.
pub fn mask(frame: &[u8], from: Side) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let Some(packet) = frame.get(LINK..).and_then(|data| Packet::parse(data).ok()) else {
        return frame;
    };
    let tunnel = OWN_ADDRESSES.contains(&packet.source);
    let back_by = match from {
        Side::Client => CLIENT_PORT,
        Side::Real => SERVER_PORT,
    };
    // What goes back to where the packet came from is an answer of the director's own.
    if !tunnel && frame[6..12] != back_by.0 {
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
    if tunnel && packet.protocol == UDP {
        frame[transport..transport + 2].fill(0);
        frame[transport + 6..transport + 8].fill(0);
    }
    frame
}

#[cfg(test)]
mod tests {
    use dray_model::Mac;

    use crate::{
        frame::{IpFields, ethernet, ip_packet},
        site::ROUTER,
    };

    use super::*;

    fn frame(port: Mac, from: &str, protocol: u8, identification: u16) -> Vec<u8> {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let fields = IpFields {
            ttl: 64,
            tos: 0,
            identification,
            fragment: 0,
        };
        let addresses = (address(from), address("192.0.2.1"));
        let packet = ip_packet(addresses, protocol, &[0; 20], fields);
        ethernet(ROUTER, port, &packet)
    }

    #[test]
    fn the_identification_is_random_only_in_what_the_director_makes_itself() {
        let same = |port, source, protocol, from| {
            mask(&frame(port, source, protocol, 1), from)
                == mask(&frame(port, source, protocol, 2), from)
        };
        let (client, real) = (Side::Client, Side::Real);
        assert!(same(SERVER_PORT, "10.254.0.1", 4, client), "a tunnel");
        assert!(same(CLIENT_PORT, "10.0.0.1", 1, client), "an error");
        assert!(same(CLIENT_PORT, "10.0.0.1", 6, client), "a reset");
        assert!(!same(CLIENT_PORT, "10.0.0.1", 6, real), "a reply sent on");
        assert!(!same(SERVER_PORT, "192.0.2.9", 6, client), "a request");
    }

    #[test]
    fn of_a_gue_tunnel_the_source_port_is_random_and_nothing_else() {
        let with = |at: usize| {
            let mut frame = frame(SERVER_PORT, "10.254.0.1", UDP, 0);
            frame[LINK + 20 + at] ^= 1;
            mask(&frame, Side::Client)
        };
        let plain = mask(&frame(SERVER_PORT, "10.254.0.1", UDP, 0), Side::Client);
        let random: Vec<usize> = (0..20).filter(|at| with(*at) == plain).collect();
        assert_eq!(random, [0, 1, 6, 7]);
    }
}
