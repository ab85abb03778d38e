//! The control room's actions on the kernel's maps: each whole or not at all, and read back as it was given.

mod common;

use std::num::NonZeroU16;

use common::*;
use dray_dataplane::Capacity;
use dray_model::{
    Action, ActualDestination, Counters, DataPlane as _, DataPlaneError, DestinationId, Forward,
    Hop, HopId, Mac, Record, ServiceId, ServiceOptions, Thresholds, Tunnel, TunnelChecksum,
};
use dray_sched::{Entry, Kind, Overhead};
use dray_testkit::frames::TcpFlags;

/// Room for very little.
const TINY: Capacity = Capacity {
    connections: 64,
    translations: 64,
    services: 2,
    destinations: 4,
    words: 400,
    hops: 4,
};

fn hop(last: u8) -> Hop {
    direct(next_hop(1, None, Mac([2, 1, 0, 0, 0, last]), 1500))
}

/// A destination of that service that has nothing special to it.
fn destination(service: &str, real: &str, hop: Option<HopId>) -> ActualDestination {
    ActualDestination {
        service: identity(service),
        real: real.parse().unwrap(),
        port: 80,
        forward: Forward::DirectRouting,
        hop,
        weight: 1,
        thresholds: Thresholds::default(),
        available: true,
        local: false,
    }
}

fn refused(director: &mut Director, action: Action) -> DataPlaneError {
    let before = director.observe();
    let plane = director.private.data_plane();
    let error = plane.apply(&action).expect_err("a refusal");
    assert_eq!(
        director.observe(),
        before,
        "what is refused changes nothing"
    );
    error
}

/// A record that gives everything to one destination, in so many words or a few more.
fn record(destination: u32) -> Record {
    let address = [10, 0, 0, destination as u8].into();
    let entry = Entry {
        destination,
        weight: 1,
        eligible: true,
        limited: false,
        address,
        port: 80,
    };
    Record(dray_sched::build(Kind::RoundRobin, Overhead::Total, &[entry], None).unwrap())
}

#[test]
fn what_was_applied_is_what_is_observed() {
    let mut director = Director::new();
    director.service_by(
        "tcp://10.0.0.100:80",
        Kind::WeightedRoundRobin,
        &[1, 0, 7],
        &[(1, None), (2, Some(4094)), (1, Some(1))],
    );
    director.service("udp://10.0.0.100:80", Kind::WeightedLeastConnection, &[]);
    director.service(
        "tcp://[fd00::100]:65535",
        Kind::MaglevHash {
            fallback: true,
            port: true,
        },
        &[1, 2],
    );
    let special = ActualDestination {
        port: 8080,
        forward: Forward::Tunnel(Tunnel::Gue {
            port: NonZeroU16::new(6080).unwrap(),
            checksum: TunnelChecksum::Remote,
        }),
        weight: i32::MAX as u32,
        thresholds: Thresholds {
            upper: u32::MAX,
            lower: 7,
        },
        available: false,
        local: true,
        ..destination("sctp://[fd00::100]:0", "fd00::7", None)
    };
    director.add_destination(4000, special);

    let actual = director.observe();
    let numbers: Vec<u32> = actual
        .services
        .values()
        .map(|service| service.id.0)
        .collect();
    assert_eq!(numbers.len(), 3);
    for (address, found) in &actual.services {
        let index = found.id.0 as usize;
        let wanted = [
            "tcp://10.0.0.100:80",
            "udp://10.0.0.100:80",
            "tcp://[fd00::100]:65535",
        ][index];
        assert_eq!(address.to_string(), wanted);
        assert_eq!(found.record.0, director.record(index));
    }
    assert_eq!(actual.destinations[&DestinationId(4000)], special);
    assert_eq!(actual.destinations.len(), 6);
    let second = actual.destinations[&DestinationId(2)];
    assert_eq!(
        (second.real.to_string(), second.hop),
        ("10.1.0.2".to_owned(), Some(HopId(2)))
    );
    let by_other = direct(next_hop(2, Some(4094), mac_of(2), 65_535));
    assert_eq!(actual.hops[&HopId(2)], by_other);
    assert_eq!(actual.hops.len(), 5);
}

#[test]
fn what_there_is_no_room_for_is_refused_and_says_how_much_there_is() {
    let mut director = Director::with(TINY);
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    let room = director.private.data_plane().room();
    assert_eq!(
        (room.services, room.destinations, room.hops),
        (1, 3, 3),
        "all below what is refused"
    );
    let destination = destination("tcp://10.0.0.100:80", "10.0.0.9", None);
    let (service, third) = (identity("tcp://10.0.0.101:80"), ServiceId(2));
    for (action, message) in [
        (
            Action::WriteHop {
                id: HopId(4),
                hop: hop(4),
            },
            "no room for another next hop: the data plane was made for 4",
        ),
        (
            Action::AddDestination {
                id: DestinationId(4),
                destination,
            },
            "no room for another destination: the data plane was made for 4",
        ),
        (
            Action::Publish {
                id: third,
                service,
                options: ServiceOptions::default(),
                record: record(1),
            },
            "no room for another virtual service: the data plane was made for 2",
        ),
        (
            Action::Publish {
                id: ServiceId(1),
                service,
                options: ServiceOptions::default(),
                record: Record(vec![0; 400]),
            },
            "no room for another scheduling record: the data plane was made for 400",
        ),
    ] {
        let text = refused(&mut director, action).to_string();
        assert!(
            text.starts_with(message) && text.contains("dray stop --withdraw"),
            "{text}"
        );
    }
    let syn = tcp("192.0.2.1:4000", "10.0.0.100:80", TcpFlags::SYN);
    assert_eq!(director.forwarded(&syn), 3, "it forwards as before");
}

#[test]
fn a_next_hop_by_an_interface_that_is_no_port_is_refused() {
    let mut director = Director::new();
    let mut elsewhere = hop(1);
    elsewhere.next.interface = 77;
    let text = refused(
        &mut director,
        Action::WriteHop {
            id: HopId(1),
            hop: elsewhere,
        },
    )
    .to_string();
    assert!(
        text.contains("interface 77") && text.contains("no port"),
        "{text}"
    );
}

#[test]
fn a_service_that_is_not_there_cannot_be_withdrawn() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let service = identity("udp://10.0.0.100:80");
    let text = refused(
        &mut director,
        Action::Withdraw {
            id: ServiceId(0),
            service,
        },
    )
    .to_string();
    assert!(text.contains("udp://10.0.0.100:80"), "{text}");
    let syn = tcp("192.0.2.1:4000", "10.0.0.100:80", TcpFlags::SYN);
    assert_eq!(director.forwarded(&syn), 1);
}

#[test]
fn a_number_that_was_freed_begins_at_nothing() {
    let mut director = Director::new();
    let service = identity("tcp://10.0.0.100:80");
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let syn = |port: u16| tcp(&format!("192.0.2.1:{port}"), "10.0.0.100:80", TcpFlags::SYN);
    for port in 4000..4010 {
        director.forwarded(&syn(port));
    }
    director.edit(0, Kind::RoundRobin, |list| list[0].weight = 0);
    director.fate_of(&syn(5000));
    assert_eq!((director.refused(0), director.counters(1).packets), (1, 10));

    director.withdraw(0);
    director.advance(seconds(61));
    director.sweep();
    for action in [
        Action::FreeDestination {
            id: DestinationId(1),
        },
        Action::FreeHop { id: HopId(1) },
        Action::WriteHop {
            id: HopId(1),
            hop: hop(9),
        },
        Action::AddDestination {
            id: DestinationId(1),
            destination: destination("tcp://10.0.0.100:80", "10.0.0.9", Some(HopId(1))),
        },
        Action::Publish {
            id: ServiceId(0),
            service,
            options: ServiceOptions::default(),
            record: record(1),
        },
    ] {
        director.apply(action);
    }
    assert_eq!(
        (director.refused(0), director.counters(1)),
        (0, Counters::default())
    );
    assert_eq!(director.forwarded(&syn(4000)), 9, "the new next hop");
    assert_eq!(director.live(1), (1, 0));
}

#[test]
fn a_replaced_record_gives_its_room_back() {
    let mut director = Director::with(TINY);
    let service = identity("tcp://10.0.0.100:80");
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1]);
    // Each is about a fifth of the arena.
    for round in 0..500_u32 {
        director.apply(Action::Publish {
            id: ServiceId(0),
            service,
            options: ServiceOptions::default(),
            record: record(1 + round % 2),
        });
        let client = format!("192.0.2.1:{}", 10_000 + round);
        let syn = tcp(&client, "10.0.0.100:80", TcpFlags::SYN);
        assert_eq!(director.forwarded(&syn), 1 + round % 2);
        director.private.data_plane().forget_connections();
    }
    assert_eq!(
        director.observe().services[&service].record.0[..2],
        record(2).0[..2]
    );
}

#[test]
fn a_service_comes_and_goes_as_often_as_one_likes() {
    let mut director = Director::with(TINY);
    let service = identity("udp://[fd00::100]:53");
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    let query = udp("[2001:db8::1]:4000", "[fd00::100]:53");
    for _ in 0..100 {
        director.apply(Action::Publish {
            id: ServiceId(1),
            service,
            options: ServiceOptions::default(),
            record: record(1),
        });
        assert_eq!(director.forwarded(&query), 1);
        director.private.data_plane().forget_connections();
        director.apply(Action::Withdraw {
            id: ServiceId(1),
            service,
        });
        assert_eq!(
            director.fate_of(&query),
            Fate::passed("not-a-service", &incoming(&query))
        );
    }
    assert_eq!(director.observe().services.len(), 1);
}
