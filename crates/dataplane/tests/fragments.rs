//! Fragments follow the first one of their packet.

mod common;

use common::{world::destination, *};
use dray_model::ServiceOptions;
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, TcpFlags};

const CLIENT: &str = "192.0.2.1:4000";
const CLIENT6: &str = "[2001:db8::1]:4000";
const DNS: &str = "10.0.0.100:53";
const DNS6: &str = "[fd00::100]:53";
const WEB: &str = "10.0.0.100:80";

/// A director whose datagrams are scheduled one by one, so that what follows a datagram does not follow a connection.
fn director() -> Director {
    let mut director = Director::new();
    let options = ServiceOptions {
        persistence: None,
        one_packet: true,
    };
    director.service_with(&format!("udp://{DNS}"), Kind::RoundRobin, options, &[1; 3]);
    director.service_with(&format!("udp://{DNS6}"), Kind::RoundRobin, options, &[1; 3]);
    director.service(&format!("tcp://{WEB}"), Kind::RoundRobin, &[1]);
    director
}

/// A datagram of 108 bytes with this identification.
fn datagram(client: &str, service: &str, identification: u16) -> Frame {
    let content: Vec<u8> = (0..100).collect();
    udp(client, service)
        .identification(identification)
        .payload(&content)
        .macs(ROUTER, OWN)
}

/// The datagram's fragments as they come in.
fn pieces(datagram: &Frame) -> Vec<Vec<u8>> {
    let pieces = datagram.fragments(24);
    assert_eq!(pieces.len(), 5);
    pieces
}

/// The datagram's fragments as they leave for a real server.
fn leaving(datagram: &Frame, destination: u32) -> Vec<Vec<u8>> {
    datagram
        .clone()
        .ttl(63)
        .macs(OWN, mac_of(destination))
        .fragments(24)
}

#[test]
fn every_fragment_goes_where_the_first_one_went_unchanged() {
    let mut director = director();
    for (client, service, destination) in [(CLIENT, DNS, 3), (CLIENT6, DNS6, 6)] {
        let datagram = datagram(client, service, 1);
        for (piece, wanted) in pieces(&datagram)
            .iter()
            .zip(leaving(&datagram, destination))
        {
            assert_eq!(director.fate(piece), Fate::sent(&wanted));
        }
        let counters = director.counters(destination);
        assert_eq!((counters.connections, counters.packets), (1, 5));
    }
}

#[test]
fn later_fragments_may_come_in_any_order_after_the_first() {
    let mut director = director();
    for (client, service, destination) in [(CLIENT, DNS, 3), (CLIENT6, DNS6, 6)] {
        let datagram = datagram(client, service, 1);
        let (pieces, leaving) = (pieces(&datagram), leaving(&datagram, destination));
        for index in [0, 4, 2, 1, 3] {
            assert_eq!(director.fate(&pieces[index]), Fate::sent(&leaving[index]));
        }
    }
}

#[test]
fn fragments_that_come_before_the_first_are_counted_and_dropped() {
    let mut director = director();
    for (client, service, destination) in [(CLIENT, DNS, 3), (CLIENT6, DNS6, 6)] {
        let datagram = datagram(client, service, 1);
        let (pieces, leaving) = (pieces(&datagram), leaving(&datagram, destination));
        for early in &pieces[3..] {
            assert_eq!(
                director.fate(early),
                Fate::dropped("late-first-fragment", early)
            );
        }
        for index in [0, 1, 2] {
            assert_eq!(director.fate(&pieces[index]), Fate::sent(&leaving[index]));
        }
    }
}

#[test]
fn packets_whose_fragments_mix_are_kept_apart() {
    let mut director = director();
    for (clients, service, destinations) in [
        (["192.0.2.1:4000", "192.0.2.2:4000"], DNS, [3, 2, 1]),
        (
            ["[2001:db8::1]:4000", "[2001:db8::2]:4000"],
            DNS6,
            [6, 5, 4],
        ),
    ] {
        // One client with two packets, and another one with the first one's number.
        let datagrams = [
            datagram(clients[0], service, 7),
            datagram(clients[0], service, 8),
            datagram(clients[1], service, 7),
        ];
        for index in 0..5 {
            for (datagram, destination) in datagrams.iter().zip(destinations) {
                let wanted = Fate::sent(&leaving(datagram, destination)[index]);
                assert_eq!(director.fate(&pieces(datagram)[index]), wanted);
            }
        }
    }
}

#[test]
fn fragments_for_no_vip_are_left_to_the_host() {
    let mut director = director();
    for frame in [
        datagram(CLIENT, "10.0.0.7:53", 1),
        datagram(CLIENT6, "[fd00::7]:53", 1),
    ] {
        let pieces = pieces(&frame);
        assert_eq!(
            director.fate(&pieces[0]),
            Fate::passed("not-a-service", &pieces[0])
        );
        for piece in &pieces[1..] {
            assert_eq!(director.fate(piece), Fate::passed("fragment", piece));
        }
    }
}

#[test]
fn a_vip_is_one_while_it_has_a_service() {
    let mut director = director();
    let later = pieces(&datagram(CLIENT, DNS, 1)).remove(1);
    director.withdraw(0);
    assert_eq!(
        director.fate(&later).reasons,
        ["late-first-fragment"],
        "it still has another"
    );
    director.withdraw(2);
    assert_eq!(director.fate(&later), Fate::passed("fragment", &later));
}

#[test]
fn a_fragment_that_is_the_whole_packet_is_no_fragment() {
    let mut director = director();
    let atomic = udp(CLIENT6, DNS6).extension(Extension::AtomicFragment);
    assert_eq!(director.forwarded(&atomic), 6);
}

#[test]
fn a_segments_first_fragment_opens_its_connection() {
    let mut director = director();
    let syn = tcp(CLIENT, WEB, TcpFlags::SYN)
        .payload(&[7; 100])
        .macs(ROUTER, OWN);
    for (piece, wanted) in syn.fragments(24).iter().zip(leaving(&syn, 7)) {
        assert_eq!(director.fate(piece), Fate::sent(&wanted));
    }
    assert_eq!(director.state(), "SYN_RECV");
    assert_eq!(director.counters(7).connections, 1);
}

#[test]
fn after_half_a_minute_the_first_fragment_is_forgotten() {
    let mut director = director();
    let pieces = pieces(&datagram(CLIENT, DNS, 1));
    assert_eq!(director.forwarded_bytes(&pieces[0]), 3);
    director.advance(seconds(29));
    assert_eq!(director.forwarded_bytes(&pieces[1]), 3);
    director.advance(seconds(32));
    let dropped = Fate::dropped("late-first-fragment", &pieces[2]);
    assert_eq!(director.fate(&pieces[2]), dropped);
}

/// A director whose third real server was freed after it got the first of these pieces.
fn freed_between_pieces() -> (Director, Vec<Vec<u8>>) {
    let mut director = director();
    let pieces = pieces(&datagram(CLIENT, DNS, 1));
    assert_eq!(director.forwarded_bytes(&pieces[0]), 3);
    director.remove(3);
    director.apply(dray_model::Action::FreeDestination {
        id: dray_model::DestinationId(3),
    });
    (director, pieces)
}

#[test]
fn a_freed_real_servers_number_leads_no_fragment_to_another_one() {
    let (mut director, pieces) = freed_between_pieces();
    director.apply(dray_model::Action::AddDestination {
        id: dray_model::DestinationId(3),
        destination: destination([10, 1, 0, 9].into(), Some(dray_model::HopId(3))),
    });
    let dropped = Fate::dropped("late-first-fragment", &pieces[1]);
    assert_eq!(director.fate(&pieces[1]), dropped);
}

#[test]
fn a_sweep_forgets_the_fragments_of_freed_real_servers() {
    let (mut director, pieces) = freed_between_pieces();
    director.sweep();
    let dropped = Fate::dropped("late-first-fragment", &pieces[1]);
    assert_eq!(director.fate(&pieces[1]), dropped);
}

#[test]
fn however_many_packets_are_under_way_none_is_led_astray() {
    let mut director = director();
    let datagrams: Vec<Frame> = (0..30_000_u32)
        .map(|number| {
            let client = format!("198.18.{}.{}:4000", number >> 8 & 0xff, number & 0xff);
            datagram(&client, DNS, (number >> 3) as u16)
        })
        .collect();
    let destinations: Vec<u32> = datagrams
        .iter()
        .map(|datagram| director.forwarded_bytes(&pieces(datagram)[0]))
        .collect();
    let mut followed = 0;
    for (datagram, destination) in datagrams.iter().zip(destinations) {
        let piece = &pieces(datagram)[1];
        let outcome = director.private.run(piece).expect("a frame");
        if outcome.verdict == TX {
            assert_eq!(outcome.frame, leaving(datagram, destination)[1]);
            followed += 1;
        } else {
            assert_eq!(outcome.verdict, DROP);
        }
    }
    let late = director.count("late-first-fragment");
    assert_eq!(followed + late, 30_000);
    // The table has 16,384 places.
    assert!((8_000..=16_384).contains(&followed), "{followed} followed");
}
