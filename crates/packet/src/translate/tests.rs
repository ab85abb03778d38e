//! Rewritten packets against packets that were made so, and against checksums from scratch.

use proptest::prelude::*;

use super::*;
use crate::{
    TransportProtocol,
    sample::{self, End, Flow4, assert_sound, flow4, flow6, key4, key6, payload, protocol},
};

/// Translates an IPv4 packet, and completes it.
fn to4(packet: &mut [u8], key: &[u64; 2]) -> Result<Mended, Obstacle> {
    let frame = Frame::from(&mut *packet);
    let parsed = ipv4::parse(&frame, 0).unwrap();
    let mended = super::packet4(&frame, 0, &parsed, key, Changes::between(&parsed.key, key))?;
    if mended == Mended::Bare {
        let (upper, length) = (parsed.upper(0), parsed.length - parsed.header_length);
        complete4(
            &frame,
            upper,
            key,
            length,
            sample::sum(&frame, upper, length.into()),
        )
        .unwrap();
    }
    Ok(mended)
}

fn to6(packet: &mut [u8], key: &[u64; 5]) -> Result<Mended, Obstacle> {
    let frame = Frame::from(&mut *packet);
    let parsed = ipv6::parse(&frame, 0).unwrap();
    let mended = super::packet6(&frame, 0, &parsed, key, Changes::between(&parsed.key, key))?;
    if mended == Mended::Bare {
        let (upper, length) = (parsed.upper(0), parsed.length as u16 - parsed.header_length);
        complete6(
            &frame,
            upper,
            key,
            length,
            sample::sum(&frame, upper, length.into()),
        )
        .unwrap();
    }
    Ok(mended)
}

proptest! {
    #[test]
    fn a_translated_ipv4_packet_is_as_if_made_so(
        old in flow4(), new in flow4(), protocol in protocol(), options in 0..=10usize, payload in payload(),
    ) {
        let before = sample::packet4(&old, protocol, options, &payload);
        let mut packet = before.clone();
        prop_assert_eq!(to4(&mut packet, &key4(&new, protocol)), Ok(Mended::Whole));
        prop_assert_eq!(&packet, &sample::packet4(&new, protocol, options, &payload));
        assert_sound(&packet);
        prop_assert_eq!(to4(&mut packet, &key4(&old, protocol)), Ok(Mended::Whole));
        prop_assert_eq!(packet, before);
    }

    #[test]
    fn a_translated_ipv6_packet_is_as_if_made_so(
        old in flow6(), new in flow6(), protocol in protocol(), extensions in 0..4usize, payload in payload(),
    ) {
        let before = sample::packet6(&old, protocol, extensions, &payload);
        let mut packet = before.clone();
        prop_assert_eq!(to6(&mut packet, &key6(&new, protocol)), Ok(Mended::Whole));
        prop_assert_eq!(&packet, &sample::packet6(&new, protocol, extensions, &payload));
        assert_sound(&packet);
        prop_assert_eq!(to6(&mut packet, &key6(&old, protocol)), Ok(Mended::Whole));
        prop_assert_eq!(packet, before);
    }

    #[test]
    fn a_datagram_without_a_checksum_is_completed(old in flow4(), new in flow4(), old6 in flow6(), new6 in flow6(), payload in payload()) {
        const UDP: TransportProtocol = TransportProtocol::Udp;
        let mut packet = sample::packet4(&old, UDP, 1, &payload);
        packet[30..32].fill(0);
        prop_assert_eq!(to4(&mut packet, &key4(&new, UDP)), Ok(Mended::Bare));
        prop_assert_eq!(packet, sample::packet4(&new, UDP, 1, &payload));
        let mut packet = sample::packet6(&old6, UDP, 0, &payload);
        packet[46..48].fill(0);
        prop_assert_eq!(to6(&mut packet, &key6(&new6, UDP)), Ok(Mended::Bare));
        prop_assert_eq!(packet, sample::packet6(&new6, UDP, 0, &payload));
    }

    #[test]
    fn fragments_add_up_to_the_translated_packet(old in flow4(), new in flow4(), payload in payload(), udp: bool) {
        let protocol = if udp { TransportProtocol::Udp } else { TransportProtocol::Tcp };
        let whole = sample::packet4(&old, protocol, 0, &payload);
        let translated = sample::packet4(&new, protocol, 0, &payload);
        let key = key4(&new, protocol);
        let mut first = fragment(&whole, 20..40.min(whole.len()), true);
        prop_assert_eq!(to4(&mut first, &key), Ok(Mended::Whole));
        prop_assert_eq!(&first[20..], &translated[20..40.min(whole.len())]);
        prop_assert_eq!(&first[12..20], &translated[12..20]);
        prop_assert_eq!(sample::plain_sum(&first[..20]), 0xffff);
        let mut later = fragment(&whole, 40.min(whole.len())..whole.len(), false);
        let payload = later[20..].to_vec();
        fragment4(&Frame::from(&mut later[..]), 0, &key).unwrap();
        prop_assert_eq!(&later[20..], payload);
        prop_assert_eq!(&later[12..20], &translated[12..20]);
        prop_assert_eq!(sample::plain_sum(&later[..20]), 0xffff);
    }

    #[test]
    fn a_later_ipv6_fragment_gets_the_addresses_and_nothing_else(old in flow6(), new in flow6(), payload in payload()) {
        const UDP: TransportProtocol = TransportProtocol::Udp;
        let before = sample::packet6(&old, UDP, 1, &payload);
        let mut packet = before.clone();
        fragment6(&Frame::from(&mut packet[..]), 0, &key6(&new, UDP)).unwrap();
        prop_assert_eq!(&packet[..40], &sample::packet6(&new, UDP, 1, &payload)[..40]);
        prop_assert_eq!(&packet[40..], &before[40..]);
    }

    #[test]
    fn what_is_cut_short_after_it_was_parsed_is_refused(
        old in flow4(), old6 in flow6(), protocol in protocol(), cut in 0..200usize,
    ) {
        let mut packet = sample::packet4(&old, protocol, 0, &[]);
        let parsed = ipv4::parse(&Frame::from(&mut packet[..]), 0).unwrap();
        let cut4 = cut.min(packet.len() - 1);
        let frame = Frame::from(&mut packet[..cut4]);
        let key = key4(&[old[1], old[0]], protocol);
        let changes = Changes::between(&parsed.key, &key);
        let written = super::packet4(&frame, 0, &parsed, &key, changes);
        let needed = if protocol == TransportProtocol::Tcp { 38 } else { 28 };
        prop_assert!(written == Err(Obstacle::Truncated) || cut4 >= needed);
        let mut packet = sample::packet6(&old6, protocol, 0, &[]);
        let parsed = ipv6::parse(&Frame::from(&mut packet[..]), 0).unwrap();
        let cut6 = cut.min(packet.len() - 1);
        let frame = Frame::from(&mut packet[..cut6]);
        let key = key6(&[old6[1], old6[0]], protocol);
        let changes = Changes::between(&parsed.key, &key);
        let written = super::packet6(&frame, 0, &parsed, &key, changes);
        prop_assert!(written == Err(Obstacle::Truncated) || cut6 >= needed + 20);
    }
}

/// A fragment of an IPv4 packet without options: these of its bytes.
fn fragment(whole: &[u8], bytes: std::ops::Range<usize>, more: bool) -> Vec<u8> {
    let mut packet = whole[..20].to_vec();
    packet.extend(&whole[bytes.clone()]);
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    let offset = ((bytes.start - 20) / 8) as u16 | u16::from(more) << 13;
    packet[6..8].copy_from_slice(&offset.to_be_bytes());
    packet[10..12].fill(0);
    let checksum = !sample::plain_sum(&packet[..20]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet
}

const CLIENT: Flow4 = [
    End {
        address: [192, 0, 2, 1],
        port: 40000,
    },
    End {
        address: [10, 0, 0, 100],
        port: 80,
    },
];

#[test]
fn an_sctp_fragment_keeps_its_ports_or_is_refused() {
    const SCTP: TransportProtocol = TransportProtocol::Sctp;
    let whole = sample::packet4(&CLIENT, SCTP, 0, &[7; 80]);
    let mut first = fragment(&whole, 20..60, true);
    let mut server = CLIENT;
    server[1].address = [10, 1, 0, 7];
    assert_eq!(to4(&mut first, &key4(&server, SCTP)), Ok(Mended::Whole));
    assert_eq!(first[20..], whole[20..60]);
    server[1].port = 8080;
    assert_eq!(
        to4(&mut first, &key4(&server, SCTP)),
        Err(Obstacle::Fragment)
    );
}

#[test]
fn sctp_without_a_checksum_stays_without() {
    const SCTP: TransportProtocol = TransportProtocol::Sctp;
    let mut packet = sample::packet4(&CLIENT, SCTP, 0, &[7; 80]);
    packet[28..32].fill(0);
    let mut server = CLIENT;
    server[1].port = 8080;
    assert_eq!(to4(&mut packet, &key4(&server, SCTP)), Ok(Mended::Whole));
    assert_eq!(
        packet[20..32],
        [0x9c, 0x40, 0x1f, 0x90, 1, 2, 3, 4, 0, 0, 0, 0]
    );
}

#[test]
fn a_fragment_without_a_checksum_stays_without() {
    const UDP: TransportProtocol = TransportProtocol::Udp;
    let mut whole = sample::packet4(&CLIENT, UDP, 0, &[7; 80]);
    whole[26..28].fill(0);
    let mut first = fragment(&whole, 20..60, true);
    let key = key4(&[CLIENT[1], CLIENT[0]], UDP);
    assert_eq!(to4(&mut first, &key), Ok(Mended::Whole));
    assert_eq!(first[26..28], [0, 0]);
}

/// A mended checksum that comes out as 0 would say that there is none.
#[test]
fn a_udp_checksum_of_zero_is_sent_as_its_other_form() {
    const UDP: TransportProtocol = TransportProtocol::Udp;
    let zero = (0..=u16::MAX)
        .map(|port| {
            let mut flow = CLIENT;
            flow[0].port = port;
            flow
        })
        .find(|flow| sample::u16_at(&sample::packet4(flow, UDP, 0, b"x"), 26) == 0xffff);
    let flow = zero.unwrap();
    let mut bare = sample::packet4(&CLIENT, UDP, 0, b"x");
    bare[26..28].fill(0);
    assert_eq!(to4(&mut bare, &key4(&flow, UDP)), Ok(Mended::Bare));
    assert_eq!(bare, sample::packet4(&flow, UDP, 0, b"x"));
    let mut packet = sample::packet4(&CLIENT, UDP, 0, b"x");
    assert_eq!(to4(&mut packet, &key4(&flow, UDP)), Ok(Mended::Whole));
    assert_eq!(packet[26..28], [0xff, 0xff]);
    assert_sound(&packet);
}

/// What a real kernel's IPVS made of a request and of its reply.
#[test]
fn masquerading_is_byte_for_byte_that_of_linux() {
    let request =
        "4500002800004000400605 92c633648e0a00007de6601b5a00001000000000005002ffff68e90000";
    let forwarded =
        "450000280000 40003f0606dac633648e0a010034e6601f9100001000000000005002ffff64fa0000";
    let reply = "4500002800004000 3f0606da0a010034c633648e1f91e66000001000000000005012ffff64ea0000";
    let returned =
        "4500002800004000 3e0607920a00007dc633648e1b5ae66000001000000000005012ffff68d90000";
    let client = end4([198, 51, 100, 142], 58976);
    let server = key4(
        &[client, end4([10, 1, 0, 52], 8081)],
        TransportProtocol::Tcp,
    );
    assert_eq!(forwarded4(request, &server), sample::hex(forwarded));
    let vip = key4(
        &[end4([10, 0, 0, 125], 7002), client],
        TransportProtocol::Tcp,
    );
    assert_eq!(forwarded4(reply, &vip), sample::hex(returned));
}

fn end4(address: [u8; 4], port: u16) -> End<[u8; 4]> {
    End { address, port }
}

/// Counts the TTL down, too.
fn forwarded4(packet: &str, key: &[u64; 2]) -> Vec<u8> {
    let mut packet = sample::hex(packet);
    let frame = Frame::from(&mut packet[..]);
    let parsed = ipv4::parse(&frame, 0).unwrap();
    ipv4::decrement_ttl(&frame, 0).unwrap();
    let changes = Changes::between(&parsed.key, key);
    let mended = super::packet4(&frame, 0, &parsed, key, changes);
    assert_eq!(mended, Ok(Mended::Whole));
    packet
}

proptest! {
    #[test]
    fn what_is_recalled_is_what_was_parsed(
        old in flow4(), old6 in flow6(), protocol in protocol(), options in 0..=10usize, payload in payload(), cut in 0..200usize,
    ) {
        let mut packet = sample::packet4(&old, protocol, options, &payload);
        let parsed = ipv4::parse(&Frame::from(&mut packet[..]), 0).unwrap();
        prop_assert_eq!(ipv4::recall(&Frame::from(&mut packet[..]), 0, parsed.gist()), Ok(parsed));
        let needed = 20 + 4 * options + 4;
        let cut4 = cut.min(packet.len());
        let recalled = ipv4::recall(&Frame::from(&mut packet[..cut4]), 0, parsed.gist());
        prop_assert_eq!(recalled.is_ok(), cut4 >= needed);
        let mut packet = sample::packet6(&old6, protocol, 0, &payload);
        let parsed = ipv6::parse(&Frame::from(&mut packet[..]), 0).unwrap();
        let gist = parsed.gist().unwrap();
        prop_assert_eq!(ipv6::recall(&Frame::from(&mut packet[..]), 0, gist), Ok(parsed));
        let cut6 = cut.min(packet.len());
        let recalled = ipv6::recall(&Frame::from(&mut packet[..cut6]), 0, gist);
        prop_assert_eq!(recalled.is_ok(), cut6 >= 44);
        let mut packet = sample::packet6(&old6, protocol, 1, &payload);
        let parsed = ipv6::parse(&Frame::from(&mut packet[..]), 0).unwrap();
        prop_assert_eq!(parsed.gist(), None);
    }
}
