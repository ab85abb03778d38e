//! SCTP associations, of which only the client's packets are seen.

mod common;

use common::*;
use dray_model::Sweep;
use dray_sched::Kind;
use dray_testkit::frames::{ChunkType, Frame};

const CLIENT: &str = "192.0.2.1:4000";
const CLIENT6: &str = "[2001:db8::1]:4000";
const SIGTRAN: &str = "10.0.0.100:2905";
const SIGTRAN6: &str = "[fd00::100]:2905";

/// A director with three real servers for each family: 3, 2, 1 and 6, 5, 4.
fn director() -> Director {
    let mut director = Director::new();
    for address in [SIGTRAN, SIGTRAN6] {
        director.service(&format!("sctp://{address}"), Kind::RoundRobin, &[1; 3]);
    }
    director
}

fn packet(chunk: ChunkType) -> Frame {
    sctp(CLIENT, SIGTRAN, chunk)
}

#[test]
fn an_association_goes_to_one_real_server_unchanged() {
    let mut director = director();
    for (client, service, destination) in [(CLIENT, SIGTRAN, 3), (CLIENT6, SIGTRAN6, 6)] {
        for chunk in [ChunkType::INIT, ChunkType::COOKIE_ECHO, ChunkType::DATA] {
            let frame = sctp(client, service, chunk);
            let leaving = frame.clone().ttl(63).macs(OWN, mac_of(destination)).bytes();
            assert_eq!(director.fate_of(&frame), Fate::sent(&leaving), "{chunk:?}");
        }
    }
    assert_eq!(director.list().len(), 2);
}

#[test]
fn only_init_opens_an_association() {
    let mut director = director();
    for chunk in [
        ChunkType::DATA,
        ChunkType::INIT_ACK,
        ChunkType::ABORT,
        ChunkType::SHUTDOWN,
        ChunkType::COOKIE_ECHO,
        ChunkType(77),
    ] {
        let frame = packet(chunk);
        let passed = Fate::passed("no-connection", &incoming(&frame));
        assert_eq!(director.fate_of(&frame), passed, "{chunk:?}");
    }
    assert_eq!(director.forwarded(&packet(ChunkType::INIT)), 3);
}

#[test]
fn sloppy_sctp_lets_every_packet_but_abort_open_one() {
    for (chunk, state) in [
        (ChunkType::DATA, "ESTABLISHED"),
        (ChunkType::INIT_ACK, "C-ECHOED"),
        (ChunkType::COOKIE_ECHO, "ESTABLISHED"),
        (ChunkType::SHUTDOWN, "S-RECEIVED"),
    ] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.sloppy_sctp = true);
        let abort = packet(ChunkType::ABORT);
        assert_eq!(
            director.fate_of(&abort),
            Fate::passed("no-connection", &incoming(&abort))
        );
        assert_eq!(director.forwarded(&packet(chunk)), 3);
        assert_eq!(director.state(), state, "{chunk:?}");
    }
}

#[test]
fn every_state_lasts_and_counts_as_in_ipvs() {
    const INIT: ChunkType = ChunkType::INIT;
    const COOKIE_ECHO: ChunkType = ChunkType::COOKIE_ECHO;
    for (chunks, name, timeout, counts) in [
        (&[INIT][..], "INIT1", 4, (0, 1)),
        (&[INIT, INIT], "INIT", 61, (0, 1)),
        (&[INIT, COOKIE_ECHO], "ESTABLISHED", 900, (1, 0)),
        (
            &[INIT, COOKIE_ECHO, ChunkType::DATA],
            "ESTABLISHED",
            900,
            (1, 0),
        ),
        (
            &[INIT, COOKIE_ECHO, ChunkType::SHUTDOWN],
            "S-RECEIVED",
            61,
            (0, 1),
        ),
        (
            &[INIT, COOKIE_ECHO, ChunkType::SHUTDOWN_ACK],
            "CLOSED",
            61,
            (0, 1),
        ),
        (&[INIT, ChunkType::ABORT], "CLOSED", 61, (0, 1)),
        (
            &[
                INIT,
                COOKIE_ECHO,
                ChunkType::SHUTDOWN,
                ChunkType::SHUTDOWN_COMPLETE,
            ],
            "CLOSED",
            61,
            (0, 1),
        ),
    ] {
        let mut director = director();
        for chunk in chunks {
            assert_eq!(director.forwarded(&packet(*chunk)), 3, "{name}");
        }
        assert_eq!((director.state(), director.live(3)), (name, counts));
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
        assert_eq!(director.live(3), (0, 0), "{name}");
    }
}

#[test]
fn an_abort_behind_a_cookie_counts() {
    let mut director = director();
    director.forwarded(&packet(ChunkType::INIT));
    let both = packet(ChunkType::COOKIE_ECHO).chunk(ChunkType::ABORT, &[]);
    director.forwarded(&both);
    assert_eq!(director.state(), "CLOSED");
}

#[test]
fn an_init_on_a_closed_association_is_scheduled_anew() {
    for (mode, destination) in [(0, 3), (1, 2)] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.conn_reuse_mode = mode);
        for chunk in [ChunkType::INIT, ChunkType::ABORT] {
            director.forwarded(&packet(chunk));
        }
        assert_eq!(
            director.forwarded(&packet(ChunkType::INIT)),
            destination,
            "mode {mode}"
        );
        assert_eq!(director.list().len(), 1);
    }
}

#[test]
fn a_packet_without_a_whole_chunk_is_left_to_the_host() {
    let mut director = director();
    let whole = incoming(&packet(ChunkType::INIT));
    let header = packet(ChunkType::INIT).transport_offset() + 12;
    for length in [header, header + 3] {
        let cut = &whole[..length];
        assert_eq!(director.fate(cut).verdict, PASS, "{length} bytes");
    }
    assert_eq!(director.list(), []);
}
