//! A client that uses its port again: the connection that there is, or a new one.

use std::time::Duration;

use dray_model::Sweep;
use dray_sched::Kind;

use super::{ACK, FIN, RST, SYN, after, director, end_all, play, segment};
use crate::common::*;

#[test]
fn a_connection_whose_time_is_over_is_scheduled_anew_and_counted_once() {
    let (mut director, first) = after(&[SYN, ACK]);
    assert_eq!(first, 3);
    director.advance(seconds(901));
    assert_eq!(director.forwarded(&segment(SYN)), 2);
    assert_eq!((director.live(3), director.live(2)), ((0, 0), (1, 0)));
    assert_eq!(director.list().len(), 1);
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: 1,
            ended: 0,
            translated: 0,
        }
    );
    assert_eq!(director.forwarded(&segment(ACK)), 2);
}

#[test]
fn a_syn_schedules_a_closed_connection_anew() {
    let mut director = director();
    for closed in [&[SYN, FIN][..], &[SYN, ACK, RST]] {
        for again in [SYN, SYN | ACK] {
            let old = play(&mut director, closed);
            assert_eq!(director.live(old), (0, 1));
            let had = director.counters(old).connections;
            let new = director.forwarded(&segment(again));
            assert_ne!(new, old, "{closed:?}");
            assert_eq!((director.live(old), director.live(new)), ((0, 0), (1, 0)));
            assert_eq!(director.counters(old).connections, had);
            assert_eq!(director.state(), "SYN_RECV");
            assert_eq!(director.list()[0].age, Duration::ZERO);
            end_all(&mut director);
        }
    }
}

#[test]
fn a_syn_does_not_move_a_connection_that_is_not_closed() {
    let mut director = director();
    for (open, then) in [
        (&[SYN][..], "SYN_RECV"),
        (&[SYN, ACK], "ESTABLISHED"),
        (&[SYN, ACK, FIN | ACK], "SYN_RECV"),
    ] {
        let destination = play(&mut director, open);
        let had = director.counters(destination).connections;
        assert_eq!(director.forwarded(&segment(SYN)), destination, "{open:?}");
        assert_eq!(director.state(), then);
        assert_eq!(director.live(destination), (1, 0), "{open:?}");
        assert_eq!(director.counters(destination).connections, had, "{open:?}");
        end_all(&mut director);
    }
}

#[test]
fn a_closed_connection_that_finds_no_real_server_is_over() {
    let (mut director, _) = after(&[SYN, ACK, RST]);
    director.edit(0, Kind::RoundRobin, |list| {
        list.iter_mut().for_each(|entry| entry.weight = 0)
    });
    let again = segment(SYN);
    assert_eq!(
        director.fate_of(&again),
        Fate::dropped("no-destination", &incoming(&again))
    );
    assert_eq!((director.live(3), director.list().len()), ((0, 0), 0));
}

#[test]
fn a_port_is_used_again_as_conn_reuse_mode_says() {
    for (ending, of_modes) in [(RST, [3, 2, 2, 2]), (FIN | ACK, [3, 3, 2, 2])] {
        for (mode, destination) in (0..).zip(of_modes) {
            let mut director = director();
            director.policy(|policy| policy.ipvs.conn_reuse_mode = mode);
            play(&mut director, &[SYN, ACK, ending]);
            let again = director.forwarded(&segment(SYN));
            assert_eq!(again, destination, "mode {mode} after {ending:?}");
            assert_eq!(director.list().len(), 1);
        }
    }
}
