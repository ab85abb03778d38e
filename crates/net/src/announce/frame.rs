//! The frames of announcements, as bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use dray_model::Mac;

const BROADCAST: Mac = Mac([0xff; 6]);
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Where Ethernet carries `ALL_NODES` (RFC 2464 section 7).
const ALL_NODES_MAC: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);
const ICMPV6: u8 = 58;

/// An ARP announcement (RFC 5227 section 2.3): a request for the sender's own address, to all.
pub(super) fn gratuitous_arp(mac: Mac, address: Ipv4Addr) -> [u8; 42] {
    let mut frame = Frame::new(BROADCAST, mac, ETHERTYPE_ARP);
    frame.put(&[0, 1]); // hardware: Ethernet
    frame.put(&[8, 0]); // protocol: IPv4
    frame.put(&[6, 4]); // lengths of their addresses
    frame.put(&[0, 1]); // request
    frame.put(&mac.0);
    frame.put(&address.octets());
    frame.put(&[0; 6]);
    frame.put(&address.octets());
    frame.bytes
}

/// An unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6), to all nodes.
pub(super) fn unsolicited_advertisement(mac: Mac, address: Ipv6Addr) -> [u8; 86] {
    const OVERRIDE: u8 = 0x20;
    let mut message = [0; 32];
    message[0] = 136; // neighbour advertisement, code 0
    message[4] = OVERRIDE;
    message[8..24].copy_from_slice(&address.octets());
    message[24..26].copy_from_slice(&[2, 1]); // option: target link-layer address, 8 bytes
    message[26..].copy_from_slice(&mac.0);
    let sum = icmpv6_checksum(address, ALL_NODES, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());

    let mut frame = Frame::new(ALL_NODES_MAC, mac, ETHERTYPE_IPV6);
    frame.put(&[0x60, 0, 0, 0]); // version 6
    frame.put(&[0, 32, ICMPV6, 255]); // payload length, next header, hop limit
    frame.put(&address.octets());
    frame.put(&ALL_NODES.octets());
    frame.put(&message);
    frame.bytes
}

/// The checksum of an ICMPv6 message with its pseudo-header (RFC 8200 section 8.1).
fn icmpv6_checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8; 32]) -> u16 {
    let length = [0, 32, 0, u16::from(ICMPV6)].into_iter();
    let words = |bytes: &[u8]| -> u32 {
        bytes
            .chunks_exact(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum()
    };
    let mut sum = words(&source.octets()) + words(&destination.octets()) + words(message);
    sum += length.map(u32::from).sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A frame of a known length that is filled from the front.
struct Frame<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

impl<const N: usize> Frame<N> {
    fn new(destination: Mac, source: Mac, ethertype: u16) -> Self {
        let mut frame = Self {
            bytes: [0; N],
            filled: 0,
        };
        frame.put(&destination.0);
        frame.put(&source.0);
        frame.put(&ethertype.to_be_bytes());
        frame
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..][..bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x07]);

    #[test]
    fn a_gratuitous_arp_asks_all_for_the_senders_own_address() {
        #[rustfmt::skip]
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x07, 0x08, 0x06,
            0, 1, 8, 0, 6, 4, 0, 1,
            0x02, 0, 0, 0, 0, 0x07, 10, 77, 0, 100,
            0, 0, 0, 0, 0, 0, 10, 77, 0, 100,
        ];
        assert_eq!(gratuitous_arp(MAC, Ipv4Addr::new(10, 77, 0, 100)), expected);
    }

    #[test]
    fn an_unsolicited_advertisement_tells_all_nodes_and_overrides_what_they_remember() {
        let vip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x64);
        #[rustfmt::skip]
        let expected = [
            0x33, 0x33, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0x07, 0x86, 0xdd,
            0x60, 0, 0, 0, 0, 32, 58, 255,
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64,
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            136, 0, 0, 0, 0x20, 0, 0, 0,
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64,
            2, 1, 0x02, 0, 0, 0, 0, 0x07,
        ];
        let frame = unsolicited_advertisement(MAC, vip);
        let mut without_checksum = frame;
        without_checksum[56..58].fill(0);
        assert_eq!(without_checksum, expected);

        // RFC 1071: the sum over everything, checksum included, is all ones.
        let mut sum: u32 = 32 + 58;
        for pair in frame[22..].chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }
}
