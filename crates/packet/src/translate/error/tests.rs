//! ICMP errors against those of a real kernel's IPVS, and their checksums from scratch.

use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol, icmp,
    sample::{
        self, End, Flow4, Flow6, assert_sound, flow4, flow6, hex, key4, key6, payload, protocol,
    },
};

/// The errors that a real kernel's IPVS relayed, from a router at 192.0.2.113 and from a real server's network; the TTL was
/// counted down by one.
#[test]
fn relayed_errors_are_byte_for_byte_those_of_linux() {
    let port_unreachable = "4500004400004000 40016dacc00002710a00009c 0303442f00000000 \
        45000028000040004006f3b80a00009ccb00717b01bb970400001000000020005010ffff9ffd0000";
    let relayed = "4500004400004000 3f016e98c00002710a0100af 0303364a00000000 \
        45000028000040004006f3a40a0100afcb00717b0fa0970400001000000020005010ffff9ffd0000";
    let too_big = "4500004400004000 40016dacc00002710a00009c 03043eb600000578 \
        45000028000040004006f3b80a00009ccb00717b01bb970400001000000020005010ffff9ffd0000";
    let too_big_relayed = "4500004400004000 3f016e98c00002710a0100af 030430d100000578 \
        45000028000040004006f3a40a0100afcb00717b0fa0970400001000000020005010ffff9ffd0000";
    let exceeded = "4500004400004000 40016dacc00002710a00009c 0b003c3200000000 \
        45000028000040004006f3b80a00009ccb00717b01bb970400001000000020005010ffff9ffd0000";
    let exceeded_relayed = "4500004400004000 3f016e98c00002710a0100af 0b002e4d00000000 \
        45000028000040004006f3a40a0100afcb00717b0fa0970400001000000020005010ffff9ffd0000";
    let from_real = "4500004400004000 4001f3e50a010057cb00717b 0303444300000000 \
        45000028000040004006f3a4cb00717b0a0100af97040fa000001000000020005010ffff92040000";
    let from_vip = "4500004400004000 3f01f4a10a00009ccb00717b 0303522800000000 \
        45000028000040004006f3b8cb00717b0a00009c970401bb00001000000020005010ffff92040000";
    let client = end([203, 0, 113, 123], 38660);
    let vip = end([10, 0, 0, 156], 443);
    let server = end([10, 1, 0, 175], 4000);
    for (error, flow, expected) in [
        (port_unreachable, [client, server], relayed),
        (too_big, [client, server], too_big_relayed),
        (exceeded, [client, server], exceeded_relayed),
        (from_real, [vip, client], from_vip),
    ] {
        let mut bytes = hex(error);
        let frame = Frame::from(&mut bytes[..]);
        ipv4::decrement_ttl(&frame, 0).unwrap();
        error4(&frame, 0, &key4(&flow, TransportProtocol::Tcp)).unwrap();
        assert_eq!(bytes, hex(expected));
    }
}

fn end<A>(address: A, port: u16) -> End<A> {
    End { address, port }
}

const ROUTER: [u8; 4] = [192, 0, 2, 254];
const ROUTER6: [u8; 16] = [0x30; 16];

/// An error of a router's to the sender of a packet, about it, with as many bytes of it.
fn error_about4(source: [u8; 4], flow: &Flow4, packet: &[u8], quoted: usize) -> Vec<u8> {
    let mut bytes = vec![];
    PacketBuilder::ipv4(source, flow[0].address, 33)
        .icmpv4_raw(3, 4, [0, 0, 5, 0x78])
        .write(&mut bytes, &packet[..quoted.min(packet.len())])
        .unwrap();
    bytes
}

fn error_about6(source: [u8; 16], flow: &Flow6, packet: &[u8], quoted: usize) -> Vec<u8> {
    let mut bytes = vec![];
    PacketBuilder::ipv6(source, flow[0].address, 33)
        .icmpv6_raw(2, 0, [0, 0, 5, 0x78])
        .write(&mut bytes, &packet[..quoted.min(packet.len())])
        .unwrap();
    bytes
}

/// Where the checksum of what an IP header of so many bytes carries lies.
fn transport_checksum(header: usize, protocol: TransportProtocol) -> std::ops::Range<usize> {
    let (at, length) = match protocol {
        TransportProtocol::Tcp => (16, 2),
        TransportProtocol::Udp => (6, 2),
        TransportProtocol::Sctp => (8, 4),
    };
    header + at..header + at + length
}

/// The other way.
fn back<A: Copy>(flow: &[End<A>; 2]) -> [End<A>; 2] {
    [flow[1], flow[0]]
}

proptest! {
    /// The quoted packet went from `flow[0]` to `flow[1]`, and so the error goes to `flow[0]`.
    #[test]
    fn an_error_is_as_if_made_about_the_translated_packet(
        old in flow4(), new in flow4(), same_client: bool, protocol in protocol(), options in 0..=10usize, payload in payload(), more in 0..300usize,
    ) {
        let mut new = new;
        if same_client {
            new[1].address = old[1].address;
        }
        let packet = sample::packet4(&old, protocol, options, &payload);
        let quoted = 20 + 4 * options + 4 + more;
        let mut bytes = error_about4(ROUTER, &old, &packet, quoted);
        let frame = Frame::from(&mut bytes[..]);
        icmp::parse4(&frame, 0).unwrap();
        error4(&frame, 0, &key4(&back(&new), protocol)).unwrap();
        assert_sound(&bytes);
        // The quoted packet is the translated one, but for its transport checksum.
        let mut translated = sample::packet4(&new, protocol, options, &payload);
        let checksum = transport_checksum(20 + 4 * options, protocol);
        translated[checksum.clone()].copy_from_slice(&packet[checksum]);
        let source = if new[1].address == old[1].address { ROUTER } else { new[1].address };
        prop_assert_eq!(&bytes, &error_about4(source, &new, &translated, quoted));
        if new[1].address == old[1].address {
            error4(&Frame::from(&mut bytes[..]), 0, &key4(&back(&old), protocol)).unwrap();
            prop_assert_eq!(bytes, error_about4(ROUTER, &old, &packet, quoted));
        }
    }

    #[test]
    fn an_ipv6_error_too(
        old in flow6(), new in flow6(), same_client: bool, protocol in protocol(), extensions in 0..3usize, payload in payload(), more in 0..300usize,
    ) {
        let mut new = new;
        if same_client {
            new[1].address = old[1].address;
        }
        let packet = sample::packet6(&old, protocol, extensions, &payload);
        let quoted = 40 + 8 * extensions + 4 + more;
        let mut bytes = error_about6(ROUTER6, &old, &packet, quoted);
        let frame = Frame::from(&mut bytes[..]);
        icmp::parse6(&frame, 0).unwrap();
        error6(&frame, 0, &key6(&back(&new), protocol)).unwrap();
        assert_sound(&bytes);
        let mut translated = sample::packet6(&new, protocol, extensions, &payload);
        let checksum = transport_checksum(40 + 8 * extensions, protocol);
        translated[checksum.clone()].copy_from_slice(&packet[checksum]);
        let source = if new[1].address == old[1].address { ROUTER6 } else { new[1].address };
        prop_assert_eq!(bytes, error_about6(source, &new, &translated, quoted));
    }

    #[test]
    fn no_bytes_make_it_write_past_the_end(
        six: bool,
        old in flow4(), old6 in flow6(),
        changes in prop::collection::vec((0..100usize, any::<u8>()), 0..8),
        length in 0..140usize,
    ) {
        const UDP: TransportProtocol = TransportProtocol::Udp;
        let mut bytes = if six {
            error_about6(ROUTER6, &old6, &sample::packet6(&old6, UDP, 0, b"data"), 100)
        } else {
            error_about4(ROUTER, &old, &sample::packet4(&old, UDP, 0, b"data"), 100)
        };
        for (at, byte) in changes {
            if let Some(changed) = bytes.get_mut(at) {
                *changed = byte;
            }
        }
        let length = length.min(bytes.len());
        let rest = bytes[length..].to_vec();
        let frame = Frame::from(&mut bytes[..length]);
        let _ = error4(&frame, 0, &key4(&old, UDP));
        let _ = error6(&frame, 0, &key6(&old6, UDP));
        prop_assert_eq!(&bytes[length..], rest);
    }
}
