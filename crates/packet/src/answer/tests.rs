//! Answers as whole frames, read by another parser and compared with Linux's.

use etherparse::{
    IpHeaders, Ipv4Header, Ipv6Header, NetSlice, PacketBuilder, SlicedPacket, TransportSlice,
};
use proptest::prelude::*;

use super::*;
use crate::{
    checksum::Summing,
    tcp::{ACK, FIN, RST, SYN},
};

const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const OLD_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

/// A frame in memory. Room in front is filled with rubbish, as the kernel's is.
struct Memory {
    bytes: Vec<u8>,
    headroom: usize,
    permitted: bool,
}

impl Buffer for Memory {
    fn frame(&mut self) -> Frame<'_> {
        Frame::from(&mut self.bytes[..])
    }

    fn length(&self) -> usize {
        self.bytes.len()
    }

    fn cut(&mut self, length: usize) -> Option<()> {
        assert!(length <= self.bytes.len());
        self.bytes.truncate(length);
        Some(())
    }

    fn prepend(&mut self, bytes: usize) -> Option<()> {
        self.headroom = self.headroom.checked_sub(bytes)?;
        self.bytes.splice(0..0, vec![0xa5; bytes]);
        Some(())
    }

    fn sum(&mut self, offset: usize, length: usize) -> Option<Sum> {
        let frame = self.frame();
        let mut summing = Summing::new(offset, length);
        for number in 0..Summing::steps(length) {
            let _ = summing.step(number, &frame);
        }
        summing.sum()
    }

    fn permit(&mut self) -> bool {
        self.permitted
    }
}

fn answered(frame: &[u8], what: Answer) -> Result<Vec<u8>, Silence> {
    let mut memory = Memory {
        bytes: frame.to_vec(),
        headroom: 256,
        permitted: true,
    };
    let link = ethernet::parse(&memory.frame()).unwrap().length();
    answer(&mut memory, link, OWN_MAC, what)?;
    Ok(memory.bytes)
}

/// A frame of the client's with this packet.
fn framed(ether_type: [u8; 2], packet: &[u8]) -> Vec<u8> {
    [&OLD_MAC[..], &CLIENT_MAC, &ether_type, packet].concat()
}

fn udp4(payload: usize) -> Vec<u8> {
    let mut packet = vec![];
    PacketBuilder::ipv4([198, 51, 100, 7], [10, 0, 0, 1], 64)
        .udp(40000, 53)
        .write(&mut packet, &vec![b'x'; payload])
        .unwrap();
    framed(ethernet::IPV4, &packet)
}

fn udp6(payload: usize) -> Vec<u8> {
    let mut packet = vec![];
    PacketBuilder::ipv6([0x20; 16], [0xfd; 16], 64)
        .udp(40000, 53)
        .write(&mut packet, &vec![b'x'; payload])
        .unwrap();
    framed(ethernet::IPV6, &packet)
}

/// A segment with sequence number 1000 and acknowledgment 5000.
fn tcp(version: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ip = if version == 4 {
        PacketBuilder::ipv4([198, 51, 100, 7], [10, 0, 0, 1], 64)
    } else {
        PacketBuilder::ipv6([0x20; 16], [0xfd; 16], 64)
    };
    let mut packet = vec![];
    let mut header = etherparse::TcpHeader::new(40000, 80, 1000, 1024);
    header.acknowledgment_number = 5000;
    header.set_options_raw(&[1, 1, 1, 1]).unwrap();
    ip.tcp_header(header).write(&mut packet, payload).unwrap();
    packet[if version == 4 { 20 } else { 40 } + 13] = flags;
    framed(
        if version == 4 {
            ethernet::IPV4
        } else {
            ethernet::IPV6
        },
        &packet,
    )
}

/// Holds the checksums of an answer to another implementation, and gives its IP payload.
fn payload_of(frame: &[u8]) -> &[u8] {
    let sliced = SlicedPacket::from_ethernet(frame).unwrap();
    match (sliced.net.unwrap(), sliced.transport.unwrap()) {
        (NetSlice::Ipv4(ip), transport) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            match transport {
                TransportSlice::Icmpv4(icmp) => {
                    assert_eq!(
                        icmp.checksum(),
                        icmp.icmp_type().calc_checksum(icmp.payload())
                    );
                }
                TransportSlice::Tcp(tcp) => assert_eq!(
                    tcp.checksum(),
                    tcp.calc_checksum_ipv4(header.source, header.destination)
                        .unwrap()
                ),
                other => panic!("{other:?}"),
            }
            ip.payload().payload
        }
        (NetSlice::Ipv6(ip), transport) => {
            let header = ip.header().to_header();
            match transport {
                TransportSlice::Icmpv6(icmp) => {
                    assert!(icmp.is_checksum_valid(header.source, header.destination));
                }
                TransportSlice::Tcp(tcp) => assert_eq!(
                    tcp.checksum(),
                    tcp.calc_checksum_ipv6(header.source, header.destination)
                        .unwrap()
                ),
                other => panic!("{other:?}"),
            }
            ip.payload().payload
        }
        other => panic!("{other:?}"),
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// The same frame with IP identification 0, which Linux draws by chance, and the header checksum mended.
fn without_id(mut frame: Vec<u8>) -> Vec<u8> {
    frame[18..20].copy_from_slice(&[0, 0]);
    let mut header = Ipv4Header::from_slice(&frame[14..]).unwrap().0;
    header.header_checksum = header.calc_header_checksum();
    frame[14..34].copy_from_slice(&header.to_bytes());
    frame
}

#[test]
fn time_exceeded_is_linuxs_to_the_byte() {
    let packet = "020000000001020000000002080045000028000040000106322dcb0071fd0a0000a6d98a000900001000000000005002ffff7eab0000";
    let linux = "020000000002020000000009080045c00044921f00004001a0360a0000a6cb0071fd0b003cbe0000000045000028000040000106322dcb0071fd0a0000a6d98a000900001000000000005002ffff7eab0000";
    assert_eq!(
        answered(&bytes_of(packet), Answer::TimeExceeded).unwrap(),
        without_id(bytes_of(linux))
    );
}

#[test]
fn fragmentation_needed_is_linuxs_to_the_byte() {
    let packet = [
        bytes_of(
            "0200000000010200000000020800450005dc000040004011ffdec63364f10a00000ecedc000905c895eb",
        ),
        vec![b'x'; 1472],
    ]
    .concat();
    let linux = [
        bytes_of(
            "020000000002020000000009080045c00240493700004001f9930a00000ec63364f103043240000005c8450005dc000040003f1100dfc63364f10a00000ecedc000905c895eb",
        ),
        vec![b'x'; 520],
    ]
    .concat();
    assert_eq!(
        answered(&packet, Answer::TooBig(1480)).unwrap(),
        without_id(linux)
    );
}

#[test]
fn an_error_quotes_the_packet_as_far_as_it_may() {
    for (payload, quote) in [
        (0, 28),
        (1, 29),
        (13, 41),
        (519, 547),
        (520, 548),
        (1472, 548),
    ] {
        let packet = udp4(payload);
        let answer = answered(&packet, Answer::PortUnreachable).unwrap();
        let icmp = payload_of(&answer);
        assert_eq!(icmp[..2], [3, 3]);
        assert_eq!(icmp[8..], packet[14..][..quote]);
    }
    for (payload, quote) in [(0, 48), (7, 55), (1183, 1231), (1184, 1232), (1452, 1232)] {
        let packet = udp6(payload);
        let answer = answered(&packet, Answer::PortUnreachable).unwrap();
        let icmp = payload_of(&answer);
        assert_eq!(icmp[..2], [1, 4]);
        assert_eq!(icmp[8..], packet[14..][..quote]);
    }
}

#[test]
fn each_error_has_its_type_and_code() {
    for (what, old, new) in [
        (
            Answer::PortUnreachable,
            [3, 3, 0, 0, 0, 0],
            [1, 4, 0, 0, 0, 0],
        ),
        (
            Answer::TimeExceeded,
            [11, 0, 0, 0, 0, 0],
            [3, 0, 0, 0, 0, 0],
        ),
        (
            Answer::TooBig(1400),
            [3, 4, 0, 0, 5, 0x78],
            [2, 0, 0, 0, 5, 0x78],
        ),
    ] {
        for (packet, expected) in [(udp4(20), old), (udp6(20), new)] {
            let frame = answered(&packet, what).unwrap();
            let icmp = payload_of(&frame);
            assert_eq!([&icmp[..2], &icmp[4..8]].concat(), expected);
        }
    }
}

#[test]
fn an_answer_comes_from_the_packets_destination_and_goes_to_its_sender() {
    let frame = answered(&udp4(0), Answer::PortUnreachable).unwrap();
    assert_eq!(
        (&frame[..6], &frame[6..12]),
        (&CLIENT_MAC[..], &OWN_MAC[..])
    );
    let ip = Ipv4Header::from_slice(&frame[14..]).unwrap().0;
    assert_eq!(
        (ip.source, ip.destination, ip.time_to_live, ip.dont_fragment),
        ([10, 0, 0, 1], [198, 51, 100, 7], 64, false)
    );
    let frame = answered(&udp6(0), Answer::PortUnreachable).unwrap();
    let ip = Ipv6Header::from_slice(&frame[14..]).unwrap().0;
    assert_eq!(
        (ip.source, ip.destination, ip.hop_limit),
        ([0xfd; 16], [0x20; 16], 64)
    );
}

#[test]
fn padding_is_not_quoted_and_what_the_frame_lacks_neither() {
    let mut packet = udp4(2);
    packet.resize(60, 0);
    let answer = answered(&packet, Answer::PortUnreachable).unwrap();
    assert_eq!(payload_of(&answer).len(), 8 + 30);
    let cut = &udp4(100)[..80];
    let answer = answered(cut, Answer::PortUnreachable).unwrap();
    assert_eq!(payload_of(&answer).len(), 8 + 66);
}

#[test]
fn tags_stay_where_they_are() {
    for tags in [&[0x81, 0, 0, 7][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8]] {
        let mut packet = udp4(0);
        packet.splice(12..12, tags.iter().copied());
        let link = 14 + tags.len();
        let frame = answered(&packet, Answer::TimeExceeded).unwrap();
        assert_eq!(&frame[12..12 + tags.len()], tags);
        assert_eq!(payload_of(&frame)[8..], packet[link..]);
    }
}

#[test]
fn a_syn_is_acknowledged_by_the_reset_and_an_ack_believed() {
    for version in [4, 6] {
        for (flags, payload, sequence, acknowledgment, answer) in [
            (SYN, &b""[..], 0, 1001, RST | ACK),
            (SYN | FIN, b"", 0, 1002, RST | ACK),
            (SYN, b"data", 0, 1005, RST | ACK),
            (FIN, b"data", 0, 1005, RST | ACK),
            (0, b"data", 0, 1004, RST | ACK),
            (SYN | ACK, b"", 5000, 0, RST),
            (ACK, b"data", 5000, 0, RST),
        ] {
            let frame = answered(&tcp(version, flags, payload), Answer::Reset).unwrap();
            let segment = etherparse::TcpHeader::from_slice(payload_of(&frame))
                .unwrap()
                .0;
            assert_eq!((segment.source_port, segment.destination_port), (80, 40000));
            assert_eq!(
                (segment.sequence_number, segment.acknowledgment_number),
                (sequence, acknowledgment),
                "{flags:#x}"
            );
            assert_eq!(payload_of(&frame)[13], answer);
            assert_eq!(frame.len(), if version == 4 { 54 } else { 74 });
        }
    }
}

#[test]
fn a_reset_is_no_answer_to_a_reset_nor_to_a_datagram() {
    for flags in [RST, RST | ACK, RST | SYN] {
        assert_eq!(
            answered(&tcp(4, flags, b""), Answer::Reset),
            Err(Silence::Unanswerable)
        );
    }
    for (packet, code) in [(udp4(20), [3, 3]), (udp6(20), [1, 4])] {
        let frame = answered(&packet, Answer::Reset).unwrap();
        assert_eq!(payload_of(&frame)[..2], code);
    }
}

#[test]
fn a_segment_whose_header_is_longer_than_it_is_gets_no_reset() {
    let mut packet = tcp(4, SYN, b"");
    packet[14 + 20 + 12] = 15 << 4;
    assert_eq!(answered(&packet, Answer::Reset), Err(Silence::Unanswerable));
}

#[test]
fn who_is_no_single_host_gets_no_answer() {
    let addresses = [
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [127, 0, 0, 1],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ];
    for address in addresses {
        let mut packet = udp4(0);
        packet[26..30].copy_from_slice(&address);
        assert_eq!(
            answered(&packet, Answer::PortUnreachable),
            Err(Silence::Unanswerable),
            "{address:?}"
        );
    }
    let mut multicast = [0; 16];
    multicast[0] = 0xff;
    let mut loopback = [0; 16];
    loopback[15] = 1;
    for address in [[0; 16], loopback, multicast] {
        let mut packet = udp6(0);
        packet[22..38].copy_from_slice(&address);
        assert_eq!(
            answered(&packet, Answer::PortUnreachable),
            Err(Silence::Unanswerable),
            "{address:?}"
        );
    }
}

#[test]
fn what_is_for_many_gets_no_answer() {
    let mut packet = udp4(0);
    packet[30] = 239;
    assert_eq!(
        answered(&packet, Answer::TimeExceeded),
        Err(Silence::Unanswerable)
    );
    let mut packet = udp6(0);
    packet[38] = 0xff;
    assert_eq!(
        answered(&packet, Answer::TimeExceeded),
        Err(Silence::Unanswerable)
    );
}

#[test]
fn icmp_and_later_fragments_get_no_answer() {
    let mut icmp = udp4(0);
    icmp[23] = ICMP;
    let mut fragment = udp4(0);
    fragment[20..22].copy_from_slice(&[0x20, 1]);
    let mut icmp6 = udp6(0);
    icmp6[20] = ICMPV6;
    for packet in [icmp, fragment, icmp6] {
        assert_eq!(
            answered(&packet, Answer::TimeExceeded),
            Err(Silence::Unanswerable)
        );
    }
    let mut first = udp4(0);
    first[20..22].copy_from_slice(&[0x20, 0]);
    assert!(answered(&first, Answer::TimeExceeded).is_ok());
}

#[test]
fn without_leave_the_frame_stays_as_it_is() {
    for (packet, what) in [
        (udp4(9), Answer::PortUnreachable),
        (udp6(9), Answer::TooBig(1300)),
        (tcp(4, SYN, b""), Answer::Reset),
        (tcp(6, SYN, b""), Answer::Reset),
    ] {
        let mut memory = Memory {
            bytes: packet.clone(),
            headroom: 256,
            permitted: false,
        };
        assert_eq!(
            answer(&mut memory, 14, OWN_MAC, what),
            Err(Silence::Exceeded)
        );
        assert_eq!(memory.bytes, packet);
    }
}

#[test]
fn without_headroom_there_is_a_reset_but_no_error() {
    for (packet, what, expected) in [
        (udp4(9), Answer::PortUnreachable, Err(Silence::NoRoom)),
        (udp6(9), Answer::PortUnreachable, Err(Silence::NoRoom)),
        (tcp(4, SYN, b""), Answer::Reset, Ok(Answer::Reset)),
    ] {
        let mut memory = Memory {
            bytes: packet,
            headroom: 27,
            permitted: true,
        };
        assert_eq!(answer(&mut memory, 14, OWN_MAC, what), expected);
    }
}

#[test]
fn a_header_with_options_is_quoted_whole_and_not_echoed() {
    let mut header = Ipv4Header::new(
        28,
        64,
        etherparse::IpNumber::UDP,
        [198, 51, 100, 7],
        [10, 0, 0, 1],
    )
    .unwrap();
    header.options = [1; 20][..].try_into().unwrap();
    let mut packet = vec![];
    PacketBuilder::ip(IpHeaders::Ipv4(header, Default::default()))
        .udp(40000, 53)
        .write(&mut packet, &[b'x'; 20])
        .unwrap();
    let frame = answered(&framed(ethernet::IPV4, &packet), Answer::PortUnreachable).unwrap();
    assert_eq!(frame[14], 0x45);
    assert_eq!(payload_of(&frame)[8..], packet);
}

proptest! {
    #[test]
    fn hostile_bytes_get_no_answer_or_a_well_formed_one(
        version in prop::sample::select(vec![4u8, 6]),
        flags in any::<u8>(),
        payload in prop::collection::vec(any::<u8>(), 0..1400),
        changes in prop::collection::vec((15..90usize, any::<u8>()), 0..4),
        length in 14..1500usize,
        what in prop::sample::select(vec![Answer::PortUnreachable, Answer::TooBig(9), Answer::Reset]),
    ) {
        let mut packet = tcp(version, flags, &payload);
        for (at, byte) in changes {
            if let Some(changed) = packet.get_mut(at) {
                *changed = byte;
            }
        }
        packet.truncate(length);
        if let Ok(frame) = answered(&packet, what) {
            const ROOM: usize = 48;
            prop_assert!(frame.len() <= (packet.len() + ROOM).min(14 + 1280));
            payload_of(&frame);
        }
    }
}
