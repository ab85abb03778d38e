//! What senders are told of packets that cannot be forwarded.

mod common;

use std::{net::IpAddr, num::NonZeroU32};

use common::*;
use dray_model::NoDestination;
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, IcmpError, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";

/// The precedence that ICMP errors have.
const INTERNETWORK_CONTROL: u8 = 0xc0;

/// A director with four services of one real server of this weight each; who finds none is told like this.
fn director(weight: u32, told: NoDestination) -> Director {
    let mut director = Director::new();
    for address in [WEB, WEB6] {
        for protocol in ["tcp", "udp"] {
            let address = format!("{protocol}://{address}");
            director.service(&address, Kind::RoundRobin, &[weight]);
        }
    }
    director.policy(|policy| policy.ipvs.no_destination = told);
    director
}

/// A frame that opens a connection to each of its services.
fn openers() -> [Frame; 4] {
    [
        tcp(CLIENT, WEB, TcpFlags::SYN),
        udp(CLIENT, WEB),
        tcp(CLIENT6, WEB6, TcpFlags::SYN),
        udp(CLIENT6, WEB6),
    ]
}

fn is_ipv4(frame: &Frame) -> bool {
    frame.packet()[0] >> 4 == 4
}

/// Client and VIP.
fn ends(frame: &Frame) -> (IpAddr, IpAddr) {
    let (client, vip) = if is_ipv4(frame) {
        ("192.0.2.1", "10.0.0.100")
    } else {
        ("2001:db8::1", "fd00::100")
    };
    (client.parse().unwrap(), vip.parse().unwrap())
}

/// An error of the VIP's, which quotes this packet.
fn error(error: IcmpError, quoted: &Frame) -> Frame {
    let (client, vip) = ends(quoted);
    let answer = Frame::icmp_error(vip, client, error, quoted).macs(OWN, ROUTER);
    if is_ipv4(quoted) {
        answer.identification(0).traffic_class(INTERNETWORK_CONTROL)
    } else {
        answer
    }
}

fn answered(reason: &'static str, frame: &[u8]) -> Fate {
    Fate {
        reasons: vec![reason],
        ..Fate::sent(frame)
    }
}

/// Gives every real server a way that only packets up to `mtu` bytes fit.
fn narrow(director: &mut Director, mtu: u32) {
    for number in 1..=4 {
        let hop = director.hop(number, 1, None, mtu);
        director.change(number, |destination| destination.hop = Some(hop));
    }
}

#[test]
fn who_finds_no_real_server_hears_port_unreachable() {
    let mut director = director(0, NoDestination::Icmp);
    for opener in openers() {
        for length in [0, 1, 7, 100, 1400] {
            let frame = opener.clone().payload(&vec![b'x'; length]);
            let answer = error(IcmpError::PortUnreachable, &frame);
            assert_eq!(
                director.fate_of(&frame),
                answered("unreachable", &answer.bytes())
            );
        }
    }
    assert_eq!(director.list(), []);
}

#[test]
fn the_type_of_service_is_kept_but_for_its_precedence() {
    let mut director = director(0, NoDestination::Icmp);
    let frame = udp(CLIENT, WEB).traffic_class(0xff);
    let answer = error(IcmpError::PortUnreachable, &frame).traffic_class(0xde);
    assert_eq!(
        director.fate_of(&frame),
        answered("unreachable", &answer.bytes())
    );
}

#[test]
fn options_and_extension_headers_are_quoted() {
    let mut director = director(0, NoDestination::Icmp);
    for frame in [
        udp(CLIENT, WEB).ipv4_options(&[1; 40]),
        udp(CLIENT6, WEB6).extension(Extension::DestinationOptions(vec![1; 100])),
        udp(CLIENT6, WEB6).extension(Extension::AtomicFragment),
    ] {
        let answer = error(IcmpError::PortUnreachable, &frame);
        assert_eq!(
            director.fate_of(&frame),
            answered("unreachable", &answer.bytes())
        );
    }
}

#[test]
fn an_answer_has_the_tags_of_the_packet() {
    let mut director = director(0, NoDestination::Icmp);
    for opener in openers() {
        let answer = error(IcmpError::PortUnreachable, &opener);
        for (frame, answer) in [
            (opener.clone().vlan(7), answer.clone().vlan(7)),
            (
                opener.clone().service_vlan(8).vlan(9),
                answer.clone().service_vlan(8).vlan(9),
            ),
        ] {
            assert_eq!(
                director.fate_of(&frame),
                answered("unreachable", &answer.bytes())
            );
        }
    }
}

#[test]
fn padding_is_not_quoted() {
    let mut director = director(0, NoDestination::Icmp);
    let frame = udp(CLIENT, WEB);
    let mut padded = incoming(&frame);
    padded.resize(60, 0);
    let answer = error(IcmpError::PortUnreachable, &frame);
    assert_eq!(
        director.fate(&padded),
        answered("unreachable", &answer.bytes())
    );
}

#[test]
fn frames_larger_than_a_page_are_quoted_like_others() {
    let mut director = director(0, NoDestination::Icmp);
    for opener in openers() {
        let frame = opener.payload(&[b'x'; 8900]);
        let answer = error(IcmpError::PortUnreachable, &frame);
        assert_eq!(
            director.fate_of(&frame),
            answered("unreachable", &answer.bytes())
        );
    }
}

#[test]
fn with_resets_tcp_hears_a_reset_and_udp_port_unreachable() {
    let mut director = director(0, NoDestination::Reset);
    for (client, service) in [(CLIENT, WEB), (CLIENT6, WEB6)] {
        let (flags, from, to) = (TcpFlags::RST | TcpFlags::ACK, service, client);
        for (length, acknowledgement) in [(0, 1001), (4, 1005), (1400, 2401)] {
            let syn = tcp(client, service, TcpFlags::SYN)
                .sequence(1000)
                .payload(&vec![b'x'; length]);
            let reset = tcp(from, to, flags)
                .sequence(0)
                .acknowledgement(acknowledgement);
            assert_eq!(
                director.fate_of(&syn),
                answered("reset", &without_window(&reset))
            );
        }
        let believed = tcp(client, service, TcpFlags::SYN | TcpFlags::ACK).acknowledgement(5000);
        let reset = tcp(from, to, TcpFlags::RST)
            .sequence(5000)
            .acknowledgement(0);
        assert_eq!(
            director.fate_of(&believed),
            answered("reset", &without_window(&reset))
        );
        let datagram = udp(client, service);
        let answer = error(IcmpError::PortUnreachable, &datagram);
        assert_eq!(
            director.fate_of(&datagram),
            answered("unreachable", &answer.bytes())
        );
    }
}

/// A reset from the director, with a window of 0. The builder's window, 0xffff, is 0 in a one's complement sum too.
fn without_window(reset: &Frame) -> Vec<u8> {
    let reset = reset.clone().macs(OWN, ROUTER);
    let mut bytes = reset.bytes();
    let window = reset.transport_offset() + 14;
    bytes[window..window + 2].copy_from_slice(&[0, 0]);
    bytes
}

#[test]
fn nothing_is_said_when_the_operator_wants_silence() {
    let mut director = director(0, NoDestination::Drop);
    for opener in openers() {
        assert_eq!(
            director.fate_of(&opener),
            Fate::dropped("no-destination", &incoming(&opener))
        );
    }
}

#[test]
fn a_packet_at_the_end_of_its_time_is_told_so_and_counts_like_in_ipvs() {
    let mut director = director(1, NoDestination::Icmp);
    for (destination, opener) in (1..).zip(openers()) {
        for ttl in [0, 1] {
            let frame = opener.clone().ttl(ttl);
            let answer = error(IcmpError::TimeExceeded, &frame);
            assert_eq!(
                director.fate_of(&frame),
                answered("time-exceeded", &answer.bytes())
            );
        }
        let (active, inactive) = director.live(destination);
        assert_eq!(active + inactive, 1, "it has a connection");
    }
}

#[test]
fn a_packet_that_does_not_fit_hears_what_does() {
    let mut director = director(1, NoDestination::Icmp);
    narrow(&mut director, 1300);
    for opener in openers() {
        let headers = opener.packet().len();
        let fits = opener.clone().payload(&vec![b'x'; 1300 - headers]);
        assert_eq!(director.fate_of(&fits).verdict, TX);
        assert_eq!(director.count("too-big"), 0);
    }
    for opener in openers() {
        let headers = opener.packet().len();
        let frame = opener.payload(&vec![b'x'; 1301 - headers]);
        let quoted = frame.clone().ttl(63);
        let answer = error(IcmpError::TooBig(1300), &quoted);
        assert_eq!(
            director.fate_of(&frame),
            answered("too-big", &answer.bytes())
        );
    }
}

#[test]
fn a_packet_that_may_be_fragmented_is_dropped_without_an_answer() {
    let mut director = director(1, NoDestination::Icmp);
    narrow(&mut director, 1000);
    let frame = udp(CLIENT, WEB).identification(7).payload(&[b'x'; 1000]);
    assert_eq!(
        director.fate_of(&frame),
        Fate::dropped("needs-fragmenting", &incoming(&frame))
    );
}

#[test]
fn who_is_no_single_host_gets_no_answer() {
    let mut director = director(0, NoDestination::Icmp);
    for client in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"] {
        let frame = udp(&format!("{client}:4000"), WEB);
        assert_eq!(
            director.fate_of(&frame),
            Fate::dropped("no-destination", &incoming(&frame))
        );
    }
    for client in ["::", "::1", "ff02::1"] {
        let frame = udp(&format!("[{client}]:4000"), WEB6);
        assert_eq!(
            director.fate_of(&frame),
            Fate::dropped("no-destination", &incoming(&frame))
        );
    }
}

#[test]
fn a_later_fragment_gets_no_answer() {
    let mut director = director(1, NoDestination::Icmp);
    for (client, service) in [(CLIENT, WEB), (CLIENT6, WEB6)] {
        let whole = udp(client, service)
            .identification(7)
            .payload(&[b'x'; 100])
            .macs(ROUTER, OWN);
        let fragments = whole.fragments(64);
        assert_eq!(director.fate(&fragments[0]).verdict, TX);
        let spent = whole.ttl(1).fragments(64);
        assert_eq!(
            director.fate(&spent[1]),
            Fate::dropped("time-to-live", &spent[1])
        );
    }
}

#[test]
fn there_are_no_more_answers_than_the_operator_wants_until_time_passes() {
    let mut director = director(0, NoDestination::Icmp);
    director.policy(|policy| policy.ipvs.answers_per_second = NonZeroU32::new(3));
    let frame = udp(CLIENT, WEB);
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(director.fate_of(&frame).reasons, ["unreachable"]);
        }
        for _ in 0..2 {
            assert_eq!(
                director.fate_of(&frame),
                Fate::dropped("answers-exceeded", &incoming(&frame))
            );
        }
        director.advance(seconds(2));
    }
}

#[test]
fn without_a_limit_everybody_is_answered() {
    let mut director = director(0, NoDestination::Icmp);
    director.policy(|policy| policy.ipvs.answers_per_second = None);
    for _ in 0..5000 {
        assert_eq!(director.fate_of(&udp(CLIENT, WEB)).verdict, TX);
    }
    assert_eq!(director.count("unreachable"), 5000);
}
