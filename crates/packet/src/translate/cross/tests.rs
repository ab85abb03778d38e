//! Packets that crossed against packets of the other family that were made so.

use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol,
    sample::{
        self, Flow4, Flow6, assert_sound, flow4, flow6, framed, key4, key6, payload, protocol,
    },
    translate::{complete4, complete6},
};

/// The frame of an IPv4 packet after it has crossed.
fn crossed6(frame: &[u8], key: &[u64; 5]) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = frame.to_vec();
    let link = link(&mut bytes);
    let packet = ipv4::parse(&Frame::from(&mut bytes[..]), link).unwrap();
    check4(&packet)?;
    bytes.splice(0..0, [0xa5; SURPLUS]);
    let frame = Frame::from(&mut bytes[..]);
    if to_ipv6(&frame, link, &packet, key)? == Mended::Bare {
        let (upper, length) = (link + 40, packet.length - 20);
        let sum = sample::sum(&frame, upper, length.into());
        complete6(&frame, upper, key, length, sum).unwrap();
    }
    Ok(bytes)
}

/// The frame of an IPv6 packet after it has crossed.
fn crossed4(frame: &[u8], key: &[u64; 2]) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = frame.to_vec();
    let link = link(&mut bytes);
    let packet = ipv6::parse(&Frame::from(&mut bytes[..]), link).unwrap();
    check6(&packet)?;
    let frame = Frame::from(&mut bytes[..]);
    if to_ipv4(&frame, link, &packet, key)? == Mended::Bare {
        let (upper, length) = (link + 40, packet.length as u16 - 40);
        let sum = sample::sum(&frame, upper, length.into());
        complete4(&frame, upper, key, length, sum).unwrap();
    }
    Ok(bytes.split_off(SURPLUS))
}

fn link(bytes: &mut [u8]) -> usize {
    ethernet::parse(&Frame::from(bytes)).unwrap().length()
}

proptest! {
    #[test]
    fn a_packet_that_crossed_is_as_if_made_so(
        old in flow4(), new in flow6(), protocol in protocol(), tags in 0..=2usize, payload in payload(),
    ) {
        let before = framed(tags, &sample::packet4(&old, protocol, 0, &payload));
        let after = framed(tags, &sample::packet6(&new, protocol, 0, &payload));
        prop_assert_eq!(&crossed6(&before, &key6(&new, protocol)).unwrap(), &after);
        prop_assert_eq!(&crossed4(&after, &key4(&old, protocol)).unwrap(), &before);
        assert_sound(&after[14 + 4 * tags..]);
    }

    #[test]
    fn traffic_class_and_hops_cross(old in flow4(), new in flow6(), tos: u8, hops: u8, flow_label: [u8; 2]) {
        const UDP: TransportProtocol = TransportProtocol::Udp;
        let mut packet = sample::packet6(&new, UDP, 0, b"data");
        packet[0] |= tos >> 4;
        packet[1] = tos << 4 | 5;
        packet[2..4].copy_from_slice(&flow_label);
        packet[7] = hops;
        let frame = crossed4(&framed(0, &packet), &key4(&old, UDP)).unwrap();
        assert_sound(&frame[14..]);
        prop_assert_eq!((frame[15], frame[22]), (tos, hops));
        let frame = crossed6(&frame, &key6(&new, UDP)).unwrap();
        packet[1] &= 0xf0;
        packet[2..4].fill(0);
        prop_assert_eq!(&frame[14..], packet);
    }

    #[test]
    fn a_datagram_without_a_checksum_is_completed(old in flow4(), new in flow6(), payload in payload()) {
        const UDP: TransportProtocol = TransportProtocol::Udp;
        let mut packet = sample::packet4(&old, UDP, 0, &payload);
        packet[26..28].fill(0);
        let frame = crossed6(&framed(1, &packet), &key6(&new, UDP)).unwrap();
        prop_assert_eq!(&frame[18..], sample::packet6(&new, UDP, 0, &payload));
        let mut packet = sample::packet6(&new, UDP, 0, &payload);
        packet[46..48].fill(0);
        let frame = crossed4(&framed(1, &packet), &key4(&old, UDP)).unwrap();
        prop_assert_eq!(&frame[18..], sample::packet4(&old, UDP, 0, &payload));
    }
}

const TCP: TransportProtocol = TransportProtocol::Tcp;

const ENDS4: Flow4 = [sample::End {
    address: [192, 0, 2, 1],
    port: 40000,
}; 2];

const ENDS6: Flow6 = [sample::End {
    address: [0xfd; 16],
    port: 40000,
}; 2];

#[test]
fn options_and_fragments_do_not_cross() {
    let key = key6(&ENDS6, TCP);
    let options = framed(0, &sample::packet4(&ENDS4, TCP, 1, b""));
    assert_eq!(crossed6(&options, &key), Err(Obstacle::Options));
    let mut fragment = framed(0, &sample::packet4(&ENDS4, TCP, 0, b""));
    fragment[20] = 0x20;
    assert_eq!(crossed6(&fragment, &key), Err(Obstacle::Fragment));
}

#[test]
fn extension_headers_fragments_and_jumbos_do_not_cross() {
    let key = key4(&ENDS4, TCP);
    let extension = framed(0, &sample::packet6(&ENDS6, TCP, 1, b""));
    assert_eq!(crossed4(&extension, &key), Err(Obstacle::Options));
    let mut fragment = framed(0, &sample::packet6(&ENDS6, TCP, 1, b""));
    fragment[20] = 44;
    fragment[54 + 1..54 + 4].copy_from_slice(&[0, 0, 1]);
    assert_eq!(crossed4(&fragment, &key), Err(Obstacle::Fragment));
    let mut long = framed(0, &sample::packet6(&ENDS6, TCP, 0, b""));
    long[18..20].copy_from_slice(&65516u16.to_be_bytes());
    assert_eq!(crossed4(&long, &key), Err(Obstacle::TooLong));
    long[18..20].copy_from_slice(&65515u16.to_be_bytes());
    assert!(crossed4(&long, &key).is_ok());
}

#[test]
fn a_frame_that_ends_too_early_is_refused() {
    let whole = framed(0, &sample::packet4(&ENDS4, TCP, 0, b""));
    let packet = ipv4::parse(&Frame::from(&mut whole.clone()[..]), 14).unwrap();
    for length in 0..SURPLUS + 14 + 20 + 18 {
        let mut bytes = [vec![0; SURPLUS], whole.clone()].concat();
        bytes.truncate(length);
        let result = to_ipv6(
            &Frame::from(&mut bytes[..]),
            14,
            &packet,
            &key6(&ENDS6, TCP),
        );
        assert_eq!(result, Err(Obstacle::Truncated), "{length}");
    }
    let whole = framed(0, &sample::packet6(&ENDS6, TCP, 0, b""));
    let packet = ipv6::parse(&Frame::from(&mut whole.clone()[..]), 14).unwrap();
    for length in 0..14 + 40 + 18 {
        let mut bytes = whole[..length].to_vec();
        let result = to_ipv4(
            &Frame::from(&mut bytes[..]),
            14,
            &packet,
            &key4(&ENDS4, TCP),
        );
        assert_eq!(result, Err(Obstacle::Truncated), "{length}");
    }
}
