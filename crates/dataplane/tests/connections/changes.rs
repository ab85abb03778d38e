//! What services and real servers become meanwhile moves no connection.

use std::collections::BTreeSet;

use dray_model::{Action, DataPlane as _, DestinationId, HopId};
use dray_sched::Kind;

use super::{ACK, FIN, SYN, WEB, after, director, segment};
use crate::common::*;

#[test]
fn a_quiesced_real_server_keeps_its_connections_and_gets_no_new_ones() {
    let (mut director, destination) = after(&[SYN, ACK]);
    assert_eq!(destination, 3);
    director.edit(0, Kind::RoundRobin, |list| list[0].weight = 0);
    assert_eq!(director.forwarded(&segment(ACK)), 3);
    let others: BTreeSet<u32> = (1..=9)
        .map(|host| director.forwarded(&tcp(&format!("192.0.2.{host}:5000"), WEB, SYN)))
        .collect();
    assert_eq!(others, BTreeSet::from([1, 2]));
    assert_eq!(director.live(3), (1, 0));
}

#[test]
fn a_removed_real_server_keeps_its_connections_until_they_end() {
    let (mut director, destination) = after(&[SYN, ACK]);
    assert_eq!(destination, 3);
    director.edit(0, Kind::RoundRobin, |list| {
        list.retain(|entry| entry.destination != 3)
    });
    assert_eq!(director.forwarded(&segment(ACK)), 3);
    let free = Action::FreeDestination {
        id: DestinationId(3),
    };
    let error = director
        .private
        .data_plane()
        .apply(&free)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("destination 3 still has connections"),
        "{error}"
    );
    assert_eq!(
        director.forwarded(&segment(ACK)),
        3,
        "a refused action changes nothing"
    );
    director.advance(seconds(901));
    director.sweep();
    director.apply(free);
    assert!(
        !director
            .observe()
            .destinations
            .contains_key(&DestinationId(3))
    );
}

#[test]
fn the_connections_of_a_withdrawn_service_go_on() {
    let (mut director, destination) = after(&[SYN, ACK]);
    director.withdraw(0);
    assert_eq!(director.forwarded(&segment(ACK)), destination);
    let new = tcp("192.0.2.2:4000", WEB, SYN);
    assert_eq!(
        director.fate_of(&new),
        Fate::passed("not-a-service", &incoming(&new))
    );
    assert_eq!(director.forwarded(&segment(FIN | ACK)), destination);
    assert_eq!(director.live(destination), (0, 1));
}

#[test]
fn no_change_of_a_record_moves_a_connection() {
    let mut director = director();
    let client = |port: u16| format!("198.51.100.7:{}", 1024 + port);
    let mut places: Vec<u32> = (0..200)
        .map(|port| director.forwarded(&tcp(&client(port), WEB, SYN)))
        .collect();
    let kinds = [
        Kind::WeightedRoundRobin,
        Kind::WeightedLeastConnection,
        Kind::SourceHash {
            fallback: false,
            port: true,
        },
        Kind::MaglevHash {
            fallback: true,
            port: false,
        },
        Kind::RoundRobin,
    ];
    for (round, kind) in kinds.into_iter().enumerate() {
        director.edit(0, kind, |list| {
            list.rotate_left(1);
            list[0].weight = round as u32;
            list[1].weight += 3;
            list[2].eligible = round % 2 == 0;
        });
        for (port, place) in (0..).zip(&places) {
            assert_eq!(
                director.forwarded(&tcp(&client(port), WEB, ACK)),
                *place,
                "{kind:?}"
            );
        }
        // And a few more from this record.
        let next = places.len() as u16;
        places.extend(
            (next..next + 20).map(|port| director.forwarded(&tcp(&client(port), WEB, SYN))),
        );
    }
    let mut live = 0;
    for destination in 1..=3 {
        let (active, inactive) = director.live(destination);
        assert_eq!(inactive, 0);
        live += active;
    }
    assert_eq!(live as usize, places.len());
}

#[test]
fn a_new_next_hop_moves_all_packets_of_a_destination_at_once() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let segment = |port: u16, flags| tcp(&format!("192.0.2.1:{port}"), WEB, flags);
    for port in 4000..4050 {
        assert_eq!(director.forwarded(&segment(port, SYN)), 1);
    }
    // The real server's network card was changed.
    let hop = director.hop(77, 1, None, 1500);
    director.change(1, |destination| destination.hop = Some(hop));
    director.apply(Action::FreeHop { id: HopId(1) });
    for port in 4000..4050 {
        assert_eq!(director.forwarded(&segment(port, ACK)), 77);
    }
    assert_eq!(director.live(1), (50, 0));
}
