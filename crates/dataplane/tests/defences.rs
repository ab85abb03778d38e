//! What protects the table from floods: `drop_packet`, `secure_tcp` and `drop_entry`.

mod common;

use std::num::NonZeroU32;

use common::*;
use dray_model::{DataPlane as _, Family};
use dray_sched::Kind;
use dray_testkit::frames::{ChunkType, Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";

fn director() -> Director {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1]);
    director
}

fn segment(port: u16, flags: TcpFlags) -> Frame {
    tcp(&format!("192.0.2.1:{port}"), WEB, flags)
}

/// Calls the defence so often that no bucket is left out but by a miracle.
fn drop_entries(director: &mut Director) -> u64 {
    let plane = director.private.data_plane();
    (0..2000).map(|_| plane.drop_entries()).sum()
}

#[test]
fn drop_packet_drops_each_so_manieth_packet_that_would_be_scheduled() {
    let mut director = director();
    director.policy(|policy| policy.drop_rate = NonZeroU32::new(3));
    let dropped: Vec<bool> = (1..=12)
        .map(|port| {
            let frame = segment(port, SYN);
            let fate = director.fate_of(&frame);
            match fate.verdict {
                TX => false,
                _ => {
                    assert_eq!(fate, Fate::dropped("drop-packet", &incoming(&frame)));
                    true
                }
            }
        })
        .collect();
    // IPVS's counter begins at its end.
    let third = [true, false, false];
    assert_eq!(dropped, third.repeat(4));
    assert_eq!(director.live(1), (8, 0));
}

#[test]
fn drop_packet_leaves_alone_what_is_not_scheduled() {
    let mut director = director();
    director.forwarded(&segment(4000, SYN));
    director.policy(|policy| policy.drop_rate = NonZeroU32::new(1));
    for _ in 0..10 {
        assert_eq!(director.forwarded(&segment(4000, ACK)), 1);
        for frame in [
            tcp(CLIENT, "10.0.0.101:80", SYN),
            segment(4001, ACK),
            udp(CLIENT, WEB),
        ] {
            assert_eq!(director.fate_of(&frame).verdict, PASS);
        }
    }
    assert_eq!(director.count("drop-packet"), 0);
    assert_eq!(
        director.fate_of(&segment(4001, SYN)).reasons,
        ["drop-packet"]
    );
}

#[test]
fn secure_tcp_keeps_half_open_connections_apart() {
    let mut director = director();
    director.policy(|policy| policy.secure_tcp = true);
    director.forwarded(&segment(4000, SYN));
    assert_eq!((director.state(), director.live(1)), ("SYNACK", (1, 0)));
    director.advance(seconds(119));
    assert_eq!(director.sweep().alive, 1, "it lasts two minutes");
    director.forwarded(&segment(4000, ACK));
    assert_eq!(director.state(), "ESTABLISHED");
    director.policy(|policy| policy.secure_tcp = false);
    director.advance(seconds(901));
    director.sweep();
    director.forwarded(&segment(4000, SYN));
    assert_eq!(director.state(), "SYN_RECV");
}

#[test]
fn drop_entry_ends_half_open_connections_and_no_others_that_are_in_use() {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1]);
    director.service(&format!("udp://{WEB}"), Kind::RoundRobin, &[1]);
    director.service(&format!("sctp://{WEB}"), Kind::RoundRobin, &[1]);
    for port in 1001..=1100 {
        director.forwarded(&segment(port, SYN));
    }
    director.forwarded(&sctp(CLIENT, WEB, ChunkType::INIT));
    director.forwarded(&udp(CLIENT, WEB));
    for flags in [SYN, ACK] {
        director.forwarded(&segment(4000, flags));
    }
    for flags in [SYN, ACK, TcpFlags::FIN | ACK] {
        director.forwarded(&segment(4001, flags));
    }
    assert_eq!(drop_entries(&mut director), 101);
    let mut states: Vec<_> = director.list().iter().map(|kept| kept.state).collect();
    states.sort_unstable();
    assert_eq!(states, ["ESTABLISHED", "FIN_WAIT", "UDP"]);
    assert_eq!(director.live(1), (1, 1));
    assert_eq!(director.live(3), (0, 0));
}

#[test]
fn drop_entry_ends_what_was_hardly_used_and_is_idle() {
    let mut director = director();
    for flags in [SYN, ACK] {
        director.forwarded(&segment(4000, flags));
        director.forwarded(&segment(4001, flags));
    }
    // The second one is used for more than half a second.
    director.advance(seconds(1));
    director.forwarded(&segment(4001, ACK));
    director.advance(seconds(58));
    assert_eq!(
        drop_entries(&mut director),
        0,
        "in use within the last minute"
    );
    director.advance(seconds(10));
    assert_eq!(drop_entries(&mut director), 1);
    assert_eq!(director.list()[0].client.port(), 4001);
    assert_eq!(director.live(1), (1, 0));
}

#[test]
fn drop_entry_takes_templates_that_were_never_of_use() {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1]);
    // One with a half-open connection, one with an established one, and one whose connections have ended.
    director.forwarded(&tcp("192.0.2.3:1", WEB, SYN));
    director.advance(seconds(61));
    director.sweep();
    director.forwarded(&tcp("192.0.2.1:1", WEB, SYN));
    for flags in [SYN, ACK] {
        director.forwarded(&tcp("192.0.2.2:1", WEB, flags));
    }
    assert_eq!(director.all_live(1).persistent, 3);
    assert_eq!(drop_entries(&mut director), 1);
    let templates = director.templates();
    let clients: Vec<String> = templates
        .iter()
        .map(|kept| kept.client.to_string())
        .collect();
    assert_eq!(clients, ["192.0.2.2"]);
    assert_eq!(director.all_live(1).persistent, 1);
}
