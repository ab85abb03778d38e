//! The planner against a strict data plane: single rules first, then whatever proptest thinks of.

mod methods;
mod properties;
pub(crate) mod world;

use std::net::IpAddr;

use dray_model::{
    Action, DestinationId, HopId, KernelRules, Live, LocalAddresses, ServiceId, Thresholds,
    Unresolved,
};
use dray_sched::{Entry, Kind, build};

use super::*;
use crate::view::Way;
use world::{World, at, hop, identity, mark_rule, real, service, way};

fn numbers(list: &[Listed]) -> Vec<u32> {
    list.iter().map(|listed| listed.destination.0).collect()
}

/// A world with service 0 on real servers 1, 2, 3, all resolved and in force.
fn serving() -> World {
    let mut world = World::new();
    for number in 1..=3 {
        world.resolve(number, way(1, number));
    }
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (2, 1), (3, 1)]));
    world.settle();
    world
}

#[test]
fn a_fresh_service_lists_its_real_servers_newest_first() {
    let world = serving();
    let service = &world.view.services()[&identity(0)];
    assert_eq!(service.kind, Some(Kind::RoundRobin));
    let reals: Vec<IpAddr> = service
        .list
        .iter()
        .map(|listed| world.view.destinations()[&listed.destination].real)
        .collect();
    assert_eq!(reals, [real(3), real(2), real(1)]);
    assert!(service.list.iter().all(|listed| listed.eligible));
}

#[test]
fn new_real_servers_go_to_the_head_and_the_others_keep_their_places() {
    let mut world = serving();
    world.want(service(
        0,
        Scheduler::RoundRobin,
        &[(4, 1), (3, 1), (5, 1), (1, 1)],
    ));
    world.settle();
    let list = &world.view.services()[&identity(0)].list;
    let reals: Vec<IpAddr> = list
        .iter()
        .map(|listed| world.view.destinations()[&listed.destination].real)
        .collect();
    assert_eq!(reals, [real(5), real(4), real(3), real(1)]);
}

#[test]
fn a_weight_change_sets_the_destination_and_publishes_once() {
    let mut world = serving();
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (2, 7), (3, 1)]));
    let steps = world.plan(Scope::All);
    let [
        Step::Do(Action::SetDestination { id, destination }),
        Step::Publish(publication),
    ] = steps.as_slice()
    else {
        panic!("more than a destination and a publication: {steps:?}")
    };
    assert_eq!(Some(*id), world.view.destination(identity(0), at(0, 2)));
    assert_eq!((destination.real, destination.weight), (real(2), 7));
    let weights: Vec<u32> = publication.list.iter().map(|l| l.weight).collect();
    assert_eq!(weights, [1, 7, 1]);
}

#[test]
fn an_upper_threshold_is_set_before_the_record_says_that_there_is_one() {
    let mut world = serving();
    let mut limited = service(0, Scheduler::RoundRobin, &[(1, 1), (2, 1), (3, 1)]);
    let thresholds = Thresholds { upper: 9, lower: 4 };
    limited.reals[1].thresholds = thresholds;
    world.want(limited);
    let steps = world.plan(Scope::All);
    let [
        Step::Do(Action::SetDestination { destination, .. }),
        Step::Publish(publication),
    ] = steps.as_slice()
    else {
        panic!("more than a destination and a publication: {steps:?}")
    };
    assert_eq!(
        (destination.real, destination.thresholds),
        (real(2), thresholds)
    );
    let limited: Vec<bool> = publication.list.iter().map(|l| l.limited).collect();
    assert_eq!(limited, [false, true, false]);
}

#[test]
fn other_options_are_published_with_the_same_record_where_packets_have_got_to() {
    let mut world = serving();
    let before = world.view.services()[&identity(0)].record.clone();
    world.dataplane.set_cursor(ServiceId(1), 2);
    let mut persistent = service(0, Scheduler::RoundRobin, &[(1, 1), (2, 1), (3, 1)]);
    persistent.options.one_packet = true;
    world.want(persistent);
    world.dataplane.take_actions();
    world.settle();
    let actions = world.dataplane.take_actions();
    let [
        Action::Publish {
            options, record, ..
        },
    ] = actions.as_slice()
    else {
        panic!("more than a publication: {actions:?}")
    };
    assert!(options.one_packet);
    let mut moved = before;
    moved.0[dray_sched::CURSOR as usize] = 2;
    assert_eq!(*record, moved);
}

#[test]
fn other_rules_are_in_every_record() {
    let mut world = serving();
    world.want(service(1, Scheduler::WeightedLeastConnection, &[(1, 1)]));
    world.settle();
    world.desired.director.ipvs.rules = KernelRules::V6_1_176;
    let steps = world.plan(Scope::All);
    assert!(
        matches!(steps.as_slice(), [Step::Publish(_), Step::Publish(_)]),
        "{steps:?}"
    );
    world.settle();
    for service in world.view.services().values() {
        assert_eq!(service.overhead, Some(Overhead::Inactive));
    }
}

#[test]
fn a_real_server_that_is_the_director_is_local_and_eligible() {
    let mut world = serving();
    world.unresolve(2, Unresolved::Local);
    world.settle();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    let destination = world.dataplane.actual().destinations[&id];
    assert_eq!((destination.local, destination.hop), (true, None));
    let list = &world.view.services()[&identity(0)].list;
    assert!(list.iter().all(|listed| listed.eligible));

    world.resolve(2, way(1, 2));
    world.settle();
    let destination = world.dataplane.actual().destinations[&id];
    assert!(!destination.local && destination.hop.is_some());
}

#[test]
fn a_mark_balances_to_the_port_of_the_packet() {
    let mut world = World::new();
    world.resolve(1, way(1, 1));
    world.want(service(
        3,
        Scheduler::MaglevHash(HashFlags::default()),
        &[(1, 1)],
    ));
    world.want(service(
        0,
        Scheduler::MaglevHash(HashFlags::default()),
        &[(1, 1)],
    ));
    world.settle();
    let port = |number| {
        let id = world
            .view
            .destination(identity(number), at(number, 1))
            .unwrap();
        world.view.destinations()[&id].port
    };
    assert_eq!((port(3), port(0)), (0, 80));
}

#[test]
fn a_record_takes_up_from_where_packets_have_got_to() {
    let mut world = serving();
    let before = world.view.services()[&identity(0)].record.clone();
    world.dataplane.set_cursor(ServiceId(1), 2);
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (2, 0), (3, 1)]));
    world.settle();
    let entries: Vec<Entry> = [(3, 3, 1), (2, 2, 0), (1, 1, 1)]
        .map(|(destination, number, weight)| Entry {
            destination,
            weight,
            eligible: true,
            limited: false,
            address: real(number),
            port: 80,
        })
        .into();
    let built = |cursor| {
        let before = Some((before.0.as_slice(), cursor));
        build(Kind::RoundRobin, Overhead::Total, &entries, before).unwrap()
    };
    let record = &world.view.services()[&identity(0)].record.0;
    assert_eq!(*record, built(2));
    assert_ne!(*record, built(0), "the cursor makes no difference here");
}

#[test]
fn destinations_of_one_neighbour_share_a_next_hop() {
    let mut world = serving();
    world.want(service(1, Scheduler::WeightedRoundRobin, &[(1, 1), (2, 1)]));
    world.settle();
    assert_eq!(world.dataplane.actual().hops.len(), 3);
}

#[test]
fn a_new_neighbour_is_a_new_next_hop_and_the_old_one_is_freed_when_out_of_sight() {
    let mut world = serving();
    world.want(service(1, Scheduler::RoundRobin, &[(2, 1)]));
    world.settle();
    let old = world.view.hop_number(&hop(1, 2)).unwrap();
    world.dataplane.take_actions();

    world.resolve(2, way(1, 22));
    let steps = world.plan(Scope::All);
    world.apply(steps);
    let new = HopId(4);
    let [write, first, second] = &world.dataplane.take_actions()[..] else {
        panic!("not three actions")
    };
    let written = hop(1, 22);
    assert_eq!(
        *write,
        Action::WriteHop {
            id: new,
            hop: written
        }
    );
    for (set, service) in [(first, 0), (second, 1)] {
        let id = world
            .view
            .destination(identity(service), at(service, 2))
            .unwrap();
        let mut destination = world.view.destinations()[&id];
        destination.hop = Some(new);
        assert_eq!(*set, Action::SetDestination { id, destination });
    }

    world.see_unused();
    let steps = world.plan(Scope::All);
    assert_eq!(steps, [Step::Do(Action::FreeHop { id: old })]);
}

#[test]
fn a_destination_without_a_neighbour_is_listed_with_its_weight_but_not_eligible() {
    let mut world = World::new();
    world.want(service(0, Scheduler::RoundRobin, &[(1, 5)]));
    world.settle();
    let [listed] = world.view.services()[&identity(0)].list[..] else {
        panic!("not one destination")
    };
    assert_eq!((listed.weight, listed.eligible), (5, false));
    let destination = world.view.destinations()[&listed.destination];
    assert_eq!(destination.hop, None);
}

#[test]
fn a_real_server_that_falls_silent_is_taken_out_and_keeps_its_next_hop() {
    let mut world = serving();
    let interface = "eth0".to_owned();
    world.unresolve(2, Unresolved::NoAnswer { interface });
    let steps = world.plan(Scope::All);
    assert!(
        matches!(steps.as_slice(), [Step::Publish(_)]),
        "more than a publication: {steps:?}"
    );
    world.settle();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    assert_eq!(world.view.way(id), Way::Hop(hop(1, 2)));
    let list = &world.view.services()[&identity(0)].list;
    let eligible: Vec<bool> = list.iter().map(|listed| listed.eligible).collect();
    assert_eq!(eligible, [true, false, true]);
}

#[test]
fn what_an_earlier_run_left_is_kept_while_nothing_is_known_yet() {
    let mut world = serving();
    world.forget_resolutions();
    world.restart();
    let told_anew = [
        Step::GiveMarks(vec![]),
        Step::TakeLocals(LocalAddresses::default()),
    ];
    assert_eq!(world.plan(Scope::All), told_anew);
}

#[test]
fn a_way_by_an_interface_that_is_not_the_directors_loses_its_next_hop_after_its_place() {
    let mut world = serving();
    world.interfaces = BTreeSet::from([2]);
    let steps = world.plan(Scope::All);
    let publish = steps
        .iter()
        .position(|step| matches!(step, Step::Publish(_)))
        .unwrap();
    let take = steps
        .iter()
        .position(|step| match step {
            Step::Do(Action::SetDestination { destination, .. }) => destination.hop.is_none(),
            _ => false,
        })
        .unwrap();
    assert!(publish < take, "{steps:?}");
}

#[test]
fn a_removed_real_server_is_marked_so_once_no_record_names_it() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (3, 1)]));
    let steps = world.plan(Scope::All);
    let [
        Step::Publish(publication),
        Step::Do(Action::SetDestination {
            id: set,
            destination,
        }),
    ] = steps.as_slice()
    else {
        panic!("not a publication and a destination: {steps:?}")
    };
    assert!(publication.list.iter().all(|l| l.destination != id));
    assert_eq!((*set, destination.available), (id, false));
    assert!(destination.hop.is_some(), "its connections may go on");
}

#[test]
fn the_real_servers_of_a_withdrawn_service_are_marked_removed() {
    let mut world = serving();
    world.unwant(0);
    let steps = world.plan(Scope::All);
    assert!(
        matches!(steps[0], Step::Do(Action::Withdraw { .. })),
        "{steps:?}"
    );
    world.settle();
    let destinations = world.dataplane.actual().destinations;
    assert_eq!(destinations.len(), 3);
    assert!(destinations.values().all(|found| !found.available));
}

#[test]
fn a_removed_real_server_stays_until_its_last_connection_and_template_end() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    world.connections(id, 1);
    world.templates(id, 1);
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (3, 1)]));
    world.settle();
    for (connections, templates) in [(1, 1), (0, 1), (1, 0)] {
        world.connections(id, connections);
        world.templates(id, templates);
        world.see_unused();
        world.settle();
        assert!(world.view.leaving().contains(&id));
        assert!(world.dataplane.actual().destinations.contains_key(&id));
    }

    world.connections(id, 0);
    world.see_unused();
    let steps = world.plan(Scope::All);
    assert_eq!(steps, [Step::Do(Action::FreeDestination { id })]);
}

#[test]
fn a_real_server_that_comes_back_in_time_is_the_same_destination_at_the_head() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    world.templates(id, 1);
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (3, 1)]));
    world.settle();
    world.want(service(0, Scheduler::RoundRobin, &[(1, 1), (2, 1), (3, 1)]));
    let steps = world.plan(Scope::All);
    let [
        Step::Do(Action::SetDestination { destination, .. }),
        Step::Publish(_),
    ] = steps.as_slice()
    else {
        panic!("not a destination and a publication: {steps:?}")
    };
    assert!(destination.available);
    world.settle();
    let list = &world.view.services()[&identity(0)].list;
    assert_eq!(numbers(list)[0], id.0);
    assert!(world.view.leaving().is_empty());
}

#[test]
fn a_freed_number_is_not_given_away_in_the_same_plan() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 1)).unwrap();
    assert_eq!(id, DestinationId(1));
    world.want(service(0, Scheduler::RoundRobin, &[(2, 1), (3, 1)]));
    world.settle();
    world.see_unused();
    world.want(service(0, Scheduler::RoundRobin, &[(2, 1), (3, 1), (4, 1)]));
    let steps = world.plan(Scope::All);
    assert!(steps.contains(&Step::Do(Action::FreeDestination { id })));
    world.apply(steps);
    assert_eq!(
        world.view.destination(identity(0), at(0, 4)),
        Some(DestinationId(4))
    );
}

#[test]
fn the_number_of_a_withdrawn_service_is_kept_while_its_connections_last() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    world.connections(id, 1);
    world.unwant(0);
    world.settle();
    world.see_unused();
    world.settle();
    world.want(service(1, Scheduler::RoundRobin, &[(1, 1)]));
    world.settle();
    assert_eq!(world.view.services()[&identity(1)].id, ServiceId(2));

    world.want(service(0, Scheduler::RoundRobin, &[(2, 1)]));
    world.settle();
    assert_eq!(world.view.services()[&identity(0)].id, ServiceId(1));
    assert_eq!(world.view.destination(identity(0), at(0, 2)), Some(id));
    assert!(world.view.retired().is_empty());
}

#[test]
fn marks_are_given_once_their_service_is_there_and_before_the_one_by_address_goes() {
    let mut world = serving();
    let by_address = world.desired.clone();
    world.unwant(0);
    world.want(service(3, Scheduler::RoundRobin, &[(1, 1)]));
    world.desired.director.marks = vec![mark_rule(1)];
    let order = |steps: &[Step]| -> Vec<&str> {
        let named = steps.iter().filter_map(|step| match step {
            Step::Publish(_) => Some("publish"),
            Step::GiveMarks(_) => Some("give marks"),
            Step::Do(Action::Withdraw { .. }) => Some("withdraw"),
            Step::Do(_) | Step::TakeLocals(_) => None,
        });
        named.collect()
    };
    assert_eq!(
        order(&world.plan(Scope::All)),
        ["publish", "give marks", "withdraw"]
    );
    world.settle();
    assert_eq!(world.dataplane.mark_rules(), [mark_rule(1)]);

    world.desired = by_address;
    assert_eq!(
        order(&world.plan(Scope::All)),
        ["publish", "give marks", "withdraw"]
    );
}

#[test]
fn new_services_are_published_before_present_ones_change() {
    let mut world = serving();
    world.want(service(0, Scheduler::RoundRobin, &[(1, 2)]));
    world.want(service(1, Scheduler::RoundRobin, &[(1, 1)]));
    let steps = world.plan(Scope::All);
    let published: Vec<ServiceIdentity> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Publish(publication) => Some(publication.service),
            _ => None,
        })
        .collect();
    assert_eq!(published, [identity(1), identity(0)]);
}

#[test]
fn next_hops_of_leaving_destinations_follow_their_neighbours() {
    let mut world = serving();
    let id = world.view.destination(identity(0), at(0, 2)).unwrap();
    let live = Live {
        active: 1,
        ..Live::default()
    };
    world.dataplane.set_live(id, live);
    world.unwant(0);
    world.settle();
    world.resolve(2, way(2, 99));
    world.settle();
    assert_eq!(world.view.way(id), Way::Hop(hop(2, 99)));
}
