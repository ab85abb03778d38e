//! Segments with the option against segments that were made so.

use etherparse::{IpHeaders, Ipv4Header, Ipv6Header, PacketBuilder, TcpHeader};
use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol,
    sample::{self, assert_sound, flow4, framed},
};

const KIND: u8 = 254;
const PORT: [u8; 2] = [0x9c, 0x40];
const CLIENT4: [u8; 4] = [192, 0, 2, 1];
const CLIENT6: [[u8; 8]; 2] = [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 9]];

/// A segment of either family with these options, of which there are a multiple of four bytes.
fn segment(six: bool, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut tcp = TcpHeader::new(40000, 80, 1000, 1024);
    tcp.acknowledgment_number = 5000;
    tcp.ack = true;
    tcp.psh = true;
    tcp.set_options_raw(options).unwrap();
    let number = etherparse::IpNumber::TCP;
    let ip = if six {
        let (source, destination) = ([0xfd; 16], [0xfe; 16]);
        let (next_header, hop_limit) = (number, 64);
        let header = Ipv6Header {
            source,
            destination,
            next_header,
            hop_limit,
            ..Default::default()
        };
        IpHeaders::Ipv6(header, Default::default())
    } else {
        let header = Ipv4Header::new(0, 64, number, [10, 254, 0, 1], [10, 1, 0, 7]);
        IpHeaders::Ipv4(header.unwrap(), Default::default())
    };
    let mut bytes = vec![];
    PacketBuilder::ip(ip)
        .tcp_header(tcp)
        .write(&mut bytes, payload)
        .unwrap();
    bytes
}

/// Whether there is room, before anything is changed.
fn checked(frame: &[u8], length: usize) -> Result<(), Obstacle> {
    let mut bytes = frame.to_vec();
    let frame = Frame::from(&mut bytes[..]);
    let ethernet = ethernet::parse(&frame).unwrap();
    let link = ethernet.length();
    if ethernet.ether_type == ethernet::IPV6 {
        check6(&frame, link, &ipv6::parse(&frame, link).unwrap(), length)
    } else {
        check4(&frame, link, &ipv4::parse(&frame, link).unwrap(), length)
    }
}

/// The frame with the option.
fn told<T: Toa>(frame: &[u8], option: T) -> Result<Vec<u8>, Obstacle> {
    checked(frame, T::LENGTH)?;
    let mut bytes = frame.to_vec();
    let ethernet = ethernet::parse(&Frame::from(&mut bytes[..])).unwrap();
    let link = ethernet.length();
    let six = ethernet.ether_type == ethernet::IPV6;
    bytes.splice(0..0, vec![0xa5; T::LENGTH]);
    let frame = Frame::from(&mut bytes[..]);
    if six {
        insert6(&frame, link, option)?;
    } else {
        insert4(&frame, link, option)?;
    }
    Ok(bytes)
}

/// The two options, as bytes.
fn client4() -> Vec<u8> {
    [&[KIND, 8][..], &PORT, &CLIENT4].concat()
}

fn client6() -> Vec<u8> {
    [&[KIND, 20][..], &PORT, &CLIENT6.concat()].concat()
}

proptest! {
    #[test]
    fn a_segment_with_the_option_is_as_if_made_so(
        six: bool, tags in 0..=2usize, words in 0..=8usize, payload in sample::payload(),
    ) {
        let before = framed(tags, &segment(six, &[1; 40][..4 * words], &payload));
        for (option, length) in [(client4(), 2), (client6(), 5)] {
            let told = if length == 2 {
                told(&before, Client4::new(KIND, CLIENT4, PORT))
            } else {
                told(&before, Client6::new(KIND, CLIENT6, PORT))
            };
            if words + length > 10 {
                prop_assert_eq!(checked(&before, 4 * length), Err(Obstacle::TooLong));
                prop_assert_eq!(told, Err(Obstacle::TooLong));
                continue;
            }
            let told = told.unwrap();
            let options = [option, vec![1; 4 * words]].concat();
            prop_assert_eq!(&told, &framed(tags, &segment(six, &options, &payload)));
            assert_sound(&told[14 + 4 * tags..]);
        }
    }

    #[test]
    fn a_frame_that_ends_too_early_is_refused(six: bool, length in 0..100usize) {
        let (header, insert): (_, fn(&Frame<'_>, usize, Client4) -> _) = if six {
            (40, insert6)
        } else {
            (20, insert4)
        };
        let mut bytes = framed(0, &segment(six, &[], b""));
        bytes.splice(0..0, [0; 8]);
        bytes.truncate(length.min(8 + 14 + header + 19));
        let result = insert(&Frame::from(&mut bytes[..]), 14, Client4::new(KIND, CLIENT4, PORT));
        prop_assert_eq!(result, Err(Obstacle::Truncated));
    }

    #[test]
    fn headers_that_are_not_of_constant_size_get_none(flow in flow4(), words in 1..=10usize) {
        let packet = sample::packet4(&flow, TransportProtocol::Tcp, words, b"");
        prop_assert_eq!(checked(&framed(0, &packet), 8), Err(Obstacle::Options));
    }
}

#[test]
fn fragments_and_the_longest_packets_get_none() {
    let mut fragment = framed(0, &segment(false, &[], b""));
    fragment[20] = 0x20;
    assert_eq!(checked(&fragment, 8), Err(Obstacle::Fragment));
    for (length, expected) in [(65527, true), (65528, false)] {
        let mut long = framed(0, &segment(false, &[], b""));
        long[16..18].copy_from_slice(&u16::to_be_bytes(length));
        let result = if expected {
            Ok(())
        } else {
            Err(Obstacle::TooLong)
        };
        assert_eq!(checked(&long, 8), result);
    }
}

#[test]
fn an_ipv6_packet_with_an_extension_header_gets_none() {
    let mut bytes = framed(0, &segment(true, &[], b""));
    bytes[19] += 8;
    let next = std::mem::replace(&mut bytes[20], 60);
    bytes.splice(54..54, [next, 0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(checked(&bytes, 20), Err(Obstacle::Options));
    bytes[20] = 44;
    bytes[54..62].copy_from_slice(&[next, 0, 0, 1, 0, 0, 0, 9]);
    assert_eq!(checked(&bytes, 20), Err(Obstacle::Fragment));
}
