//! What becomes of the connections of real servers that were removed.

mod common;

use common::*;
use dray_model::{DataPlane as _, Family, Removed, Sweep};
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";

/// A director with an established connection, on real server 2 of two.
fn director() -> Director {
    let mut director = Director::new();
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1, 1]);
    for flags in [SYN, ACK] {
        assert_eq!(director.forwarded(&segment(flags)), 2);
    }
    director
}

fn segment(flags: TcpFlags) -> Frame {
    tcp(CLIENT, WEB, flags)
}

fn dropped(director: &mut Director, frame: &Frame) {
    let wanted = Fate::dropped("real-server-removed", &incoming(frame));
    assert_eq!(director.fate_of(frame), wanted);
}

#[test]
fn its_connections_are_finished() {
    let mut director = director();
    director.remove(2);
    assert_eq!(director.forwarded(&segment(ACK)), 2);
    assert_eq!(director.forwarded(&segment(TcpFlags::FIN | ACK)), 2);
    assert_eq!(director.live(2), (0, 1));
    director.advance(seconds(121));
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
fn its_connections_packets_are_dropped_until_it_is_back() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.removed = Removed::Drop);
    director.remove(2);
    dropped(&mut director, &segment(ACK));
    dropped(&mut director, &segment(SYN));
    let packets = director.counters(2).packets;
    assert_eq!(packets, 2, "what is dropped does not count");
    director.restore(2);
    assert_eq!(director.forwarded(&segment(ACK)), 2);
}

#[test]
fn packets_that_are_dropped_do_not_make_the_connection_last() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.removed = Removed::Drop);
    director.remove(2);
    for _ in 0..9 {
        director.advance(seconds(100));
        dropped(&mut director, &segment(ACK));
    }
    director.advance(seconds(2));
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0,
        }
    );
    assert_eq!(director.forwarded(&segment(SYN)), 1);
}

#[test]
fn its_connections_end_with_it() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    director.remove(2);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0,
        }
    );
    assert_eq!(director.live(2), (0, 0));
    let ack = segment(ACK);
    assert_eq!(
        director.fate_of(&ack),
        Fate::passed("no-connection", &incoming(&ack))
    );
    assert_eq!(director.forwarded(&segment(SYN)), 1);
}

#[test]
fn with_expire_nodest_conn_switched_on_later_its_connections_last_until_the_next_removal() {
    let mut director = director();
    director.remove(2);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 1,
            ended: 0,
            translated: 0
        }
    );
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 1,
            ended: 0,
            translated: 0
        }
    );
    director.remove(1);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 0,
            ended: 1,
            translated: 0
        }
    );
}

#[test]
fn with_expire_nodest_conn_switched_on_later_its_connections_end_with_their_next_packet() {
    let mut director = director();
    director.remove(2);
    director.sweep();
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    assert_eq!(director.forwarded(&segment(SYN)), 1);
    assert_eq!((director.live(1), director.live(2)), ((1, 0), (0, 0)));
}

#[test]
fn one_round_of_sweeps_ends_its_connections_wherever_they_lie() {
    const PARTS: u32 = 7;
    let mut director = Director::new();
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1]);
    for client in 1..=50 {
        for flags in [SYN, ACK] {
            let segment = tcp(&format!("192.0.2.{client}:4000"), WEB, flags);
            assert_eq!(director.forwarded(&segment), 1);
        }
    }
    let sweep = |director: &mut Director| director.private.data_plane().sweep(PARTS).ended;
    assert_eq!(sweep(&mut director), 0, "the round begins in the middle");
    director.remove(1);
    let ended: Vec<u64> = (0..PARTS).map(|_| sweep(&mut director)).collect();
    assert_eq!(ended.iter().sum::<u64>(), 50, "{ended:?}");
    let live = director.all_live(1);
    assert_eq!((live.total(), live.persistent), (0, 0));
}

#[test]
fn its_connections_are_as_if_they_were_not_there_before_a_sweep() {
    for flags in [SYN, ACK] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
        director.remove(2);
        let segment = segment(flags);
        if flags == SYN {
            assert_eq!(director.forwarded(&segment), 1);
            assert_eq!((director.live(1), director.live(2)), ((1, 0), (0, 0)));
        } else {
            let passed = Fate::passed("no-connection", &incoming(&segment));
            assert_eq!(director.fate_of(&segment), passed);
        }
    }
}

#[test]
fn with_expire_nodest_conn_a_syn_leaves_a_quiesced_real_server() {
    let mut director = director();
    director.weigh(2, 0);
    assert_eq!(director.forwarded(&segment(SYN)), 2, "without it, it stays");
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    assert_eq!(director.forwarded(&segment(ACK)), 2);
    assert_eq!(director.forwarded(&segment(SYN)), 1);
    assert_eq!((director.live(1), director.live(2)), ((1, 0), (0, 0)));
}

#[test]
fn the_connections_of_a_service_that_is_gone_are_those_of_removed_real_servers() {
    let mut director = director();
    director.policy(|policy| policy.ipvs.removed = Removed::Drop);
    director.withdraw(0);
    dropped(&mut director, &segment(ACK));
    director.policy(|policy| policy.ipvs.removed = Removed::Finish);
    assert_eq!(director.forwarded(&segment(ACK)), 2);
}

#[test]
fn templates_of_a_removed_real_server_end_with_their_connections() {
    let mut director = Director::new();
    director.policy(|policy| policy.ipvs.expire_nodest_conn = true);
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("tcp://{WEB}"), Kind::RoundRobin, options, &[1, 1]);
    for flags in [SYN, ACK] {
        assert_eq!(director.forwarded(&segment(flags)), 2);
    }
    assert_eq!(director.all_live(2).persistent, 1);
    director.remove(2);
    director.sweep();
    assert_eq!((director.list(), director.templates()), (vec![], vec![]));
    let live = director.all_live(2);
    assert_eq!((live.total(), live.persistent), (0, 0));
}

#[test]
fn a_local_real_servers_packets_go_to_the_host() {
    let mut director = director();
    director.change(2, |destination| {
        destination.local = true;
        destination.hop = None;
    });
    let ack = segment(ACK);
    let passed = Fate::passed("local-real-server", &incoming(&ack));
    assert_eq!(director.fate_of(&ack), passed);
    assert_eq!(director.counters(2).packets, 3, "they count");
}
