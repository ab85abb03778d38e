//! Tunnels that were made here, changed and cut.

use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol,
    encapsulate::{self, Inner, Outer},
    sample::{self, flow4, flow6, framed, payload, plain_sum},
    tunnel,
};

const PORT: [u8; 2] = 6080u16.to_be_bytes();
const SOURCE: [u8; 4] = [10, 254, 0, 1];
const DESTINATION: [u8; 4] = [10, 1, 1, 208];
const SOURCE6: [[u8; 8]; 2] = [[0xfd; 8], [1; 8]];
const DESTINATION6: [[u8; 8]; 2] = [[0xfd; 8], [2; 8]];

/// A tunnel's frame around a packet, IPv4 or IPv6.
fn tunnel(frame: &[u8], kind: Kind, checksum: bool, outer: Family) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    let before = Frame::from(&mut bytes[..]);
    let link = ethernet::parse(&before).unwrap().length();
    let inner = Inner::read(&before, link).unwrap();
    let sum = checksum.then(|| sample::sum(&before, link, inner.length as usize));
    let overhead = tunnel::overhead(kind, checksum, outer);
    bytes.splice(0..0, vec![0; overhead]);
    let grown = Frame::from(&mut bytes[..]);
    ethernet::shift(&grown, overhead, 0, link, outer.ether_type()).unwrap();
    let (port, flow, identification) = (PORT, 7, [0; 2]);
    match outer {
        Family::Ipv4 => {
            let (source, destination) = (SOURCE, DESTINATION);
            let outer = Outer {
                kind,
                source,
                destination,
                port,
                flow,
                identification,
            };
            encapsulate::to_ipv4(&grown, link, &outer, &inner, sum)
        }
        Family::Ipv6 => {
            let (source, destination) = (SOURCE6, DESTINATION6);
            let outer = Outer {
                kind,
                source,
                destination,
                port,
                flow,
                identification,
            };
            encapsulate::to_ipv6(&grown, link, &outer, &inner, sum)
        }
    }
    .unwrap();
    bytes
}

/// What is found, whichever family the tunnel is of.
type Found = Tunnelled<()>;

fn parse(bytes: &mut [u8]) -> Result<Found, Refusal> {
    fn found<A: PartialEq>(tunnelled: Tunnelled<A>, source: A, destination: A) -> Found {
        assert!(tunnelled.source == source && tunnelled.destination == destination);
        Tunnelled {
            source: (),
            destination: (),
            kind: tunnelled.kind,
            inner: tunnelled.inner,
            overhead: tunnelled.overhead,
            congested: tunnelled.congested,
            checked: tunnelled.checked,
        }
    }
    let frame = Frame::from(bytes);
    let ethernet = ethernet::parse(&frame)?;
    let link = ethernet.length();
    match ethernet.ether_type {
        ethernet::IPV4 => parse4(&frame, link, PORT).map(|it| found(it, SOURCE, DESTINATION)),
        _ => parse6(&frame, link, PORT).map(|it| found(it, SOURCE6, DESTINATION6)),
    }
}

fn taken_off(bytes: &mut [u8], link: usize, found: &Found) -> Result<(), Refusal> {
    take_off(&Frame::from(bytes), link, found)
}

fn is_right(bytes: &mut [u8], checked: &Checked) -> bool {
    let sum = sample::sum(&Frame::from(bytes), checked.offset, checked.length);
    checked.is_right(sum)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Ipip, Kind::Gre, Kind::Gue])
}

fn family() -> impl Strategy<Value = Family> {
    prop::sample::select(vec![Family::Ipv4, Family::Ipv6])
}

fn packet() -> impl Strategy<Value = Vec<u8>> {
    const UDP: TransportProtocol = TransportProtocol::Udp;
    (any::<bool>(), flow4(), flow6(), payload()).prop_map(|(six, flow4, flow6, payload)| {
        if six {
            sample::packet6(&flow6, UDP, 0, &payload)
        } else {
            sample::packet4(&flow4, UDP, 0, &payload)
        }
    })
}

proptest! {
    #[test]
    fn what_went_into_a_tunnel_comes_out(
        packet in packet(), kind in kind(), checksum: bool, outer in family(), tags in 0..=2usize, damage in any::<prop::sample::Index>(),
    ) {
        let checksum = checksum && kind != Kind::Ipip;
        let before = framed(tags, &packet);
        let mut bytes = tunnel(&before, kind, checksum, outer);
        let found = parse(&mut bytes).unwrap();
        let inner = if packet[0] >> 4 == 4 { Family::Ipv4 } else { Family::Ipv6 };
        prop_assert_eq!((found.kind, found.inner), (kind, inner));
        prop_assert_eq!(found.overhead, bytes.len() - before.len());
        prop_assert_eq!(found.checked.is_some(), checksum);
        if let Some(checked) = found.checked {
            prop_assert!(is_right(&mut bytes, &checked));
            // One bit of the inner packet.
            let mut damaged = bytes.clone();
            damaged[bytes.len() - 1 - damage.index(packet.len())] ^= 1;
            prop_assert!(!is_right(&mut damaged, &checked));
        }
        taken_off(&mut bytes, 14 + 4 * tags, &found).unwrap();
        prop_assert_eq!(&bytes[found.overhead..], before);
    }

    #[test]
    fn no_bytes_make_it_read_past_the_end(
        packet in packet(), kind in kind(), checksum: bool, outer in family(),
        changes in prop::collection::vec((0..100usize, any::<u8>()), 0..8),
        length in 0..140usize,
    ) {
        let mut bytes = tunnel(&framed(0, &packet), kind, checksum && kind != Kind::Ipip, outer);
        for (at, byte) in changes {
            if let Some(changed) = bytes.get_mut(at) {
                *changed = byte;
            }
        }
        let length = length.min(bytes.len());
        bytes.truncate(length);
        let frame = Frame::from(&mut bytes[..]);
        let found = [
            parse4(&frame, 14, PORT).ok().map(|found| (found.overhead, found.checked)),
            parse6(&frame, 14, PORT).ok().map(|found| (found.overhead, found.checked)),
        ];
        for (overhead, checked) in found.into_iter().flatten() {
            prop_assert!(14 + overhead + 20 <= length);
            prop_assert!(checked.is_none_or(|checked| checked.length >= 8));
        }
    }

    #[test]
    fn a_truncated_tunnel_is_refused(packet in packet(), kind in kind(), outer in family()) {
        let whole = tunnel(&framed(0, &packet), kind, false, outer);
        let inner = if packet[0] >> 4 == 4 { 20 } else { 40 };
        for length in 14..whole.len() - packet.len() + inner {
            prop_assert_eq!(parse(&mut whole[..length].to_vec()), Err(Refusal::Truncated), "{}", length);
        }
    }
}

/// A GUE frame of a packet of nothing but a header, and where GUE's header lies.
fn gue() -> (Vec<u8>, usize) {
    let mut inner = vec![0x45; 20];
    inner[2..4].copy_from_slice(&20u16.to_be_bytes());
    (
        tunnel(&framed(0, &inner), Kind::Gue, false, Family::Ipv4),
        42,
    )
}

/// Changes bytes of the outer IPv4 header and mends its checksum.
fn rewrite(bytes: &mut [u8], at: usize, new: &[u8]) {
    bytes[14 + at..14 + at + new.len()].copy_from_slice(new);
    bytes[24..26].fill(0);
    let checksum = !plain_sum(&bytes[14..34]);
    bytes[24..26].copy_from_slice(&checksum.to_be_bytes());
}

/// Puts bytes into the packet and makes the outer IPv4 and UDP lengths fit.
fn insert(bytes: &mut Vec<u8>, at: usize, more: &[u8]) {
    bytes.splice(at..at, more.iter().copied());
    let length = (bytes.len() - 14) as u16;
    rewrite(bytes, 2, &length.to_be_bytes());
    let ihl = usize::from(bytes[14] & 0xf) * 4;
    let udp = length - ihl as u16;
    bytes[14 + ihl + 4..14 + ihl + 6].copy_from_slice(&udp.to_be_bytes());
}

#[test]
fn options_of_the_outer_header_and_of_gue_are_taken_off_too() {
    let (mut bytes, at) = gue();
    bytes[at] = 3;
    insert(&mut bytes, at + 4, &[1; 12]);
    assert_eq!(parse(&mut bytes).unwrap().overhead, 32 + 12);
    bytes[14] = 0x47;
    insert(&mut bytes, 34, &[1; 8]);
    assert_eq!(parse(&mut bytes).unwrap().overhead, 32 + 12 + 8);
}

#[test]
fn extension_headers_of_the_outer_header_are_taken_off_too() {
    let mut inner = vec![0x45; 20];
    inner[2..4].copy_from_slice(&20u16.to_be_bytes());
    let mut bytes = tunnel(&framed(0, &inner), Kind::Ipip, false, Family::Ipv6);
    bytes[20] = 60;
    bytes[19] += 8;
    // The option that Linux's own IPv6 tunnels send (RFC 2473 section 4.1.1).
    bytes.splice(54..54, [4, 0, 4, 1, 4, 1, 1, 0]);
    let found = parse(&mut bytes).unwrap();
    assert_eq!(
        (found.kind, found.inner, found.overhead),
        (Kind::Ipip, Family::Ipv4, 48)
    );
}

#[test]
fn gue_that_is_not_understood_is_left_alone() {
    for (offset, value) in [(0, 0x40), (0, 0x80), (0, 0x20), (1, 6), (2, 0x80), (3, 1)] {
        let (mut bytes, at) = gue();
        assert!(parse(&mut bytes).is_ok());
        bytes[at + offset] = value;
        assert_eq!(parse(&mut bytes), Err(Refusal::OtherProtocol));
    }
}

#[test]
fn a_datagram_to_another_port_is_no_tunnel() {
    let (mut bytes, at) = gue();
    bytes[at - 5] ^= 1;
    assert_eq!(parse(&mut bytes), Err(Refusal::OtherProtocol));
}

#[test]
fn a_datagram_of_another_length_than_its_packet_is_refused() {
    for change in [1, u8::MAX] {
        let (mut bytes, at) = gue();
        bytes[at - 3] = bytes[at - 3].wrapping_add(change);
        assert_eq!(parse(&mut bytes), Err(Refusal::Truncated));
    }
}

#[test]
fn gre_with_a_key_a_sequence_or_another_version_is_left_alone() {
    let mut inner = vec![0x45; 20];
    inner[2..4].copy_from_slice(&20u16.to_be_bytes());
    for flags in [
        [0x20, 0],
        [0x10, 0],
        [0xa0, 0],
        [0x40, 0],
        [0, 1],
        [0x80, 1],
    ] {
        let mut bytes = tunnel(&framed(0, &inner), Kind::Gre, false, Family::Ipv4);
        bytes[34..36].copy_from_slice(&flags);
        assert_eq!(parse(&mut bytes), Err(Refusal::OtherProtocol), "{flags:?}");
    }
    let mut bytes = tunnel(&framed(0, &inner), Kind::Gre, false, Family::Ipv4);
    bytes[36..38].copy_from_slice(&[0x65, 0x58]);
    assert_eq!(parse(&mut bytes), Err(Refusal::OtherProtocol));
}

#[test]
fn fragments_of_a_tunnel_are_the_hosts_and_other_protocols_too() {
    let (mut bytes, _) = gue();
    for fragment in [[0x20, 0], [0, 3]] {
        rewrite(&mut bytes, 6, &fragment);
        assert_eq!(parse(&mut bytes), Err(Refusal::Fragment));
    }
    let (mut bytes, _) = gue();
    rewrite(&mut bytes, 9, &[6]);
    assert_eq!(parse(&mut bytes), Err(Refusal::OtherProtocol));
}

#[test]
fn a_packet_of_another_family_than_announced_is_refused() {
    for (first, protocol) in [(0x45, 41), (0x60, 4), (0x00, 4)] {
        let (mut bytes, at) = gue();
        insert(&mut bytes, at + 24, &[0; 40]);
        bytes[at + 4] = first;
        bytes[at + 1] = protocol;
        assert_eq!(parse(&mut bytes), Err(Refusal::Truncated));
    }
}

#[test]
fn a_packet_that_ends_behind_its_tunnels_is_refused() {
    for kind in [Kind::Ipip, Kind::Gre] {
        let mut inner = vec![0x45; 20];
        inner[2..4].copy_from_slice(&20u16.to_be_bytes());
        let mut bytes = tunnel(&framed(0, &inner), kind, false, Family::Ipv4);
        let length = (bytes.len() - 14) as u16;
        assert!(parse(&mut bytes).is_ok());
        rewrite(&mut bytes, 2, &(length - 1).to_be_bytes());
        assert_eq!(parse(&mut bytes), Err(Refusal::Truncated));
    }
}

/// The traffic class of an IP packet.
fn class(packet: &[u8]) -> u8 {
    match packet[0] >> 4 {
        4 => packet[1],
        _ => packet[0] << 4 | packet[1] >> 4,
    }
}

/// Gives an IP packet this traffic class.
fn set_class(packet: &mut [u8], class: u8) {
    if packet[0] >> 4 == 6 {
        packet[0] = 0x60 | class >> 4;
        packet[1] = class << 4 | packet[1] & 0xf;
        return;
    }
    packet[1] = class;
    packet[10..12].fill(0);
    let checksum = !plain_sum(&packet[..20]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

proptest! {
    #[test]
    fn congestion_on_the_way_reaches_the_packet_inside(
        packet in packet(), kind in kind(), outer in family(), inner_class: u8, outer_class: u8,
    ) {
        const NOT_CAPABLE: u8 = 0;
        const EXPERIENCED: u8 = 3;
        let mut packet = packet;
        set_class(&mut packet, inner_class);
        let mut bytes = tunnel(&framed(0, &packet), kind, false, outer);
        set_class(&mut bytes[14..], outer_class);
        let found = parse(&mut bytes).unwrap();
        let result = taken_off(&mut bytes, 14, &found);
        let congested = outer_class & 3 == EXPERIENCED;
        if congested && inner_class & 3 == NOT_CAPABLE {
            prop_assert_eq!(result, Err(Refusal::Truncated));
            return Ok(());
        }
        prop_assert_eq!(result, Ok(()));
        let inside = &bytes[found.overhead + 14..];
        let expected = if congested { inner_class | EXPERIENCED } else { inner_class };
        prop_assert_eq!(class(inside), expected);
        sample::assert_sound(inside);
        set_class(&mut packet, expected);
        prop_assert_eq!(inside, packet);
    }
}
