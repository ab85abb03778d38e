//! What happens when the connection table has no room: nothing that a client would notice.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use common::*;
use dray_dataplane::Capacity;
use dray_model::Sweep;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;

/// Slots of a table made for 16 connections: six buckets of eight.
const SLOTS: usize = 48;
const SMALL: Capacity = Capacity {
    connections: 16,
    translations: 16,
    ..CAPACITY
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// A flow of many: its family and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    v6: bool,
    number: u32,
}

impl Flow {
    fn all(family: Family) -> impl Iterator<Item = Self> {
        let v6 = family == Family::V6;
        (0..).map(move |number| Self { v6, number })
    }

    /// An address and a port that look random but are no other flow's: those of neighbouring numbers spread
    /// over buckets more evenly than chance would have it.
    fn client(self) -> String {
        let mixed = (self.number ^ self.number >> 16).wrapping_mul(0x7feb_352d);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x846c_a68b);
        let mixed = mixed ^ mixed >> 16;
        let (host, port) = (mixed >> 15, mixed & 0x7fff | 0x8000);
        if self.v6 {
            format!("[2001:db8::{:x}:{:x}]:{port}", host >> 16, host & 0xffff)
        } else {
            // 198.18.0.0/15 is for tests of networks (RFC 2544).
            let address = std::net::Ipv4Addr::from_bits(0xc612_0000 | host);
            format!("{address}:{port}")
        }
    }

    fn service(self) -> &'static str {
        if self.v6 {
            "[fd00::100]:80"
        } else {
            "10.0.0.100:80"
        }
    }

    fn segment(self, flags: TcpFlags) -> Frame {
        tcp(&self.client(), self.service(), flags)
    }

    fn datagram(self) -> Frame {
        udp(&self.client(), self.service())
    }
}

/// A director with a small table and services of both families and protocols, with four real servers each.
fn director(kind: Kind) -> Director {
    let mut director = Director::with(SMALL);
    for service in [
        "tcp://10.0.0.100:80",
        "udp://10.0.0.100:80",
        "tcp://[fd00::100]:80",
        "udp://[fd00::100]:80",
    ] {
        director.service(service, kind, &[1, 1, 1, 1]);
    }
    director
}

/// Opens flows, each with segments of these flags, until every slot of the family's table is taken. The flows
/// that have a connection, and their destinations.
fn fill(director: &mut Director, family: Family, flags: &[TcpFlags]) -> BTreeMap<Flow, u32> {
    let before = director.list().len();
    let mut kept = BTreeMap::new();
    for flow in Flow::all(family).take(2000) {
        let full = director.count("table-full");
        for flags in flags {
            let destination = director.forwarded(&flow.segment(*flags));
            if director.count("table-full") == full {
                kept.insert(flow, destination);
            }
        }
        if director.list().len() == before + SLOTS {
            assert_eq!(kept.len(), SLOTS);
            return kept;
        }
    }
    panic!(
        "2000 flows do not fill {SLOTS} slots: {:?}",
        director.counted()
    );
}

/// Flows of which none was sent before.
fn others(family: Family) -> impl Iterator<Item = Flow> {
    Flow::all(family).skip(10_000)
}

/// Sends a frame that must be forwarded for these reasons; the destination it went to.
fn forwarded_as(director: &mut Director, frame: &Frame, reasons: &[&str]) -> u32 {
    let fate = director.fate_of(frame);
    assert_eq!((fate.verdict, &fate.reasons[..]), (TX, reasons));
    u32::from_be_bytes([0, fate.frame[3], fate.frame[4], fate.frame[5]])
}

/// Active and inactive connections of all destinations together.
fn live(director: &mut Director) -> (u32, u32) {
    (1..=16)
        .map(|destination| director.live(destination))
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

#[test]
fn a_flow_that_finds_the_table_full_goes_to_one_real_server_with_all_its_packets() {
    for kind in [Kind::RoundRobin, Kind::WeightedLeastConnection] {
        let mut director = director(kind);
        for family in FAMILIES {
            fill(&mut director, family, &[SYN, ACK]);
            let mut chosen = BTreeSet::new();
            for flow in others(family).take(100) {
                let first = forwarded_as(&mut director, &flow.segment(SYN), &["table-full"]);
                for flags in [
                    SYN,
                    ACK,
                    TcpFlags::PSH | ACK,
                    ACK,
                    TcpFlags::FIN | ACK,
                    ACK,
                    TcpFlags::RST,
                ] {
                    let next = forwarded_as(&mut director, &flow.segment(flags), &["table-full"]);
                    assert_eq!(next, first, "{flow:?} {flags:?}");
                }
                let datagram = forwarded_as(&mut director, &flow.datagram(), &["table-full"]);
                for _ in 0..3 {
                    let next = forwarded_as(&mut director, &flow.datagram(), &["table-full"]);
                    assert_eq!(next, datagram, "{flow:?}");
                }
                chosen.extend([first, datagram]);
            }
            assert_eq!(chosen.len(), 8, "every real server gets some: {chosen:?}");
        }
        assert_eq!(live(&mut director), (2 * SLOTS as u32, 0));
        let counted: Vec<_> = director
            .counted()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(counted, ["table-full"]);
    }
}

#[test]
fn connections_that_were_refused_take_no_room() {
    for family in FAMILIES {
        let mut director = director(Kind::RoundRobin);
        let weigh = |director: &mut Director, weight| {
            for service in 0..4 {
                director.edit(service, Kind::RoundRobin, |list| {
                    list.iter_mut().for_each(|entry| entry.weight = weight);
                });
            }
        };
        weigh(&mut director, 0);
        for flow in others(family).take(500) {
            let fate = director.fate_of(&flow.segment(SYN));
            assert_eq!((fate.verdict, fate.reasons), (DROP, vec!["no-destination"]));
        }
        weigh(&mut director, 1);
        fill(&mut director, family, &[SYN]);
    }
}

#[test]
fn hashing_schedulers_choose_the_same_whether_there_is_room_or_not() {
    for kind in [
        Kind::SourceHash {
            fallback: false,
            port: true,
        },
        Kind::MaglevHash {
            fallback: false,
            port: true,
        },
    ] {
        let mut director = director(kind);
        for family in FAMILIES {
            let with_room: Vec<u32> = others(family)
                .take(40)
                .map(|flow| {
                    let destination = director.forwarded(&flow.segment(SYN));
                    director.private.data_plane().forget_connections();
                    destination
                })
                .collect();
            fill(&mut director, family, &[SYN, ACK]);
            for (flow, destination) in others(family).zip(with_room) {
                let chosen = forwarded_as(&mut director, &flow.segment(SYN), &["table-full"]);
                assert_eq!(chosen, destination, "{kind:?} {flow:?}");
            }
        }
    }
}

#[test]
fn packets_without_a_connection_count_for_their_real_server_and_connections_do_not() {
    let mut director = director(Kind::RoundRobin);
    fill(&mut director, Family::V4, &[SYN, ACK]);
    let flow = others(Family::V4).next().unwrap();
    let destination = director.forwarded(&flow.segment(SYN));
    let before = director.counters(destination);
    director.forwarded(&flow.segment(ACK));
    let after = director.counters(destination);
    assert_eq!(after.packets, before.packets + 1);
    assert_eq!(after.bytes, before.bytes + 40);
    assert_eq!(after.connections, before.connections);
}

#[test]
fn no_flood_evicts_an_established_connection() {
    let mut director = director(Kind::RoundRobin);
    for family in FAMILIES {
        let established = fill(&mut director, family, &[SYN, ACK]);
        director.advance(Duration::from_secs(300));
        for flow in others(family).take(500) {
            forwarded_as(&mut director, &flow.segment(SYN), &["table-full"]);
            forwarded_as(&mut director, &flow.datagram(), &["table-full"]);
        }
        for (flow, destination) in &established {
            assert_eq!(
                forwarded_as(&mut director, &flow.segment(ACK), &[]),
                *destination
            );
        }
    }
    assert_eq!(live(&mut director), (2 * SLOTS as u32, 0));
    assert_eq!(director.count("half-open-replaced"), 0);
}

#[test]
fn half_open_connections_make_room_after_three_seconds() {
    for family in FAMILIES {
        let mut director = director(Kind::RoundRobin);
        let half_open = fill(&mut director, family, &[SYN]);
        let mut new = others(family);
        director.advance(Duration::from_secs(3));
        forwarded_as(
            &mut director,
            &new.next().unwrap().segment(SYN),
            &["table-full"],
        );
        // One that its client goes on asking for is not old.
        let (asked, destination) = half_open.first_key_value().unwrap();
        director.forwarded(&asked.segment(SYN));
        director.advance(Duration::from_secs(1));
        for count in 1..=6 {
            let flow = new.next().unwrap();
            let destination =
                forwarded_as(&mut director, &flow.segment(SYN), &["half-open-replaced"]);
            assert_eq!(
                forwarded_as(&mut director, &flow.segment(ACK), &[]),
                destination
            );
            assert_eq!(live(&mut director), (SLOTS as u32, 0), "{count} replaced");
        }
        assert_eq!(
            forwarded_as(&mut director, &asked.segment(ACK), &[]),
            *destination
        );
        let states = director
            .list()
            .into_iter()
            .map(|connection| connection.state);
        assert_eq!(states.filter(|state| *state == "ESTABLISHED").count(), 7);
        assert_eq!(director.list().len(), SLOTS);
    }
}

#[test]
fn a_flood_of_half_open_connections_lets_everybody_else_through() {
    let mut director = director(Kind::RoundRobin);
    let established: Vec<(Flow, u32)> = Flow::all(Family::V4)
        .take(8)
        .map(|flow| (flow, director.forwarded(&flow.segment(SYN))))
        .collect();
    for (flow, destination) in &established {
        assert_eq!(director.forwarded(&flow.segment(ACK)), *destination);
    }
    let mut flood = others(Family::V4);
    for _second in 0..30 {
        for flow in flood.by_ref().take(40) {
            director.forwarded(&flow.segment(SYN));
        }
        director.advance(Duration::from_secs(1));
        for (flow, destination) in &established {
            assert_eq!(
                forwarded_as(&mut director, &flow.segment(ACK), &[]),
                *destination
            );
        }
    }
    let listed = director.list();
    let count = |state| {
        listed
            .iter()
            .filter(|connection| connection.state == state)
            .count() as u32
    };
    assert_eq!(
        (count("ESTABLISHED"), live(&mut director)),
        (8, (8 + count("SYN_RECV"), 0))
    );
}

#[test]
fn a_connection_whose_time_is_over_makes_room_without_a_sweep() {
    /// As many as there is always room for, should they all have the same bucket.
    const NEW: usize = 8;
    let mut director = director(Kind::RoundRobin);
    for family in FAMILIES {
        fill(&mut director, family, &[SYN, ACK]);
    }
    director.advance(Duration::from_secs(901));
    for family in FAMILIES {
        let mut places = BTreeMap::new();
        for flow in others(family).take(NEW) {
            places.insert(flow, forwarded_as(&mut director, &flow.segment(SYN), &[]));
        }
        for (flow, destination) in &places {
            assert_eq!(
                forwarded_as(&mut director, &flow.segment(ACK), &[]),
                *destination
            );
        }
    }
    // Those that were not in anybody's way are still there, and count.
    assert_eq!(live(&mut director), (2 * SLOTS as u32, 0));
    let new = 2 * NEW as u64;
    assert_eq!(
        director.sweep(),
        Sweep {
            alive: new,
            ended: 2 * SLOTS as u64 - new,
            translated: 0,
        }
    );
    assert_eq!(live(&mut director), (new as u32, 0));
}

#[test]
fn a_flow_without_a_connection_gets_one_where_it_is_when_there_is_room() {
    let mut director = director(Kind::RoundRobin);
    for family in FAMILIES {
        fill(&mut director, family, &[SYN]);
        let places: Vec<(Flow, u32)> = others(family)
            .take(8)
            .map(|flow| {
                (
                    flow,
                    forwarded_as(&mut director, &flow.segment(SYN), &["table-full"]),
                )
            })
            .collect();
        director.advance(Duration::from_secs(61));
        director.sweep();
        for (flow, destination) in &places {
            for _ in 0..2 {
                assert_eq!(
                    forwarded_as(&mut director, &flow.segment(ACK), &[]),
                    *destination
                );
            }
        }
        assert_eq!(live(&mut director), (8, 0));
        assert!(
            director
                .list()
                .iter()
                .all(|connection| connection.state == "ESTABLISHED")
        );
        director.advance(Duration::from_secs(901));
        director.sweep();
    }
}

#[test]
fn udp_that_began_without_a_connection_stays_where_it_is_when_there_is_room() {
    let mut director = director(Kind::RoundRobin);
    for family in FAMILIES {
        fill(&mut director, family, &[SYN]);
        let places: Vec<(Flow, u32)> = others(family)
            .take(8)
            .map(|flow| {
                (
                    flow,
                    forwarded_as(&mut director, &flow.datagram(), &["table-full"]),
                )
            })
            .collect();
        director.advance(Duration::from_secs(61));
        director.sweep();
        for (flow, destination) in &places {
            for _ in 0..2 {
                assert_eq!(
                    forwarded_as(&mut director, &flow.datagram(), &[]),
                    *destination
                );
            }
        }
        assert_eq!(live(&mut director), (0, 8));
        // As long as a connection of UDP lasts: then by turns again, as `rr` does.
        director.advance(Duration::from_secs(301));
        director.sweep();
        let turns: BTreeSet<u32> = others(family)
            .take(4)
            .map(|flow| forwarded_as(&mut director, &flow.datagram(), &[]))
            .collect();
        assert_eq!(turns.len(), 4);
        director.advance(Duration::from_secs(301));
        director.sweep();
    }
}

#[test]
fn fifteen_minutes_after_it_was_full_last_strays_are_left_to_the_host_again() {
    let mut director = director(Kind::RoundRobin);
    fill(&mut director, Family::V4, &[SYN]);
    let mut strays = others(Family::V4);
    let flow = strays.next().unwrap();
    forwarded_as(&mut director, &flow.segment(SYN), &["table-full"]);
    director.advance(Duration::from_secs(890));
    forwarded_as(&mut director, &strays.next().unwrap().segment(ACK), &[]);
    director.advance(Duration::from_secs(20));
    let stray = strays.next().unwrap().segment(ACK);
    assert_eq!(
        director.fate_of(&stray),
        Fate::passed("no-connection", &incoming(&stray))
    );
}

#[test]
fn a_connection_whose_bucket_was_full_is_found_in_its_other_one() {
    let capacity = Capacity {
        connections: 1000,
        ..CAPACITY
    };
    let mut director = Director::with(capacity);
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1; 10]);
    director.service("tcp://[fd00::100]:80", Kind::RoundRobin, &[1; 10]);
    for family in FAMILIES {
        // Three quarters of 3000 slots. Were there only one bucket for each, about 116 flows would find it full
        // (a Poisson distribution of mean 6 has 5 % of its mass above 8); with two, a third of that.
        let flows = 2250;
        let mut kept = BTreeMap::new();
        for flow in Flow::all(family).take(flows) {
            let fate = director.fate_of(&flow.segment(SYN));
            if fate.reasons.is_empty() {
                kept.insert(
                    flow,
                    u32::from_be_bytes([0, fate.frame[3], fate.frame[4], fate.frame[5]]),
                );
            }
        }
        let lost = flows - kept.len();
        assert!(lost < 75, "{lost} flows found no room");
        for (flow, destination) in &kept {
            assert_eq!(
                forwarded_as(&mut director, &flow.segment(ACK), &[]),
                *destination
            );
        }
        let clients: BTreeSet<_> = director
            .list()
            .iter()
            .map(|connection| connection.client)
            .collect();
        assert_eq!(
            clients.len(),
            director.list().len(),
            "no connection is there twice"
        );
        let flow_is_listed = |flow: &Flow| clients.contains(&flow.client().parse().unwrap());
        assert!(kept.keys().all(flow_is_listed));
    }
}
