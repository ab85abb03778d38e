//! States: how long each lasts and how it counts.

use std::time::Duration;

use dray_model::{Sweep, Timeouts};
use dray_testkit::frames::TcpFlags;

use super::{ACK, CLIENT, FIN, RST, SYN, WEB, after, director, play, segment};
use crate::common::*;

#[test]
fn every_state_lasts_as_long_as_in_ipvs() {
    let mut director = director();
    for (flags, name, timeout, counts) in [
        (&[SYN][..], "SYN_RECV", 60, (1, 0)),
        (&[SYN, ACK], "ESTABLISHED", 900, (1, 0)),
        (&[SYN, ACK, FIN | ACK], "FIN_WAIT", 120, (0, 1)),
        (&[SYN, FIN], "TIME_WAIT", 120, (0, 1)),
        (&[SYN, ACK, RST], "CLOSE", 10, (0, 1)),
    ] {
        let destination = play(&mut director, flags);
        assert_eq!(director.state(), name);
        assert_eq!(director.live(destination), counts, "{name}");
        director.advance(seconds(timeout - 1));
        assert_eq!(
            director.sweep(),
            Sweep {
                alive: 1,
                ended: 0,
                translated: 0,
            },
            "{name}"
        );
        assert_eq!(director.live(destination), counts, "{name}");
        director.advance(seconds(2));
        assert_eq!(
            director.sweep(),
            Sweep {
                alive: 0,
                ended: 1,
                translated: 0,
            },
            "{name}"
        );
        assert_eq!(director.live(destination), (0, 0), "{name}");
        assert_eq!(director.list(), []);
    }
}

#[test]
fn a_tcp_connection_counts_as_in_ipvs_all_its_life() {
    let mut director = director();
    let mut trace = Vec::new();
    for flags in [SYN, ACK, FIN | ACK, ACK, SYN, RST, ACK, RST] {
        assert_eq!(director.forwarded(&segment(flags)), 3);
        let counts = director.live(3);
        trace.push((director.state(), counts));
    }
    assert_eq!(
        trace,
        [
            ("SYN_RECV", (1, 0)),
            ("ESTABLISHED", (1, 0)),
            ("FIN_WAIT", (0, 1)),
            ("FIN_WAIT", (0, 1)),
            ("SYN_RECV", (1, 0)),
            ("SYN_RECV", (1, 0)),
            ("ESTABLISHED", (1, 0)),
            ("CLOSE", (0, 1)),
        ]
    );
    assert_eq!(director.counters(3).connections, 1);
}

#[test]
fn udp_is_inactive_all_its_life_and_lasts_300_seconds() {
    let mut director = director();
    let datagram = udp(CLIENT, WEB);
    for _ in 0..3 {
        assert_eq!(director.forwarded(&datagram), 6);
        assert_eq!(director.state(), "UDP");
        assert_eq!(director.live(6), (0, 1));
        director.advance(seconds(299));
    }
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 1,
            ended: 0,
            translated: 0,
        }
    );
    director.advance(seconds(2));
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0,
        }
    );
    assert_eq!(director.live(6), (0, 0));
    assert_eq!(
        director.forwarded(&datagram),
        5,
        "a new connection, and the next real server"
    );
    assert_eq!(director.counters(6).connections, 1);
}

#[test]
fn every_packet_begins_the_time_anew() {
    let (mut director, destination) = after(&[SYN, ACK]);
    for _ in 0..10 {
        director.advance(seconds(890));
        assert_eq!(
            director.sweep(),
            Sweep {
                alive: 1,
                ended: 0,
                translated: 0,
            }
        );
        assert_eq!(director.forwarded(&segment(ACK)), destination);
    }
    assert_eq!(director.list()[0].age.as_secs(), 8899);
}

#[test]
fn the_time_of_an_ended_connection_is_over_for_its_packets_without_a_sweep() {
    let (mut director, destination) = after(&[SYN, ACK]);
    director.advance(seconds(901));
    let late = segment(ACK);
    assert_eq!(
        director.fate_of(&late),
        Fate::passed("no-connection", &incoming(&late))
    );
    // It still counts: only a sweep, or a new connection in its place, takes it away.
    assert_eq!(director.live(destination), (1, 0));
    assert_eq!(director.list()[0].expires, Duration::ZERO);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0,
        }
    );
    assert_eq!(director.live(destination), (0, 0));
}

#[test]
fn new_timeouts_hold_for_the_connections_that_there_are_from_their_next_packets_on() {
    let (mut director, _) = after(&[SYN, ACK]);
    director.forwarded(&udp(CLIENT, WEB));
    let timeouts = Timeouts {
        tcp: seconds(30),
        tcp_fin: seconds(5),
        udp: seconds(20),
    };
    director.policy(|policy| policy.timeouts = timeouts);
    director.advance(seconds(200));
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 2,
            ended: 0,
            translated: 0,
        }
    );
    assert_eq!(director.forwarded(&segment(ACK)), 3);
    director.forwarded(&udp(CLIENT, WEB));
    director.advance(seconds(25));
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 1,
            ended: 1,
            translated: 0,
        }
    );
    assert_eq!(director.forwarded(&segment(FIN | ACK)), 3);
    director.advance(seconds(6));
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0,
        }
    );
}

#[test]
fn a_segment_with_none_of_the_four_flags_changes_nothing_unless_ipvs_is_followed() {
    for (like_ipvs, state) in [(false, "ESTABLISHED"), (true, "CLOSE")] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.null_segments_close = like_ipvs);
        play(&mut director, &[SYN, ACK, TcpFlags::PSH]);
        assert_eq!(director.state(), state);
    }
}

#[test]
fn sloppy_tcp_lets_every_segment_but_a_reset_open_a_connection() {
    for (flags, state) in [
        (ACK, "ESTABLISHED"),
        (FIN, "CLOSE"),
        (TcpFlags::PSH, "NONE"),
    ] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.sloppy_tcp = true);
        let reset = segment(RST);
        let passed = Fate::passed("no-connection", &incoming(&reset));
        assert_eq!(director.fate_of(&reset), passed);
        assert_eq!(director.forwarded(&segment(flags)), 3);
        assert_eq!(director.state(), state, "{flags:?}");
    }
}
