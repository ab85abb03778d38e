//! Forwarding methods: mixed, changed, and what they need of the director.

use dray_model::{
    Action, ClientAddress, Family, Forward, Hop, LocalAddresses, Rewrite, Tunnel, TunnelSource, Way,
};

use super::{
    Scheduler, Scope, Step,
    world::{World, at, hop, identity, real, service, way},
};
use crate::{snapshot::Ineligible, view};

const IPIP: Forward = Forward::Tunnel(Tunnel::IpIp);

/// A way by a gateway.
fn far(neighbour: u8) -> Way {
    Way {
        gateway: Some([10, 77, 0, 254].into()),
        shared: None,
        ..way(1, neighbour)
    }
}

/// A world where service 0 reaches each of its real servers, from 1 on, by one of these methods; all behind a gateway but
/// those of direct routing.
fn reaching(methods: &[Forward]) -> World {
    let mut world = World::new();
    world.desired.director.fullnat.addresses = vec![[10, 77, 0, 5].into()];
    let numbers: Vec<(u8, u16)> = (1..).zip(methods.iter().map(|_| 1)).collect();
    let mut wanted = service(0, Scheduler::RoundRobin, &numbers);
    for ((number, _), (real, method)) in numbers.iter().zip(wanted.reals.iter_mut().zip(methods)) {
        real.forward = *method;
        let there = match method {
            Forward::DirectRouting => way(1, *number),
            _ => far(*number),
        };
        world.resolve(*number, there);
    }
    world.want(wanted);
    world.settle();
    world
}

/// Where packets of service 0's destination go.
fn hop_of(world: &World, number: u8) -> Hop {
    let id = world.view.destination(identity(0), at(0, number)).unwrap();
    match world.view.way(id) {
        view::Way::Hop(hop) => hop,
        other => panic!("no next hop: {other:?}"),
    }
}

fn why_not(steps: &[Step]) -> Vec<Option<Ineligible>> {
    let publications = steps.iter().filter_map(|step| match step {
        Step::Publish(publication) => Some(&publication.list),
        _ => None,
    });
    publications
        .flatten()
        .map(|listing| listing.eligible.clone().err())
        .collect()
}

#[test]
fn one_service_mixes_all_methods() {
    let world = reaching(&[Forward::DirectRouting, IPIP, Forward::Nat, Forward::FullNat]);
    let list = &world.view.services()[&identity(0)].list;
    assert!(list.iter().all(|listed| listed.eligible));
    let own = [10, 77, 0, 1].into();
    let (two, three, four) = (real(2), real(3), real(4));
    for (number, mtu, rewrite) in [
        (1, 1500, Rewrite::None),
        (
            2,
            1480,
            Rewrite::Tunnel {
                real: two,
                source: own,
                spread: 0,
                tunnel: Tunnel::IpIp,
            },
        ),
        (
            3,
            1500,
            Rewrite::Nat {
                real: three,
                shared: None,
            },
        ),
        (
            4,
            1500,
            Rewrite::FullNat {
                real: four,
                address_option: None,
            },
        ),
    ] {
        let hop = hop_of(&world, number);
        assert_eq!((hop.mtu, hop.rewrite), (mtu, rewrite));
    }
}

#[test]
fn a_services_segment_size_and_the_clients_address_are_in_its_next_hops() {
    let mut world = reaching(&[Forward::DirectRouting, Forward::FullNat]);
    let wanted = world.first();
    wanted.mss = std::num::NonZeroU16::new(1360);
    wanted.client_address = ClientAddress::TcpOption { kind: 254 };
    let steps = world.plan(Scope::All);
    assert!(
        steps.iter().all(|step| !matches!(step, Step::Publish(_))),
        "the record stays as it is: {steps:?}"
    );
    world.settle();
    for number in [1, 2] {
        assert_eq!(hop_of(&world, number).mss, world.desired.services[0].mss);
    }
    let Rewrite::FullNat { address_option, .. } = hop_of(&world, 2).rewrite else {
        panic!("not FULLNAT")
    };
    assert_eq!(address_option, Some(254));
}

#[test]
fn another_method_is_one_action_on_the_destination() {
    let mut world = reaching(&[Forward::DirectRouting]);
    let id = world.view.destination(identity(0), at(0, 1)).unwrap();
    for method in [IPIP, Forward::Nat, Forward::FullNat, Forward::DirectRouting] {
        world.first().reals[0].forward = method;
        let steps = world.plan(Scope::All);
        let sets: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Do(Action::SetDestination { id, destination }) => Some((id, destination)),
                Step::Do(Action::WriteHop { .. }) => None,
                other => panic!("more than a next hop and a destination: {other}"),
            })
            .collect();
        let [(set, destination)] = sets[..] else {
            panic!("not one destination: {sets:?}")
        };
        assert_eq!((*set, destination.forward), (id, method));
        world.settle();
    }
}

#[test]
fn direct_routing_to_a_real_server_that_moves_behind_a_gateway_ends_for_new_connections() {
    let mut world = reaching(&[Forward::DirectRouting]);
    world.resolve(1, far(9));
    let steps = world.plan(Scope::All);
    let gateway = [10, 77, 0, 254].into();
    assert_eq!(
        why_not(&steps),
        [Some(Ineligible::BehindGateway { gateway })]
    );
    world.settle();
    assert_eq!(hop_of(&world, 1), hop(1, 1));

    world.first().reals[0].forward = IPIP;
    assert_eq!(why_not(&world.plan(Scope::All)), [None]);
}

#[test]
fn a_method_that_waits_for_an_answer_leaves_the_old_one_to_present_connections() {
    let mut world = reaching(&[Forward::DirectRouting]);
    world.forget_resolutions();
    world.restart();
    world.first().reals[0].forward = Forward::Nat;
    world.settle();
    let id = world.view.destination(identity(0), at(0, 1)).unwrap();
    let destination = world.dataplane.actual().destinations[&id];
    assert_eq!(destination.forward, Forward::DirectRouting);
    assert!(!world.view.services()[&identity(0)].list[0].eligible);

    world.resolve(1, way(1, 1));
    world.settle();
    let destination = world.dataplane.actual().destinations[&id];
    assert_eq!(destination.forward, Forward::Nat);
    assert!(world.view.services()[&identity(0)].list[0].eligible);
}

#[test]
fn one_real_server_may_have_several_ports() {
    let mut world = World::new();
    world.resolve(1, way(1, 1));
    let mut wanted = service(0, Scheduler::RoundRobin, &[(1, 1), (1, 2), (1, 3)]);
    for (real, port) in wanted.reals.iter_mut().zip([8080, 8081, 8082]) {
        (real.forward, real.port) = (Forward::Nat, port);
    }
    world.want(wanted);
    world.settle();
    let ports: Vec<(u16, u32)> = world.view.services()[&identity(0)]
        .list
        .iter()
        .map(|listed| {
            let found = world.view.destinations()[&listed.destination];
            (found.port, listed.weight)
        })
        .collect();
    assert_eq!(ports, [(8082, 3), (8081, 2), (8080, 1)]);
    assert_eq!(world.dataplane.actual().hops.len(), 1, "they share one");

    world.first().reals.remove(1);
    world.settle();
    let list = &world.view.services()[&identity(0)].list;
    assert_eq!(list.len(), 2);
}

#[test]
fn tunnels_come_from_where_the_operator_says() {
    let mut world = reaching(&[IPIP]);
    let address = [10, 64, 0, 0].into();
    world.desired.director.tunnels.ipv4 = Some(TunnelSource {
        address,
        spread: 16,
    });
    world.settle();
    let Rewrite::Tunnel { source, spread, .. } = hop_of(&world, 1).rewrite else {
        panic!("no tunnel")
    };
    assert_eq!((source, spread), (address, 16));
}

#[test]
fn a_removed_real_server_keeps_its_method_and_what_goes_with_it_while_its_way_changes() {
    let mut world = reaching(&[IPIP, Forward::FullNat]);
    let wanted = world.first();
    wanted.mss = std::num::NonZeroU16::new(1200);
    wanted.client_address = ClientAddress::TcpOption { kind: 253 };
    world.settle();
    let before = [1, 2].map(|number| hop_of(&world, number));
    for number in [1, 2] {
        let id = world.view.destination(identity(0), at(0, number)).unwrap();
        world.connections(id, 1);
    }
    world.unwant(0);
    world.settle();
    for number in [1, 2] {
        world.resolve(number, far(99));
    }
    world.settle();
    for (number, before) in [(1, before[0]), (2, before[1])] {
        let moved = Hop {
            next: far(99).next,
            ..before
        };
        assert_eq!(hop_of(&world, number), moved);
    }
}

#[test]
fn local_addresses_are_there_before_the_first_destination_and_until_after_the_last() {
    let mut world = World::new();
    world.settle();
    world.resolve(1, way(1, 1));
    let locals = LocalAddresses {
        addresses: vec![[10, 77, 0, 5].into()],
        ..LocalAddresses::default()
    };
    world.desired.director.fullnat = locals.clone();
    let mut wanted = service(0, Scheduler::RoundRobin, &[(1, 1)]);
    wanted.reals[0].forward = Forward::FullNat;
    world.want(wanted);
    let steps = world.plan(Scope::All);
    assert_eq!(steps.first(), Some(&Step::TakeLocals(locals.clone())));
    world.settle();
    assert_eq!(world.dataplane.local_addresses(), locals);

    world.desired.director.fullnat = LocalAddresses::default();
    world.unwant(0);
    let steps = world.plan(Scope::All);
    let nothing = Step::TakeLocals(LocalAddresses::default());
    assert_eq!(steps.last(), Some(&nothing));
    world.settle();
    assert_eq!(world.dataplane.local_addresses(), LocalAddresses::default());
}

#[test]
fn a_crossed_service_goes_to_real_servers_of_the_other_family() {
    let mut world = reaching(&[IPIP, Forward::FullNat]);
    let mut reals = Vec::new();
    for (last, real) in (1..).zip(&mut world.first().reals) {
        let address: std::net::Ipv6Addr = format!("fd00::{last}").parse().unwrap();
        real.address = address.into();
        reals.push((last, real.address));
    }
    for (last, real) in &reals {
        let there = Way {
            source: Some("fd00::ff".parse().unwrap()),
            shared: Some(64),
            ..way(1, *last)
        };
        let resolution = dray_model::Resolution::Resolved(there);
        world.resolutions.insert(*real, resolution);
    }
    world.settle();
    let mtus: Vec<u32> = reals
        .iter()
        .map(|(_, real)| {
            let id = world
                .view
                .destination(identity(0), std::net::SocketAddr::new(*real, 80))
                .unwrap();
            match world.view.way(id) {
                view::Way::Hop(hop) => hop.mtu,
                other => panic!("no next hop: {other:?}"),
            }
        })
        .collect();
    assert_eq!(
        mtus,
        [1460, 1500],
        "packets see themselves what crossing adds"
    );
    assert_eq!(identity(0).family(), Family::Ipv4);
}
