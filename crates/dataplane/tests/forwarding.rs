//! What the program does with packets, as the kernel runs it: one packet in, one packet out.
//!
//! What a frame must look like afterwards is never computed from what it looked like before: the frame builder
//! makes both, checksums from scratch.

mod common;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use aya::programs::{TestRun as _, TestRunOptions};
use common::*;
use dray_model::{HopId, Mac};
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";
const BROADCAST: Mac = Mac([0xff; 6]);

/// A director with one real server behind each of four services: IPv4 and IPv6, TCP and UDP.
fn director() -> Director {
    director_by(1, None)
}

/// Such a director, in common: for tests that do not care which connections there are.
fn shared() -> MutexGuard<'static, Director> {
    static SHARED: LazyLock<Mutex<Director>> = LazyLock::new(|| Mutex::new(director()));
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A director of one's own; the real servers are reached by this interface and VLAN.
fn director_by(interface: u32, vlan: Option<u16>) -> Director {
    let mut director = Director::new();
    for address in [WEB, WEB6] {
        for protocol in ["tcp", "udp"] {
            let address = format!("{protocol}://{address}");
            director.service_by(&address, Kind::RoundRobin, &[1], &[(interface, vlan)]);
        }
    }
    director
}

/// The destination of each of its services, and a frame that opens a connection to it.
fn openers() -> [(u32, Frame); 4] {
    [
        (1, tcp(CLIENT, WEB, TcpFlags::SYN)),
        (2, udp(CLIENT, WEB)),
        (3, tcp(CLIENT6, WEB6, TcpFlags::SYN)),
        (4, udp(CLIENT6, WEB6)),
    ]
}

/// What a frame with a TTL of 64 must look like when it leaves by the interface it came in by.
fn leaving(frame: &Frame, destination: u32) -> Vec<u8> {
    frame.clone().ttl(63).macs(OWN, mac_of(destination)).bytes()
}

#[test]
fn a_syn_is_sent_to_a_real_server_and_the_rest_of_the_connection_follows() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    let first = director.forwarded(&tcp(CLIENT, WEB, TcpFlags::SYN));
    for _ in 0..5 {
        assert_eq!(director.forwarded(&tcp(CLIENT, WEB, TcpFlags::ACK)), first);
    }
    assert_eq!(director.live(first), (1, 0));
}

#[test]
fn only_the_addresses_of_the_frame_the_ttl_and_its_checksum_change() {
    let mut director = shared();
    for (destination, opener) in openers() {
        for payload in [0, 1, 2, 46, 1000, 1460] {
            let payload: Vec<u8> = (0..payload).map(|byte| byte as u8).collect();
            let frame = opener.clone().traffic_class(0xb8).payload(&payload);
            let wanted = Fate::sent(&leaving(&frame, destination));
            assert_eq!(director.fate_of(&frame), wanted);
        }
    }
}

#[test]
fn frames_larger_than_a_page_are_forwarded_whole() {
    let mut director = shared();
    let payload: Vec<u8> = (0..8900u32).map(|byte| (byte % 251) as u8).collect();
    for (destination, opener) in openers() {
        let frame = opener.payload(&payload);
        let fate = director.fate_of(&frame);
        assert_eq!(fate, Fate::sent(&leaving(&frame, destination)));
    }
}

#[test]
fn the_checksum_is_right_whatever_it_was_before() {
    let mut director = shared();
    for identification in (0..=u16::MAX).step_by(97) {
        let frame = udp(CLIENT, WEB).identification(identification);
        let fate = director.fate_of(&frame);
        assert_eq!(fate, Fate::sent(&leaving(&frame, 2)), "{identification}");
    }
}

#[test]
fn every_ttl_above_one_goes_down_by_one() {
    let mut director = shared();
    for ttl in 2..=255 {
        for (destination, opener) in openers() {
            let wanted = opener.clone().ttl(ttl - 1).macs(OWN, mac_of(destination));
            let fate = director.fate_of(&opener.ttl(ttl));
            assert_eq!(fate, Fate::sent(&wanted.bytes()), "TTL {ttl}");
        }
    }
}

#[test]
fn ipv4_options_stay_as_they_are() {
    let mut director = shared();
    for length in 0..=40 {
        // A record-route option with room, then no-operations.
        let mut options = vec![1; length];
        if length >= 7 {
            options[..7].copy_from_slice(&[7, 7, 4, 0, 0, 0, 0]);
        }
        for (destination, opener) in openers().into_iter().take(2) {
            let frame = opener.ipv4_options(&options).payload(b"data");
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::sent(&leaving(&frame, destination)),
                "{length} bytes"
            );
        }
    }
}

#[test]
fn ipv6_extension_headers_are_walked_and_stay_as_they_are() {
    let mut director = shared();
    let chains = [
        vec![Extension::HopByHop(vec![5, 2, 0, 0])],
        vec![Extension::Routing],
        vec![Extension::DestinationOptions(vec![1; 100])],
        vec![
            Extension::HopByHop(vec![1; 20]),
            Extension::DestinationOptions(vec![1; 6]),
            Extension::Routing,
            Extension::DestinationOptions(vec![1; 255]),
        ],
    ];
    for chain in chains {
        for (destination, opener) in openers().into_iter().skip(2) {
            let frame = chain
                .iter()
                .cloned()
                .fold(opener, Frame::extension)
                .payload(b"data");
            let fate = director.fate_of(&frame);
            assert_eq!(fate, Fate::sent(&leaving(&frame, destination)), "{chain:?}");
        }
    }
}

#[test]
fn more_ipv6_extension_headers_than_six_are_left_to_the_host() {
    let mut director = shared();
    let mut frame = udp(CLIENT6, WEB6);
    for count in 1..=8 {
        frame = frame.extension(Extension::DestinationOptions(Vec::new()));
        let wanted = if count <= 6 {
            Fate::sent(&leaving(&frame, 4))
        } else {
            Fate::passed("other-protocol", &incoming(&frame))
        };
        assert_eq!(director.fate_of(&frame), wanted, "{count} headers");
    }
}

#[test]
fn a_frame_leaves_by_the_other_interface_with_that_ones_address() {
    let mut director = director_by(2, None);
    for (destination, opener) in openers() {
        let wanted = opener.clone().ttl(63).macs(OTHER_PORT, mac_of(destination));
        let fate = director.fate_of(&opener);
        assert_eq!(fate, Fate::redirected(&wanted.bytes()));
    }
}

#[test]
fn a_frame_leaves_by_the_other_interface_with_the_tag_of_that_vlan() {
    let mut director = director_by(2, Some(4094));
    for (destination, opener) in openers() {
        let wanted = opener
            .clone()
            .ttl(63)
            .vlan(4094)
            .macs(OTHER_PORT, mac_of(destination));
        let fate = director.fate_of(&opener.vlan(1));
        assert_eq!(fate, Fate::redirected(&wanted.bytes()));
    }
}

#[test]
fn a_tagged_clients_frame_leaves_untagged_for_an_untagged_real_server() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = Fate::sent(&leaving(&opener, destination));
        for tagged in [
            opener.clone().vlan(7),
            opener.clone().vlan(0),
            opener.clone().service_vlan(7),
            opener.clone().service_vlan(7).vlan(8),
            opener.clone().vlan(7).vlan(8),
        ] {
            assert_eq!(director.fate_of(&tagged), wanted, "{tagged:?}");
        }
    }
}

#[test]
fn an_untagged_clients_frame_leaves_tagged_for_a_real_server_in_a_vlan() {
    let mut director = director_by(1, Some(7));
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = leaving(&opener.clone().vlan(7), destination);
        assert_eq!(director.fate_of(&opener), Fate::sent(&wanted));
    }
}

#[test]
fn a_frame_goes_from_one_vlan_to_another() {
    let mut director = director_by(1, Some(7));
    for (destination, opener) in openers() {
        let opener = opener.payload(b"data");
        let wanted = Fate::sent(&leaving(&opener.clone().vlan(7), destination));
        for tagged in [
            opener.clone().vlan(7),
            opener.clone().vlan(8),
            opener.clone().vlan(0),
            opener.clone().service_vlan(9),
            opener.clone().service_vlan(9).vlan(7),
            opener.clone().vlan(7).vlan(8),
        ] {
            assert_eq!(director.fate_of(&tagged), wanted, "{tagged:?}");
        }
    }
}

#[test]
fn a_frame_that_stays_in_its_vlan_keeps_its_priority() {
    let mut director = director_by(1, Some(7));
    let frame = udp(CLIENT, WEB).vlan(7);
    // Priority 5 and "drop eligible", in the upper four bits of the tag.
    let with_priority = |mut bytes: Vec<u8>| {
        bytes[14] |= 0xb0;
        bytes
    };
    let fate = director.fate(&with_priority(incoming(&frame)));
    assert_eq!(fate, Fate::sent(&with_priority(leaving(&frame, 2))));
}

#[test]
fn a_frame_without_headroom_for_a_tag_is_dropped_and_says_why() {
    /// Metadata that lies before a frame and leaves only what the kernel keeps of its 256 bytes of headroom for
    /// itself (`struct xdp_frame`).
    const METADATA: usize = 216;
    let mut director = director_by(1, Some(7));
    let mut data = vec![0; METADATA];
    data.extend(incoming(&udp(CLIENT, WEB)));
    // `struct xdp_md`: where the frame begins and ends, then metadata, interfaces and queue.
    let context = [METADATA as u32, data.len() as u32, 0, 0, 0, 0].map(u32::to_ne_bytes);
    let options = TestRunOptions {
        data_in: Some(&data),
        ctx_in: Some(context.as_flattened()),
        ..TestRunOptions::new()
    };
    let result = director
        .private
        .director()
        .unwrap()
        .test_run(options)
        .unwrap();
    assert_eq!(
        (result.return_value, director.counted()),
        (DROP, vec![("no-room", 1)])
    );
}

#[test]
fn a_frame_for_another_address_is_left_to_the_host() {
    let mut director = shared();
    let multicast = Mac([0x33, 0x33, 0, 0, 0, 1]);
    for address in [BROADCAST, multicast, ROUTER, OTHER_PORT] {
        for (_, opener) in openers() {
            let bytes = opener.macs(ROUTER, address).bytes();
            assert_eq!(
                director.fate(&bytes),
                Fate::passed("other-host", &bytes),
                "{address}"
            );
        }
    }
    for byte in 0..6 {
        let mut almost = OWN;
        almost.0[byte] ^= 0x80;
        let bytes = tcp(CLIENT, WEB, TcpFlags::SYN).macs(ROUTER, almost).bytes();
        assert_eq!(
            director.fate(&bytes),
            Fate::passed("other-host", &bytes),
            "{almost}"
        );
    }
}

#[test]
fn what_is_not_ip_is_left_to_the_host() {
    let mut director = shared();
    let arp = [0x08, 0x06];
    let length_field = [0x00, 0x40];
    for ether_type in [arp, length_field, [0x88, 0xcc], [0x86, 0xde], [0x08, 0x01]] {
        let mut bytes = incoming(&tcp(CLIENT, WEB, TcpFlags::SYN));
        bytes[12..14].copy_from_slice(&ether_type);
        assert_eq!(
            director.fate(&bytes),
            Fate::passed("not-ip", &bytes),
            "{ether_type:x?}"
        );
    }
    let bytes = incoming(&udp(CLIENT, WEB).service_vlan(1).vlan(2).vlan(3));
    assert_eq!(director.fate(&bytes), Fate::passed("not-ip", &bytes));
}

#[test]
fn icmp_and_other_protocols_are_left_to_the_host() {
    let mut director = shared();
    let address = |text: &str| text.parse::<std::net::SocketAddr>().unwrap().ip();
    for (client, vip, echo) in [
        (address(CLIENT), address(WEB), 8),
        (address(CLIENT6), address(WEB6), 128),
    ] {
        let echo = Frame::icmp(client, vip, echo, 0, [0, 1, 0, 1]).payload(b"ping");
        let mut frames = vec![echo];
        for protocol in [2, 4, 33, 41, 47, 50, 51, 59, 89, 136, 255] {
            frames.push(Frame::other(client, vip, protocol).payload(&[0; 64]));
        }
        for frame in frames {
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::passed("other-protocol", &incoming(&frame)),
                "{frame:?}"
            );
        }
    }
}

#[test]
fn a_frame_cut_short_anywhere_in_its_headers_is_left_to_the_host() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let mut forms = vec![
            opener.clone(),
            opener.clone().vlan(7),
            opener.clone().service_vlan(8).vlan(9),
        ];
        if destination <= 2 {
            forms.push(opener.clone().ipv4_options(&[1; 40]));
        } else {
            let options = Extension::DestinationOptions(vec![1; 30]);
            forms.push(
                opener
                    .clone()
                    .extension(Extension::HopByHop(vec![]))
                    .extension(options),
            );
        }
        for frame in forms {
            let whole = incoming(&frame);
            // The kernel takes no frame shorter than an Ethernet header.
            for length in 14..whole.len() {
                let cut = &whole[..length];
                assert_eq!(
                    director.fate(cut),
                    Fate::passed("truncated", cut),
                    "{length} bytes of {frame:?}"
                );
            }
            assert_eq!(director.fate(&whole).verdict, TX, "{frame:?}");
        }
    }
}

#[test]
fn a_payload_cut_short_is_no_matter_of_a_director() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let frame = opener.payload(&[7; 50]);
        let (whole, wanted) = (incoming(&frame), leaving(&frame, destination));
        for length in [whole.len() - 1, whole.len() - 50] {
            assert_eq!(
                director.fate(&whole[..length]),
                Fate::sent(&wanted[..length]),
                "{length}"
            );
        }
    }
}

#[test]
fn bytes_behind_the_packet_are_kept() {
    let mut director = shared();
    for (destination, opener) in openers() {
        let padded = |mut bytes: Vec<u8>| {
            bytes.extend([0xee; 9]);
            bytes
        };
        let fate = director.fate(&padded(incoming(&opener)));
        assert_eq!(fate, Fate::sent(&padded(leaving(&opener, destination))));
    }
}

#[test]
fn an_ip_header_that_makes_no_sense_is_left_to_the_host() {
    let mut director = shared();
    let spoiled = |frame: &Frame, at: usize, value: u8| {
        let mut bytes = incoming(frame);
        bytes[frame.network_offset() + at] = value;
        bytes
    };
    let (v4, v6) = (udp(CLIENT, WEB), udp(CLIENT6, WEB6));
    let mut nonsense: Vec<Vec<u8>> = Vec::new();
    // Versions other than 4 and 6 where those belong; header lengths below 20 bytes; a packet shorter than its header.
    nonsense.extend(
        (0..16)
            .filter(|version| *version != 4)
            .map(|version| spoiled(&v4, 0, version << 4 | 5)),
    );
    nonsense.extend(
        (0..16)
            .filter(|version| *version != 6)
            .map(|version| spoiled(&v6, 0, version << 4)),
    );
    nonsense.extend((0..5).map(|words| spoiled(&v4, 0, 4 << 4 | words)));
    nonsense.push(spoiled(&v4, 3, 19));
    for bytes in nonsense {
        assert_eq!(director.fate(&bytes), Fate::passed("truncated", &bytes));
    }
}

#[test]
fn a_used_up_ttl_is_answered_and_the_connection_and_the_packet_count() {
    let mut director = director();
    for (destination, opener) in openers() {
        for (packets, ttl) in [(1, 1), (2, 0)] {
            let fate = director.fate_of(&opener.clone().ttl(ttl));
            let answered = (TX, vec!["time-exceeded"]);
            assert_eq!((fate.verdict, fate.reasons), answered, "TTL {ttl}");
            let counters = director.counters(destination);
            assert_eq!(
                (counters.connections, counters.packets),
                (1, packets),
                "TTL {ttl}"
            );
        }
        let (active, inactive) = director.live(destination);
        assert_eq!(active + inactive, 1);
    }
}

#[test]
fn what_no_service_has_is_left_to_the_host() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:53", Kind::RoundRobin, &[1]);
    for frame in [
        tcp(CLIENT, "10.0.0.100:81", TcpFlags::SYN),
        tcp(CLIENT, "10.0.0.101:80", TcpFlags::SYN),
        // 20480 is 80 with its bytes the other way round.
        tcp(CLIENT, "10.0.0.100:20480", TcpFlags::SYN),
        udp(CLIENT, "10.0.0.100:80"),
        udp(CLIENT6, "[fd00::100]:54"),
        udp(CLIENT6, "[fd00::101]:53"),
        tcp(CLIENT6, "[fd00::100]:53", TcpFlags::SYN),
        // IPv6 from an IPv4-mapped VIP is not the IPv4 service.
        tcp(CLIENT6, "[::ffff:10.0.0.101]:80", TcpFlags::SYN),
        // What the VIP itself sends.
        tcp("10.0.0.100:80", CLIENT, TcpFlags::SYN),
    ] {
        let fate = director.fate_of(&frame);
        assert_eq!(
            fate,
            Fate::passed("not-a-service", &incoming(&frame)),
            "{frame:?}"
        );
    }
}

#[test]
fn tcp_that_cannot_open_a_connection_is_left_to_the_host() {
    let mut director = director();
    let (syn, ack, fin, rst) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::FIN, TcpFlags::RST);
    for (client, service) in [(CLIENT, WEB), (CLIENT6, WEB6)] {
        for flags in [
            ack,
            fin,
            rst,
            fin | ack,
            rst | ack,
            TcpFlags::PSH,
            TcpFlags::NONE,
            syn | rst,
            syn | rst | ack,
        ] {
            let frame = tcp(client, service, flags);
            let fate = director.fate_of(&frame);
            assert_eq!(
                fate,
                Fate::passed("no-connection", &incoming(&frame)),
                "{flags:?}"
            );
        }
    }
    for destination in [1, 3] {
        assert_eq!(director.live(destination), (0, 0));
        assert_eq!(director.counters(destination), Default::default());
    }
}

#[test]
fn every_segment_with_syn_and_without_rst_opens_a_connection() {
    let (syn, ack, fin) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::FIN);
    let mut director = director();
    for (index, flags) in [
        syn,
        syn | ack,
        syn | fin,
        syn | fin | ack,
        syn | TcpFlags::PSH,
    ]
    .into_iter()
    .enumerate()
    {
        let frame = tcp(&format!("192.0.2.1:{}", 4000 + index), WEB, flags);
        assert_eq!(
            director.fate_of(&frame),
            Fate::sent(&leaving(&frame, 1)),
            "{flags:?}"
        );
        assert_eq!(director.live(1), (index as u32 + 1, 0), "{flags:?}");
    }
}

#[test]
fn connections_from_port_20_are_left_to_the_host() {
    let mut director = shared();
    for frame in [
        tcp("192.0.2.1:20", WEB, TcpFlags::SYN),
        udp("192.0.2.1:20", WEB),
        tcp("[2001:db8::1]:20", WEB6, TcpFlags::SYN),
        udp("[2001:db8::1]:20", WEB6),
    ] {
        let fate = director.fate_of(&frame);
        assert_eq!(
            fate,
            Fate::passed("client-port-20", &incoming(&frame)),
            "{frame:?}"
        );
    }
}

#[test]
fn a_service_without_a_real_server_to_give_refuses_and_counts_it() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[0, 0]);
    director.service("udp://10.0.0.100:80", Kind::WeightedLeastConnection, &[]);
    for (service, frame) in [(0, tcp(CLIENT, WEB, TcpFlags::SYN)), (1, udp(CLIENT, WEB))] {
        for times in 1..=3 {
            let fate = director.fate_of(&frame);
            assert_eq!(fate, Fate::dropped("no-destination", &incoming(&frame)));
            assert_eq!(director.refused(service), times);
        }
    }
    assert_eq!(director.list().len(), 0);
    // The places that the refused ones had claimed are free again.
    director.edit(0, Kind::RoundRobin, |list| list[0].weight = 1);
    assert_eq!(director.forwarded(&tcp(CLIENT, WEB, TcpFlags::SYN)), 2);
    assert_eq!(director.live(2), (1, 0));
}

#[test]
fn a_destination_without_a_next_hop_drops_its_packets_until_it_has_one() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let (syn, ack) = (
        tcp(CLIENT, WEB, TcpFlags::SYN),
        tcp(CLIENT, WEB, TcpFlags::ACK),
    );
    assert_eq!(director.forwarded(&syn), 1);
    director.change(1, |destination| destination.hop = None);
    assert_eq!(
        director.fate_of(&ack),
        Fate::dropped("no-next-hop", &incoming(&ack))
    );
    director.change(1, |destination| destination.hop = Some(HopId(1)));
    assert_eq!(director.forwarded(&ack), 1);
}
