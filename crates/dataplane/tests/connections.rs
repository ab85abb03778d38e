//! Connections from their first packet to their last, on a clock that only the test moves.

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::*;
use dray_model::{Action, DataPlane as _, DestinationId, HopId, Sweep, Timeouts};
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;
const RST: TcpFlags = TcpFlags::RST;

/// A director with one service of each protocol and three real servers each: 1 to 3 for TCP, 4 to 6 for UDP.
/// `rr` gives the newest first, so 3, 2, 1, 3 and so on.
fn director() -> Director {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    director.service("udp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    director
}

fn segment(flags: TcpFlags) -> Frame {
    tcp(CLIENT, WEB, flags)
}

/// Sends segments with these flags; the one destination that they went to.
fn play(director: &mut Director, flags: &[TcpFlags]) -> u32 {
    let segments = flags.iter().map(|flags| segment(*flags));
    let destinations: BTreeSet<u32> = segments
        .map(|segment| director.forwarded(&segment))
        .collect();
    assert_eq!(destinations.len(), 1, "one connection has one destination");
    destinations.into_iter().next().unwrap()
}

/// A director with one connection, which has seen segments with these flags, and its destination.
fn after(flags: &[TcpFlags]) -> (Director, u32) {
    let mut director = director();
    let destination = play(&mut director, flags);
    (director, destination)
}

/// Ends every connection by letting its time pass.
fn end_all(director: &mut Director) {
    director.advance(seconds(901));
    director.sweep();
}

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

#[test]
fn packets_count_with_the_bytes_of_their_ip_packets() {
    let mut director = Director::new();
    director.service("udp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    let (v4, v6) = (udp(CLIENT, WEB), udp(CLIENT6, WEB6));
    let options = Extension::DestinationOptions(vec![0; 6]);
    for frame in [
        v4.clone().payload(&[0; 100]),
        v4.clone().vlan(7),
        v4.ipv4_options(&[1; 4]),
    ] {
        director.forwarded(&frame);
    }
    for frame in [
        v6.clone().payload(&[0; 1000]),
        v6.clone().vlan(7),
        v6.extension(options),
    ] {
        // Ethernet's padding is nobody's bytes.
        let mut bytes = incoming(&frame);
        bytes.extend([0; 20]);
        assert_eq!(director.fate(&bytes).verdict, TX);
    }
    let (four, six) = (director.counters(1), director.counters(2));
    assert_eq!(
        (four.connections, four.packets, four.bytes),
        (1, 3, 128 + 28 + 32)
    );
    assert_eq!(
        (six.connections, six.packets, six.bytes),
        (1, 3, 1048 + 48 + 56)
    );
}

#[test]
fn a_listed_connection_tells_all_of_itself() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    director.service("udp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    director.advance(seconds(1000));
    director.forwarded(&tcp(CLIENT, WEB, SYN));
    director.advance(seconds(20));
    director.forwarded(&udp(CLIENT6, WEB6));
    director.advance(seconds(10));

    let mut listed = director.list();
    listed.sort_by_key(|connection| connection.client);
    let [four, six] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (four.service, four.client),
        (service("tcp://10.0.0.100:80"), CLIENT.parse().unwrap())
    );
    assert_eq!(
        (four.destination, four.state),
        (DestinationId(1), "SYN_RECV")
    );
    assert_eq!(
        (six.service, six.client),
        (service("udp://[fd00::100]:80"), CLIENT6.parse().unwrap())
    );
    assert_eq!((six.destination, six.state), (DestinationId(2), "UDP"));
    let near =
        |left: Duration, right: u64| left.abs_diff(seconds(right)) < Duration::from_millis(250);
    assert!(near(four.age, 30) && near(four.expires, 30), "{four:?}");
    assert!(near(six.age, 10) && near(six.expires, 290), "{six:?}");
}

#[test]
fn a_listing_has_what_is_asked_for_and_no_more_than_its_limit() {
    let mut director = director();
    for port in 4000..4050 {
        director.forwarded(&tcp(&format!("192.0.2.1:{port}"), WEB, SYN));
        director.forwarded(&udp(&format!("192.0.2.1:{port}"), WEB));
    }
    let plane = director.private.data_plane();
    let of_three = plane.connections(
        &|connection| connection.destination == DestinationId(3),
        usize::MAX,
    );
    assert_eq!(of_three.len(), 17);
    assert!(
        of_three
            .iter()
            .all(|connection| connection.destination == DestinationId(3))
    );
    assert_eq!(
        plane
            .connections(&|connection| connection.state == "UDP", 10)
            .len(),
        10
    );
    assert_eq!(plane.connections(&|_| true, 0), []);
    assert_eq!(plane.connections(&|_| false, usize::MAX), []);
}

#[test]
fn connections_that_differ_in_anything_are_different_ones() {
    let mut director = Director::new();
    let mut services = Vec::new();
    for vip in [
        "10.0.0.100",
        "100.0.0.10",
        "192.0.2.1",
        "[fd00::100]",
        "[100::fd00]",
    ] {
        for (protocol, port) in [("tcp", 80), ("udp", 80), ("tcp", 4000), ("udp", 4000)] {
            director.service(
                &format!("{protocol}://{vip}:{port}"),
                Kind::RoundRobin,
                &[1],
            );
            services.push((protocol, format!("{vip}:{port}")));
        }
    }
    let clients4 = [
        "192.0.2.1:4000",
        "192.0.2.1:4001",
        "192.0.2.2:4000",
        "10.0.0.100:80",
        "192.0.2.1:80",
        "1.2.0.192:4000",
    ];
    let clients6 = [
        "[2001:db8::1]:4000",
        "[2001:db8::2]:4000",
        "[2001:db8:0:1::1]:4000",
        "[2001:db8::1]:41000",
        "[fd00::100]:4000",
    ];
    let mut connections = 0;
    for (destination, (protocol, service)) in (1..).zip(&services) {
        let clients = if service.starts_with('[') {
            &clients6[..]
        } else {
            &clients4[..]
        };
        for client in clients {
            let first = match *protocol {
                "tcp" => tcp(client, service, SYN),
                _ => udp(client, service),
            };
            assert_eq!(director.forwarded(&first), destination);
            connections += 1;
            assert_eq!(
                director.list().len(),
                connections,
                "{protocol} {client} {service}"
            );
        }
        assert_eq!(
            director.counters(destination).connections as usize,
            clients.len()
        );
    }
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
fn a_sweep_in_parts_sees_every_connection_once() {
    let mut director = director();
    director.service("tcp://[fd00::100]:80", Kind::RoundRobin, &[1]);
    for port in 1001..=1500 {
        director.forwarded(&tcp(&format!("192.0.2.1:{port}"), WEB, SYN));
        director.forwarded(&tcp(&format!("[2001:db8::1]:{port}"), WEB6, SYN));
    }
    for parts in [1, 2, 7, 64] {
        let alive: u64 = (0..parts)
            .map(|_| director.private.data_plane().sweep(parts).alive)
            .sum();
        assert_eq!(alive, 1000, "{parts} parts");
    }
    director.advance(seconds(61));
    let ended: Vec<u64> = (0..10)
        .map(|_| director.private.data_plane().sweep(10).ended)
        .collect();
    assert_eq!(ended.iter().sum::<u64>(), 1000);
    assert!(
        ended.iter().all(|ended| (50..150).contains(ended)),
        "parts of about the same size: {ended:?}"
    );
    assert_eq!(director.list(), []);
    assert!((1..=7).all(|destination| director.live(destination) == (0, 0)));
}

#[test]
fn a_table_with_as_many_connections_as_it_was_made_for_finds_every_one() {
    let mut director = director();
    director.service("tcp://[fd00::100]:80", Kind::RoundRobin, &[1, 1, 1]);
    let count = CAPACITY.connections;
    let frame = |number: u32, flags| {
        let (host, port) = (number / 100, 10_000 + number % 100);
        let four = tcp(
            &format!("192.0.{}.{}:{port}", host / 256, host % 256),
            WEB,
            flags,
        );
        let six = tcp(&format!("[2001:db8::{host:x}]:{port}"), WEB6, flags);
        [four, six]
    };
    let places: Vec<[u32; 2]> = (0..count)
        .map(|number| frame(number, SYN).map(|frame| director.forwarded(&frame)))
        .collect();
    for (number, places) in (0..).zip(&places) {
        assert_eq!(
            frame(number, ACK).map(|frame| director.forwarded(&frame)),
            *places
        );
    }
    let full = director
        .counted()
        .iter()
        .map(|(_, count)| count)
        .sum::<u64>();
    // With a third of the slots taken, about one connection in 20,000 finds both of its buckets full: it counts with
    // each of its two packets.
    assert!(full <= 20, "{:?}", director.counted());
    assert_eq!(
        director.list().len() as u64,
        2 * u64::from(count) - full / 2
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
