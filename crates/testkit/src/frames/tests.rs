//! Every frame is read back by etherparse, which shares no code with the builder.

use etherparse::{LinkExtSlice, NetSlice, SlicedPacket, TransportSlice};

use super::*;

const CLIENT: &str = "192.0.2.9:40000";
const VIP: &str = "10.77.0.100:80";
const CLIENT6: &str = "[2001:db8::9]:40000";
const VIP6: &str = "[2001:db8::100]:443";

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_tcp_frame_carries_what_was_asked_with_valid_checksums() {
    for (client, vip) in [(CLIENT, VIP), (CLIENT6, VIP6)] {
        let bytes = Frame::tcp(socket(client), socket(vip))
            .flags(TcpFlags::SYN | TcpFlags::PSH)
            .sequence(77)
            .ttl(9)
            .payload(b"odd")
            .bytes();
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
            panic!("no TCP: {packet:?}")
        };
        assert_eq!(
            (tcp.source_port(), tcp.destination_port()),
            (40000, socket(vip).port())
        );
        assert!(tcp.syn() && tcp.psh() && !tcp.ack());
        assert_eq!(tcp.sequence_number(), 77);
        assert_eq!(tcp.payload(), b"odd");
        match packet.net.as_ref().unwrap() {
            NetSlice::Ipv4(ip) => {
                let header = ip.header().to_header();
                assert_eq!(header.time_to_live, 9);
                assert_eq!(header.calc_header_checksum(), header.header_checksum);
                assert_eq!(
                    tcp.to_header().calc_checksum_ipv4(&header, b"odd").unwrap(),
                    tcp.checksum()
                );
            }
            NetSlice::Ipv6(ip) => {
                let header = ip.header().to_header();
                assert_eq!(header.hop_limit, 9);
                assert_eq!(
                    tcp.to_header().calc_checksum_ipv6(&header, b"odd").unwrap(),
                    tcp.checksum()
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_udp_frame_has_a_valid_checksum_or_none() {
    let frame = Frame::udp(socket(CLIENT), socket(VIP)).payload(b"query");
    let bytes = frame.bytes();
    let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
    let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) =
        (&packet.net, &packet.transport)
    else {
        panic!("not UDP over IPv4: {packet:?}")
    };
    let wanted = udp
        .to_header()
        .calc_checksum_ipv4(&ip.header().to_header(), b"query")
        .unwrap();
    assert_eq!(udp.checksum(), wanted);
    let without = frame.without_udp_checksum().bytes();
    assert_eq!(without[40..42], [0, 0]);
}

#[test]
fn tags_nest_in_the_order_they_were_added() {
    let bytes = Frame::udp(socket(CLIENT), socket(VIP))
        .service_vlan(12)
        .vlan(34)
        .bytes();
    let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
    let ids: Vec<u16> = packet
        .link_exts
        .iter()
        .filter_map(|tag| match tag {
            LinkExtSlice::Vlan(vlan) => Some(vlan.vlan_identifier().value()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [12, 34]);
    assert_eq!(bytes[12..14], [0x88, 0xa8]);
}

#[test]
fn ipv4_options_move_the_transport_header() {
    let frame = Frame::udp(socket(CLIENT), socket(VIP)).ipv4_options(&[1, 1, 1, 1, 1]);
    let bytes = frame.bytes();
    let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
    let Some(NetSlice::Ipv4(ip)) = &packet.net else {
        panic!("not IPv4")
    };
    assert_eq!(ip.header().ihl(), 7);
    assert_eq!(
        ip.header().to_header().calc_header_checksum(),
        ip.header().header_checksum()
    );
    assert_eq!(frame.transport_offset(), 14 + 28);
    assert_eq!(bytes[42..44], 40000_u16.to_be_bytes());
}

#[test]
fn ipv6_extension_headers_chain_to_the_transport_header() {
    let frame = Frame::tcp(socket(CLIENT6), socket(VIP6))
        .extension(Extension::HopByHop(vec![5, 2, 0, 0]))
        .extension(Extension::Routing)
        .extension(Extension::AtomicFragment)
        .extension(Extension::DestinationOptions(vec![
            1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]));
    let bytes = frame.bytes();
    let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
        panic!("no TCP: {packet:?}")
    };
    assert_eq!(tcp.source_port(), 40000);
    assert_eq!(frame.transport_offset(), 14 + 40 + 8 + 8 + 8 + 16);
    assert_eq!(
        &bytes[frame.transport_offset()..][..2],
        40000_u16.to_be_bytes()
    );
}

#[test]
fn an_icmp_error_carries_the_packet_it_is_about() {
    let lost = Frame::tcp(socket(VIP), socket(CLIENT)).payload(b"data");
    let (client, vip) = (socket(CLIENT).ip(), socket(VIP).ip());
    for (error, header) in [
        (IcmpError::HostUnreachable, [3, 1, 0, 0, 0, 0]),
        (IcmpError::PortUnreachable, [3, 3, 0, 0, 0, 0]),
        (IcmpError::TooBig(1500), [3, 4, 0, 0, 5, 220]),
        (IcmpError::TimeExceeded, [11, 0, 0, 0, 0, 0]),
    ] {
        let bytes = Frame::icmp_error(client, vip, error, &lost).bytes();
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let Some(TransportSlice::Icmpv4(icmp)) = &packet.transport else {
            panic!("no ICMP: {packet:?}")
        };
        let slice = icmp.slice();
        assert_eq!([&slice[..2], &slice[4..8]].concat(), header, "{error:?}");
        assert_eq!(icmp.payload(), lost.packet());
        assert_eq!(internet_checksum(slice), 0);
    }

    let lost = Frame::tcp(socket(VIP6), socket(CLIENT6)).payload(b"data");
    let (client, vip) = (socket(CLIENT6).ip(), socket(VIP6).ip());
    for (error, header) in [
        (IcmpError::HostUnreachable, [1, 3, 0, 0, 0, 0]),
        (IcmpError::PortUnreachable, [1, 4, 0, 0, 0, 0]),
        (IcmpError::TooBig(1500), [2, 0, 0, 0, 5, 220]),
        (IcmpError::TimeExceeded, [3, 0, 0, 0, 0, 0]),
    ] {
        let bytes = Frame::icmp_error(client, vip, error, &lost).bytes();
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Icmpv6(icmp))) =
            (&packet.net, &packet.transport)
        else {
            panic!("no ICMPv6: {packet:?}")
        };
        let slice = icmp.slice();
        assert_eq!([&slice[..2], &slice[4..8]].concat(), header, "{error:?}");
        assert_eq!(icmp.payload(), lost.packet());
        let header = ip.header().to_header();
        assert!(icmp.is_checksum_valid(header.source, header.destination));
    }
}

#[test]
fn an_icmp_error_quotes_no_more_than_every_host_takes() {
    for (client, vip, most) in [(CLIENT, VIP, 576), (CLIENT6, VIP6, 1280)] {
        let lost = Frame::udp(socket(vip), socket(client)).payload(&[7; 1400]);
        let (client, vip) = (socket(client).ip(), socket(vip).ip());
        let error = Frame::icmp_error(client, vip, IcmpError::TooBig(1300), &lost);
        assert_eq!(error.packet().len(), most);
    }
}

#[test]
fn an_sctp_packet_has_its_chunks_padded_and_its_checksum() {
    // CRC32c of "123456789" (RFC 3385 and others give it as the check value).
    assert_eq!(sctp_checksum(b"123456789"), 0xe306_9283_u32.to_le_bytes());
    for (client, vip) in [(CLIENT, VIP), (CLIENT6, VIP6)] {
        let frame = Frame::sctp(socket(client), socket(vip))
            .verification_tag(0x0102_0304)
            .chunk(ChunkType::COOKIE_ECHO, b"biscuit")
            .chunk(ChunkType::ABORT, b"");
        let bytes = frame.bytes();
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let ip = packet.net.as_ref().expect("an IP header");
        let content = ip.ip_payload_ref().expect("a payload");
        assert_eq!(content.ip_number.0, 132);
        let mut sctp = content.payload.to_vec();
        assert_eq!(
            sctp[..4],
            [40000_u16, socket(vip).port()]
                .map(u16::to_be_bytes)
                .concat()
        );
        assert_eq!(sctp[4..8], [1, 2, 3, 4]);
        assert_eq!(sctp[12..], *b"\x0a\0\0\x0bbiscuit\0\x06\0\0\x04");
        let checksum: [u8; 4] = sctp[8..12].try_into().unwrap();
        sctp[8..12].fill(0);
        assert_eq!(sctp_checksum(&sctp), checksum);
    }
}

#[test]
fn fragments_together_are_the_packet() {
    let payload: Vec<u8> = (0..=99).collect();
    for (client, vip) in [(CLIENT, VIP), (CLIENT6, VIP6)] {
        let frame = Frame::udp(socket(client), socket(vip))
            .identification(7)
            .payload(&payload);
        let header = frame.transport_offset() + if socket(vip).is_ipv6() { 8 } else { 0 };
        let pieces = frame.fragments(48);
        assert_eq!(pieces.len(), 3);
        let together: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece[header..].to_vec())
            .collect();
        assert_eq!(together, frame.bytes()[frame.transport_offset()..]);
        for (index, piece) in pieces.iter().enumerate() {
            let packet = SlicedPacket::from_ethernet(piece).unwrap();
            assert!(packet.is_ip_payload_fragmented());
            let (offset, more) = match packet.net.as_ref().unwrap() {
                NetSlice::Ipv4(ip) => (
                    ip.header().fragments_offset().value(),
                    ip.header().more_fragments(),
                ),
                NetSlice::Ipv6(_) => {
                    let field = u16::from_be_bytes([piece[56], piece[57]]);
                    (field >> 3, field & 1 == 1)
                }
                other => panic!("{other:?}"),
            };
            assert_eq!((usize::from(offset) * 8, more), (index * 48, index < 2));
        }
    }
}

#[test]
#[should_panic(expected = "different families")]
fn addresses_of_two_families_are_refused() {
    Frame::other(socket(CLIENT).ip(), socket(VIP6).ip(), 47);
}

#[test]
fn tcp_options_lengthen_the_header_by_whole_words() {
    for (client, vip) in [(CLIENT, VIP), (CLIENT6, VIP6)] {
        let bytes = Frame::tcp(socket(client), socket(vip))
            .flags(TcpFlags::SYN)
            .tcp_options(&[2, 4, 0x05, 0xb4, 1])
            .payload(b"data")
            .bytes();
        let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
            panic!("no TCP: {packet:?}")
        };
        assert_eq!(tcp.options(), [2, 4, 0x05, 0xb4, 1, 0, 0, 0]);
        assert_eq!(tcp.payload(), b"data");
        let header = tcp.to_header();
        let wanted = match packet.net.as_ref().unwrap() {
            NetSlice::Ipv4(ip) => header.calc_checksum_ipv4(&ip.header().to_header(), b"data"),
            NetSlice::Ipv6(ip) => header.calc_checksum_ipv6(&ip.header().to_header(), b"data"),
            other => panic!("{other:?}"),
        };
        assert_eq!(wanted.unwrap(), tcp.checksum());
    }
}

/// All pairs of an outer and an inner family: source and destination outside, the packet inside.
fn tunnelled() -> Vec<(SocketAddr, SocketAddr, Frame)> {
    let mut pairs = Vec::new();
    for (from, to) in [
        ("10.0.0.1:50000", "10.0.0.9:6080"),
        ("[fd00::1]:50000", "[fd00::9]:6080"),
    ] {
        for (client, vip) in [(CLIENT, VIP), (CLIENT6, VIP6)] {
            let inner = Frame::tcp(socket(client), socket(vip)).payload(b"data");
            pairs.push((socket(from), socket(to), inner));
        }
    }
    pairs
}

/// Protocol number and content of the packet in a frame.
fn carried(bytes: &[u8]) -> (u8, Vec<u8>) {
    let packet = SlicedPacket::from_ethernet(bytes).unwrap();
    let content = packet.net.as_ref().unwrap().ip_payload_ref().unwrap();
    (content.ip_number.0, content.payload.to_vec())
}

#[test]
fn a_packet_in_a_packet_is_named_by_its_family() {
    for (from, to, inner) in tunnelled() {
        let (protocol, content) = carried(&Frame::ipip(from.ip(), to.ip(), &inner).bytes());
        let named = if inner.network.source.is_ipv4() {
            4
        } else {
            41
        };
        assert_eq!((protocol, content), (named, inner.packet()));
    }
}

#[test]
fn gre_names_the_packet_by_its_ether_type_and_may_sum_it_up() {
    for (from, to, inner) in tunnelled() {
        let named = inner.ether_type().to_be_bytes();
        let (protocol, content) = carried(&Frame::gre(from.ip(), to.ip(), &inner, false).bytes());
        assert_eq!(
            (protocol, &content[..2], &content[2..4]),
            (47, &[0, 0][..], &named[..])
        );
        assert_eq!(content[4..], inner.packet());

        let (_, content) = carried(&Frame::gre(from.ip(), to.ip(), &inner, true).bytes());
        assert_eq!(
            (&content[..2], &content[2..4]),
            (&[0x80, 0][..], &named[..])
        );
        assert_eq!(internet_checksum(&content), 0);
        assert_eq!(content[8..], inner.packet());
    }
}

#[test]
fn gue_is_a_datagram_with_or_without_a_checksum() {
    for (from, to, inner) in tunnelled() {
        for checksum in [false, true] {
            let bytes = Frame::gue(from, to, &inner, checksum).bytes();
            let packet = SlicedPacket::from_ethernet(&bytes).unwrap();
            let Some(TransportSlice::Udp(udp)) = &packet.transport else {
                panic!("no UDP: {packet:?}")
            };
            assert_eq!((udp.source_port(), udp.destination_port()), (50000, 6080));
            let named = if inner.network.source.is_ipv4() {
                4
            } else {
                41
            };
            assert_eq!(udp.payload()[..4], [0, named, 0, 0]);
            assert_eq!(udp.payload()[4..], inner.packet());
            let header = udp.to_header();
            let wanted = match packet.net.as_ref().unwrap() {
                _ if !checksum => Ok(0),
                NetSlice::Ipv4(ip) => {
                    header.calc_checksum_ipv4(&ip.header().to_header(), udp.payload())
                }
                NetSlice::Ipv6(ip) => {
                    header.calc_checksum_ipv6(&ip.header().to_header(), udp.payload())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(udp.checksum(), wanted.unwrap());
        }
    }
}
