//! The fake is as strict as it says.

use super::*;
use dray_model::{
    ActualDestination, Forward, Hop, HopId, Mac, NextHop, Protocol, Rewrite, ServiceAddress,
    ServiceOptions, Thresholds,
};

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
    let next = NextHop {
        interface: 1,
        vlan: None,
        source: Mac::default(),
        destination: Mac::default(),
        mtu: 1500,
    };
    let hop = Hop {
        next,
        mtu: next.mtu,
        mss: None,
        rewrite: Rewrite::None,
    };
    Action::WriteHop { id: HopId(id), hop }
}

fn destination(hop: u32) -> ActualDestination {
    ActualDestination {
        service: address().into(),
        real: "10.77.0.11".parse().unwrap(),
        port: 80,
        forward: Forward::DirectRouting,
        hop: Some(HopId(hop)),
        weight: 1,
        thresholds: Thresholds::default(),
        available: true,
        local: false,
    }
}

fn add_destination(id: u32, hop: u32) -> Action {
    Action::AddDestination {
        id: DestinationId(id),
        destination: destination(hop),
    }
}

fn publish(destinations: &[u64]) -> Action {
    Action::Publish {
        id: ServiceId(1),
        service: address().into(),
        options: ServiceOptions::default(),
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
        inactive: 1,
        ..Live::default()
    };
    dataplane.set_live(DestinationId(1), live);
    let id = DestinationId(1);
    _ = dataplane.apply(&Action::FreeDestination { id });
}

#[test]
#[should_panic(expected = "destination 1 has templates")]
fn a_destination_with_templates_cannot_be_freed() {
    let mut dataplane = serving();
    dataplane.apply(&publish(&[])).unwrap();
    let live = Live {
        persistent: 1,
        ..Live::default()
    };
    dataplane.set_live(DestinationId(1), live);
    let id = DestinationId(1);
    _ = dataplane.apply(&Action::FreeDestination { id });
}

#[test]
fn a_destination_can_be_changed_in_all_but_who_it_is() {
    let mut dataplane = serving();
    let quiesced = ActualDestination {
        hop: None,
        weight: 0,
        available: false,
        ..destination(1)
    };
    let id = DestinationId(1);
    let change = |destination| Action::SetDestination { id, destination };
    dataplane.apply(&change(quiesced)).unwrap();
    assert_eq!(dataplane.actual().destinations[&id], quiesced);
}

#[test]
#[should_panic(expected = "destination 1 is another's")]
fn a_destination_cannot_become_another_real_servers() {
    let destination = ActualDestination {
        real: "10.77.0.12".parse().unwrap(),
        ..destination(1)
    };
    let id = DestinationId(1);
    _ = serving().apply(&Action::SetDestination { id, destination });
}

#[test]
fn mark_rules_are_taken_whole_or_not_at_all() {
    let rule = |interface: Option<&str>| MarkRule {
        mark: std::num::NonZeroU32::MIN,
        family: dray_model::Family::Ipv4,
        destination: None,
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: interface.map(str::to_owned),
    };
    let mut dataplane = serving();
    let good = [rule(None), rule(Some("eth0"))];
    dataplane.set_mark_rules(&good).unwrap();
    let elsewhere = dataplane.set_mark_rules(&[rule(None), rule(Some("eth7"))]);
    assert!(matches!(elsewhere, Err(DataPlaneError::System { .. })));
    let many = vec![rule(None); MAX_MARK_RULES + 1];
    let full = dataplane.set_mark_rules(&many);
    assert!(matches!(full, Err(DataPlaneError::Full { room: 256, .. })));
    assert_eq!(dataplane.mark_rules(), good);
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

#[test]
#[should_panic(expected = "is not for nat")]
fn a_destination_whose_next_hop_is_for_another_method_is_refused() {
    let translated = ActualDestination {
        forward: Forward::Nat,
        ..destination(1)
    };
    let id = DestinationId(1);
    let _ = serving().apply(&Action::SetDestination {
        id,
        destination: translated,
    });
}

#[test]
fn local_addresses_are_taken_whole_or_refused() {
    let mut dataplane = FakeDataPlane::new(words);
    let of = |count: u32| LocalAddresses {
        addresses: (0..count)
            .map(|n| std::net::Ipv4Addr::from_bits(n).into())
            .collect(),
        ..LocalAddresses::default()
    };
    dataplane.set_local_addresses(&of(256)).unwrap();
    assert!(dataplane.set_local_addresses(&of(257)).is_err());
    dataplane.refuse_after(0);
    assert!(dataplane.set_local_addresses(&of(1)).is_err());
    assert_eq!(dataplane.local_addresses(), of(256));
}

#[test]
fn what_ends_lies_in_its_part_and_no_longer_counts() {
    let mut dataplane = FakeDataPlane::new(words);
    let destination = DestinationId(1);
    let connection = |port, state| Connection {
        service: address(),
        client: std::net::SocketAddr::from(([192, 0, 2, 1], port)),
        destination,
        local: None,
        state,
        expires: std::time::Duration::ZERO,
        age: std::time::Duration::ZERO,
    };
    dataplane.set_connections(vec![
        connection(4000, "ESTABLISHED"),
        connection(4001, "ESTABLISHED"),
        connection(4003, "TIME_WAIT"),
    ]);
    let live = Live {
        active: 2,
        inactive: 1,
        ..Live::default()
    };
    dataplane.set_live(destination, live);
    let odd = Part { number: 1, of: 2 };
    assert_eq!(dataplane.end_connections(odd, &|_| false), 0);
    assert_eq!(dataplane.end_connections(odd, &|_| true), 2);
    let left = Live {
        active: 1,
        inactive: 0,
        ..live
    };
    assert_eq!(dataplane.live(destination), left);
    assert_eq!(
        dataplane.all_connections(),
        [connection(4000, "ESTABLISHED")]
    );
    assert_eq!(dataplane.endings(), [odd, odd]);
}

#[test]
fn a_template_with_connections_is_hidden_and_one_without_ends() {
    let mut dataplane = FakeDataPlane::new(words);
    let destination = DestinationId(1);
    let template = |last, children| Template {
        protocol: 6,
        client: [192, 0, 2, last].into(),
        vip: address().vip,
        port: 80,
        destination,
        state: "NONE",
        expires: std::time::Duration::ZERO,
        children,
    };
    dataplane.set_templates(vec![template(1, 2), template(2, 0)]);
    let live = Live {
        persistent: 2,
        ..Live::default()
    };
    dataplane.set_live(destination, live);
    assert_eq!(dataplane.end_templates(Part::WHOLE, &|_| true), 2);
    assert_eq!(dataplane.end_templates(Part::WHOLE, &|_| true), 0, "hidden");
    let hidden = Template {
        port: u16::MAX,
        ..template(1, 2)
    };
    assert_eq!(dataplane.all_templates(), [hidden]);
    assert_eq!(dataplane.live(destination).persistent, 1);
}
