use std::net::Ipv4Addr;

use dray_model::{Mac, NextHop, Unresolved, Way};

use super::*;
use crate::{event::Prefix, neighbour::Answer};

const ETH0: u32 = 2;
const ETH1: u32 = 3;
const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
const REAL: Mac = Mac([2, 0, 0, 0, 0, 9]);
const OTHER: Mac = Mac([2, 0, 0, 0, 0, 10]);

fn ip(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

fn at(last: u8) -> Place {
    Place {
        address: ip(last),
        interface: ETH0,
    }
}

fn link(index: u32) -> Link {
    Link {
        index,
        name: format!("eth{}", index - ETH0),
        mac: OWN,
        ethernet: true,
        up: true,
        carrier: true,
        mtu: 1500,
        parent: None,
        vlan: None,
        master: None,
    }
}

fn entry(answer: Answer, keeper: Keeper) -> Neighbour {
    Neighbour { answer, keeper }
}

fn way(destination: Mac) -> Way {
    Way {
        next: NextHop {
            interface: ETH0,
            vlan: None,
            source: OWN,
            destination,
            mtu: 1500,
        },
        gateway: None,
        source: Some(ip(1)),
        shared: Some(24),
    }
}

fn resolved(destination: Mac) -> Resolution {
    Resolution::Resolved(way(destination))
}

fn pending() -> Resolution {
    Resolution::Unresolved(Unresolved::Pending {
        interface: "eth0".into(),
    })
}

/// Follows these addresses of eth0, with these entries in the kernel.
fn following(addresses: &[u8], neighbours: &[(Place, Neighbour)]) -> Followed {
    let mut followed = Followed::default();
    follow(&mut followed, addresses);
    followed.read(vec![link(ETH0), link(ETH1)], neighbours.to_vec());
    route(&mut followed);
    followed
}

fn follow(followed: &mut Followed, addresses: &[u8]) {
    followed.follow(addresses.iter().map(|last| ip(*last)));
}

fn by(interface: u32) -> Route {
    Route::Out(Path {
        interface,
        gateway: None,
        source: Some(ip(1)),
        shared: Some(24),
        mtu: None,
    })
}

fn via(gateway: IpAddr, interface: u32) -> Route {
    Route::Out(Path {
        interface,
        gateway: Some(gateway),
        source: Some(ip(1)),
        shared: None,
        mtu: None,
    })
}

fn resolved_via(gateway: IpAddr, interface: u32, destination: Mac) -> Resolution {
    let Way { next, source, .. } = way(destination);
    Resolution::Resolved(Way {
        next: NextHop { interface, ..next },
        gateway: Some(gateway),
        source,
        shared: None,
    })
}

/// Answers each route that is asked for: directly, by eth0.
fn route(followed: &mut Followed) -> Vec<IpAddr> {
    let lookups = followed.lookups();
    for address in &lookups {
        followed.route(*address, Some(by(ETH0)));
    }
    lookups
}

/// What is known now that something has changed.
fn news(followed: &mut Followed) -> BTreeMap<IpAddr, Resolution> {
    let news = followed.settle().expect("news");
    let known = news.iter();
    known
        .map(|(address, known)| (*address, known.clone()))
        .collect()
}

/// Follows the one address 10.0.0.9, which is resolved and kept.
fn settled() -> Followed {
    let mut followed = following(&[9], &[(at(9), entry(Answer::Known(REAL), Keeper::Dray))]);
    assert_eq!(followed.upkeep(), []);
    assert_eq!(news(&mut followed)[&ip(9)], resolved(REAL));
    followed
}

#[test]
fn a_new_address_is_routed_its_entry_made_and_its_answer_published() {
    let mut followed = following(&[9], &[]);
    assert_eq!(followed.upkeep(), [Upkeep::Create(at(9))]);
    followed.done(Upkeep::Create(at(9)), true);
    followed.neighbours(vec![(at(9), entry(Answer::Awaited, Keeper::Dray))]);
    assert_eq!(news(&mut followed)[&ip(9)], pending());

    followed.see(Event::Neighbour(
        at(9),
        entry(Answer::Known(REAL), Keeper::Dray),
    ));
    assert_eq!(followed.upkeep(), []);
    assert_eq!(news(&mut followed)[&ip(9)], resolved(REAL));
}

#[test]
fn nothing_is_said_before_the_network_was_read() {
    let mut followed = Followed::default();
    follow(&mut followed, &[9]);
    assert!(!followed.is_unsettled());
    assert!(followed.lookups().is_empty());
    assert!(followed.upkeep().is_empty());
    assert!(followed.settle().is_none());
    followed.read(vec![link(ETH0)], vec![]);
    assert!(followed.is_unsettled());
    assert_eq!(followed.lookups(), [ip(9)]);
}

#[test]
fn what_changes_nothing_is_not_published() {
    let mut followed = settled();
    followed.see(Event::Neighbour(
        at(9),
        entry(Answer::Known(REAL), Keeper::Dray),
    ));
    followed.see(Event::Neighbour(
        at(77),
        entry(Answer::Known(OTHER), Keeper::Nobody),
    ));
    followed.see(Event::Link(Link {
        master: Some(7),
        ..link(ETH0)
    }));
    followed.see(Event::Routes(Prefix {
        address: IpAddr::from([192, 0, 2, 0]),
        length: 24,
    }));
    assert!(!followed.is_unsettled());
    assert_eq!(followed.upkeep(), []);
    assert!(followed.settle().is_none());

    // A full read that finds all as it was is no news either.
    followed.read(
        vec![link(ETH0), link(ETH1)],
        vec![(at(9), entry(Answer::Known(REAL), Keeper::Dray))],
    );
    route(&mut followed);
    assert!(followed.settle().is_none());
}

#[test]
fn an_address_that_is_not_followed_any_more_is_let_go_and_forgotten() {
    let mut followed = settled();
    followed.unfollow([ip(9)]);
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(9))]);
    followed.done(Upkeep::Release(at(9)), true);
    assert!(news(&mut followed).is_empty());
    // Should another daemon mark it, that is not ours to undo.
    followed.see(Event::Neighbour(
        at(9),
        entry(Answer::Awaited, Keeper::Dray),
    ));
    assert_eq!(followed.upkeep(), []);
}

#[test]
fn an_entry_of_the_cache_is_marked_and_let_go_even_before_the_kernel_says_so() {
    let mut followed = following(&[9], &[(at(9), entry(Answer::Known(REAL), Keeper::Nobody))]);
    assert_eq!(followed.upkeep(), [Upkeep::Keep(at(9))]);
    followed.done(Upkeep::Keep(at(9)), true);
    followed.unfollow([ip(9)]);
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(9))]);
}

#[test]
fn an_entry_of_an_operator_is_used_but_neither_marked_nor_let_go() {
    let mut followed = following(&[9], &[(at(9), entry(Answer::Known(REAL), Keeper::Other))]);
    assert_eq!(followed.upkeep(), []);
    assert_eq!(news(&mut followed)[&ip(9)], resolved(REAL));
    followed.unfollow([ip(9)]);
    assert_eq!(followed.upkeep(), []);
}

#[test]
fn an_entry_that_lost_its_mark_or_went_is_claimed_again_without_news() {
    let mut followed = settled();
    followed.see(Event::Neighbour(
        at(9),
        entry(Answer::Known(REAL), Keeper::Nobody),
    ));
    assert_eq!(followed.upkeep(), [Upkeep::Keep(at(9))]);
    followed.see(Event::NeighbourGone(at(9)));
    assert_eq!(followed.upkeep(), [Upkeep::Create(at(9))]);
    assert!(followed.settle().is_none());
}

#[test]
fn an_entry_that_the_kernel_refuses_is_pending_and_tried_again_after_a_full_read() {
    let mut followed = settled();
    followed.see(Event::NeighbourGone(at(9)));
    assert_eq!(followed.upkeep(), [Upkeep::Create(at(9))]);
    followed.done(Upkeep::Create(at(9)), false);
    assert_eq!(news(&mut followed)[&ip(9)], pending());
    followed.see(Event::Routes(Prefix::ALL[0]));
    route(&mut followed);
    assert_eq!(followed.upkeep(), []);

    followed.read(vec![link(ETH0)], vec![]);
    route(&mut followed);
    assert_eq!(followed.upkeep(), [Upkeep::Create(at(9))]);
}

#[test]
fn a_route_that_moves_to_another_interface_takes_the_entry_along() {
    let mut followed = settled();
    followed.see(Event::Routes(Prefix {
        address: ip(0),
        length: 24,
    }));
    assert_eq!(followed.lookups(), [ip(9)]);
    followed.route(ip(9), Some(by(ETH1)));
    let there = Place {
        address: ip(9),
        interface: ETH1,
    };
    assert_eq!(
        followed.upkeep(),
        [Upkeep::Release(at(9)), Upkeep::Create(there)]
    );
    let asked = Unresolved::Pending {
        interface: "eth1".into(),
    };
    assert_eq!(news(&mut followed)[&ip(9)], Resolution::Unresolved(asked));
}

#[test]
fn a_link_that_goes_takes_its_addresses_along() {
    let mut followed = settled();
    followed.see(Event::LinkGone(ETH0));
    assert_eq!(followed.upkeep(), []);
    let gone = Unresolved::NoLink {
        interface: "number 2".into(),
    };
    assert_eq!(news(&mut followed)[&ip(9)], Resolution::Unresolved(gone));
    followed.route(ip(9), Some(Route::None));
    assert_eq!(
        news(&mut followed)[&ip(9)],
        Resolution::Unresolved(Unresolved::NoRoute)
    );
}

#[test]
fn a_route_concerns_only_the_addresses_it_covers() {
    let mut followed = following(&[1, 2, 3, 4, 5], &[]);
    followed.see(Event::Routes(Prefix {
        address: ip(2),
        length: 31,
    }));
    assert_eq!(followed.lookups(), [ip(2), ip(3)]);
    followed.see(Event::Routes(Prefix::ALL[1]));
    assert!(!followed.is_unsettled());
    followed.see(Event::Routes(Prefix::ALL[0]));
    assert_eq!(followed.lookups().len(), 5);
}

#[test]
fn another_address_of_the_host_is_looked_into_once_however_many_there_are() {
    let mut followed = following(&[8, 9], &[]);
    let six = Event::Addresses(Prefix::ALL[1]);
    followed.see(six);
    assert!(!followed.has_suspects());
    for _ in 0..3 {
        followed.see(Event::Addresses(Prefix::ALL[0]));
    }
    assert!(followed.has_suspects() && !followed.is_unsettled());
    followed.look_into_suspects();
    assert!(!followed.has_suspects());
    assert_eq!(followed.lookups(), [ip(8), ip(9)]);
    assert!(!followed.is_unsettled());
}

#[test]
fn a_route_that_could_not_be_asked_for_waits_for_the_next_full_read() {
    let mut followed = settled();
    followed.see(Event::Routes(Prefix::ALL[0]));
    assert_eq!(followed.lookups(), [ip(9)]);
    followed.route(ip(9), None);
    assert!(!followed.is_unsettled());
    assert!(followed.settle().is_none());
    followed.read(vec![link(ETH0)], vec![]);
    assert_eq!(followed.lookups(), [ip(9)]);
}

#[test]
fn new_addresses_are_asked_for_at_once_and_known_ones_in_parts() {
    let first = u32::from(Ipv4Addr::new(10, 1, 0, 0));
    let many: BTreeSet<IpAddr> = (first..first + 1_000)
        .map(|bits| Ipv4Addr::from_bits(bits).into())
        .collect();
    let mut followed = Followed::default();
    followed.follow(many.iter().copied());
    followed.read(vec![link(ETH0)], vec![]);
    assert_eq!(route(&mut followed).len(), 1_000);

    followed.see(Event::Link(Link {
        up: false,
        ..link(ETH0)
    }));
    followed.follow([ip(9)]);
    assert_eq!(route(&mut followed), [ip(9)]);
    let mut parts = 0;
    while followed.is_unsettled() {
        assert!(route(&mut followed).len() <= lookups::AGAIN);
        parts += 1;
    }
    assert_eq!(parts, 1_000usize.div_ceil(lookups::AGAIN));
}

#[test]
fn entries_that_an_earlier_daemon_left_are_taken_over_or_let_go_once() {
    let left = [
        (at(7), entry(Answer::Known(OTHER), Keeper::Dray)),
        (at(8), entry(Answer::Known(OTHER), Keeper::Other)),
        (at(9), entry(Answer::Known(REAL), Keeper::Dray)),
    ];
    let mut followed = following(&[9], &left);
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(7))]);
    followed.done(Upkeep::Release(at(7)), true);
    followed.settle();
    // A second daemon of this namespace marks its own entries: they are not ours.
    followed.read(vec![link(ETH0)], left.to_vec());
    route(&mut followed);
    assert_eq!(followed.upkeep(), []);
}

#[test]
fn another_mtu_of_the_interface_is_published_once_its_routes_were_read_anew() {
    let mut followed = settled();
    followed.see(Event::Link(Link {
        mtu: 9000,
        ..link(ETH0)
    }));
    assert_eq!(route(&mut followed), [ip(9)]);
    assert_eq!(followed.upkeep(), []);
    let Resolution::Resolved(Way { next, .. }) = news(&mut followed)[&ip(9)] else {
        panic!("the neighbour is still known");
    };
    assert_eq!((next.destination, next.mtu), (REAL, 9000));
}

/// The addresses 192.0.2.1 and 192.0.2.2 behind the gateway 10.0.0.254, which is resolved and kept.
fn behind_a_gateway() -> (Followed, [IpAddr; 2]) {
    let far = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
    let mut followed = Followed::default();
    followed.follow(far);
    followed.read(vec![link(ETH0), link(ETH1)], vec![]);
    for address in followed.lookups() {
        followed.route(address, Some(via(ip(254), ETH0)));
    }
    assert_eq!(followed.upkeep(), [Upkeep::Create(at(254))]);
    followed.done(Upkeep::Create(at(254)), true);
    followed.see(Event::Neighbour(
        at(254),
        entry(Answer::Known(REAL), Keeper::Dray),
    ));
    assert_eq!(followed.upkeep(), []);
    let news = news(&mut followed);
    for address in far {
        assert_eq!(news[&address], resolved_via(ip(254), ETH0, REAL));
    }
    (followed, far)
}

#[test]
fn news_of_a_gateway_is_news_of_all_that_is_behind_it() {
    let (mut followed, far) = behind_a_gateway();
    followed.see(Event::Neighbour(
        at(254),
        entry(Answer::Known(OTHER), Keeper::Dray),
    ));
    let news = news(&mut followed);
    for address in far {
        assert_eq!(news[&address], resolved_via(ip(254), ETH0, OTHER));
    }
}

#[test]
fn a_gateway_is_let_go_with_the_last_address_behind_it() {
    let (mut followed, far) = behind_a_gateway();
    followed.unfollow([far[1]]);
    assert_eq!(followed.upkeep(), []);
    assert_eq!(news(&mut followed).len(), 1);
    followed.unfollow([far[0]]);
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(254))]);
    assert!(news(&mut followed).is_empty());
}

#[test]
fn a_gateway_that_is_a_real_server_too_is_kept_while_it_is_either() {
    let (mut followed, far) = behind_a_gateway();
    followed.unfollow([far[1]]);
    followed.follow([ip(254)]);
    followed.route(ip(254), Some(by(ETH0)));
    assert_eq!(followed.upkeep(), []);
    let news = news(&mut followed);
    assert_eq!(news[&ip(254)], resolved(REAL));
    followed.unfollow([far[0]]);
    assert_eq!(followed.upkeep(), []);
    followed.unfollow([ip(254)]);
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(254))]);
}

#[test]
fn a_route_by_another_gateway_is_news_and_takes_the_entry_along() {
    let (mut followed, far) = behind_a_gateway();
    followed.see(Event::Routes(Prefix {
        address: far[0],
        length: 32,
    }));
    assert_eq!(followed.lookups(), [far[0]]);
    followed.route(far[0], Some(via(ip(253), ETH0)));
    assert_eq!(
        followed.upkeep(),
        [Upkeep::Create(at(253))],
        "the other address still needs the first gateway"
    );
    followed.see(Event::Neighbour(
        at(253),
        entry(Answer::Known(OTHER), Keeper::Dray),
    ));
    let news = news(&mut followed);
    assert_eq!(news[&far[0]], resolved_via(ip(253), ETH0, OTHER));
    assert_eq!(news[&far[1]], resolved_via(ip(254), ETH0, REAL));

    followed.route(far[1], Some(via(ip(253), ETH0)));
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(254))]);
    followed.route(far[1], Some(Route::None));
    followed.route(far[0], Some(Route::Local));
    assert_eq!(followed.upkeep(), [Upkeep::Release(at(253))]);
}

#[test]
fn a_link_local_gateway_has_an_entry_on_each_interface_that_leads_to_it() {
    let (mut followed, far) = behind_a_gateway();
    let gateway: IpAddr = "fe80::1".parse().expect("an address");
    let on = |interface| Place {
        address: gateway,
        interface,
    };
    followed.route(far[0], Some(via(gateway, ETH0)));
    followed.route(far[1], Some(via(gateway, ETH1)));
    assert_eq!(
        followed.upkeep(),
        [
            Upkeep::Release(at(254)),
            Upkeep::Create(on(ETH0)),
            Upkeep::Create(on(ETH1)),
        ]
    );
    for interface in [ETH0, ETH1] {
        followed.see(Event::Neighbour(
            on(interface),
            entry(Answer::Known(REAL), Keeper::Dray),
        ));
    }
    let news = news(&mut followed);
    assert_eq!(news[&far[1]], resolved_via(gateway, ETH1, REAL));
    followed.route(far[1], Some(via(gateway, ETH0)));
    assert_eq!(followed.upkeep(), [Upkeep::Release(on(ETH1))]);
}
