//! The fake is as strict as it says.

use super::*;
use dray_model::{ActualDestination, Mac, NextHop, Protocol};

/// In these tests a record is the list of its destinations.
fn words(record: &Record) -> Vec<DestinationId> {
    let words = record.0.iter();
    words.map(|word| DestinationId(*word as u32)).collect()
}

fn address() -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: "10.77.0.100".parse().unwrap(),
        port: 80,
    }
}

fn write_hop(id: u32) -> Action {
    let hop = NextHop {
        interface: 1,
        vlan: None,
        source: Mac::default(),
        destination: Mac::default(),
    };
    Action::WriteHop { id: HopId(id), hop }
}

fn add_destination(id: u32, hop: u32) -> Action {
    let destination = ActualDestination {
        service: address(),
        real: "10.77.0.11".parse().unwrap(),
        hop: Some(HopId(hop)),
    };
    Action::AddDestination {
        id: DestinationId(id),
        destination,
    }
}

fn publish(destinations: &[u64]) -> Action {
    Action::Publish {
        id: ServiceId(1),
        address: address(),
        record: Record(destinations.to_vec()),
    }
}

fn serving() -> FakeDataPlane {
    let mut dataplane = FakeDataPlane::new(words);
    for action in [write_hop(1), add_destination(1, 1), publish(&[1])] {
        dataplane.apply(&action).unwrap();
    }
    dataplane
}

#[test]
fn what_one_clone_does_the_other_observes() {
    let dataplane = serving();
    let mut other = dataplane.clone();
    assert_eq!(other.observe().unwrap().services.len(), 1);
    assert_eq!(other.take_actions().len(), 3);
    assert_eq!(dataplane.take_actions(), []);
}

#[test]
#[should_panic(expected = "a record names 1")]
fn a_destination_in_a_record_cannot_be_freed() {
    let id = DestinationId(1);
    _ = serving().apply(&Action::FreeDestination { id });
}

#[test]
#[should_panic(expected = "destination 1 has connections")]
fn a_destination_with_connections_cannot_be_freed() {
    let mut dataplane = serving();
    dataplane.apply(&publish(&[])).unwrap();
    let live = Live {
        active: 0,
        inactive: 1,
    };
    dataplane.set_live(DestinationId(1), live);
    let id = DestinationId(1);
    _ = dataplane.apply(&Action::FreeDestination { id });
}

#[test]
#[should_panic(expected = "a destination names next hop 1")]
fn a_next_hop_in_use_cannot_be_freed() {
    _ = serving().apply(&Action::FreeHop { id: HopId(1) });
}

#[test]
#[should_panic(expected = "next hop 1 is taken")]
fn a_next_hop_cannot_be_rewritten() {
    _ = serving().apply(&write_hop(1));
}

#[test]
#[should_panic(expected = "no destination 7")]
fn a_record_cannot_name_what_is_not_there() {
    _ = serving().apply(&publish(&[1, 7]));
}

#[test]
fn a_full_table_refuses_and_changes_nothing() {
    let mut dataplane = serving();
    dataplane.set_room(Room {
        services: 1,
        destinations: 1,
        hops: 1,
    });
    let before = dataplane.actual();
    let error = dataplane.apply(&add_destination(2, 1)).unwrap_err();
    assert!(matches!(error, DataPlaneError::Full { room: 1, .. }));
    assert_eq!(dataplane.actual(), before);
    dataplane.apply(&publish(&[])).unwrap();
}

#[test]
fn actions_fail_for_as_long_as_they_were_told_to() {
    let mut dataplane = serving();
    dataplane.refuse_after(1);
    dataplane.apply(&publish(&[])).unwrap();
    assert!(dataplane.apply(&publish(&[1])).is_err());
    assert!(dataplane.apply(&publish(&[1])).is_err());
    dataplane.accept();
    dataplane.apply(&publish(&[1])).unwrap();
}
