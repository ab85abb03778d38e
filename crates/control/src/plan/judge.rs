//! One destination: where its packets go, and whether it may get connections.

use std::collections::BTreeSet;

use dray_model::{Forward, Resolution, Unresolved};

use super::Reach;
use crate::{snapshot::Ineligible, view::Way};

/// What is wanted of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) way: Way,
    /// The method of what is sent that way.
    pub(crate) forward: Forward,
    pub(crate) eligible: Result<(), Ineligible>,
}

/// Judges a destination by what is known of the way to it; `before` is where its packets go at present,
/// `was_eligible` whether it gets connections at present.
///
/// A real server that is the director itself gets its packets by the host's stack, if it gets them as they are.
///
/// A destination that packets reach and that gets connections goes on so while an answer is awaited: a
/// daemon that has just started knows nothing yet, and that is no reason to stop what works. (Unless another
/// method is wanted now: nobody may be waiting for its packets there.) When the answer is no, or the method cannot take
/// the way, it gets no new connections, but those that it has are still sent where and how they were last:
/// better to try than to drop.
pub(crate) fn judge(
    reach: Reach,
    resolution: Option<&Resolution>,
    interfaces: &BTreeSet<u32>,
    before: Way,
    was_eligible: bool,
) -> Verdict {
    let verdict = |way, eligible| Verdict {
        way,
        forward: reach.method(&way),
        eligible,
    };
    let (kept, goes_on) = match before {
        Way::Hop(hop) if interfaces.contains(&hop.next.interface) => (before, reach.suits(&hop)),
        Way::Local => (before, reach.by_host().is_ok()),
        Way::Hop(_) | Way::Unknown => (Way::Unknown, false),
    };
    let awaited = matches!(
        resolution,
        None | Some(Resolution::Unresolved(Unresolved::Pending { .. }))
    );
    if awaited && was_eligible && goes_on {
        return verdict(kept, Ok(()));
    }
    let found = match resolution {
        Some(Resolution::Resolved(way)) if interfaces.contains(&way.next.interface) => {
            reach.by(way).map(Way::Hop)
        }
        Some(Resolution::Unresolved(Unresolved::Local)) => reach.by_host().map(|()| Way::Local),
        Some(Resolution::Resolved(way)) => Err(Ineligible::ForeignInterface {
            interface: way.next.interface,
        }),
        Some(Resolution::Unresolved(why)) => Err(Ineligible::Unresolved(why.clone())),
        None => Err(Ineligible::Unknown),
    };
    match found {
        Ok(way) => verdict(way, Ok(())),
        Err(why) => verdict(kept, Err(why)),
    }
}

#[cfg(test)]
mod tests {
    use dray_model::{Family, Hop, Rewrite, Tunnel};

    use super::*;
    use crate::plan::tests::world;

    const IPIP: Forward = Forward::Tunnel(Tunnel::IpIp);

    fn reach(forward: Forward) -> Reach {
        let service = world::service(0, dray_model::Scheduler::RoundRobin, &[(9, 1)]);
        let real = dray_model::RealServer {
            forward,
            ..service.reals[0]
        };
        Reach::wanted(&world::nothing().director, &service, &real)
    }

    fn way(interface: u32, last: u8) -> dray_model::Way {
        world::way(interface, last)
    }

    /// Direct routing's next hop by that way.
    fn hop(interface: u32, last: u8) -> Hop {
        world::hop(interface, last)
    }

    fn resolved(interface: u32, last: u8) -> Option<Resolution> {
        Some(Resolution::Resolved(way(interface, last)))
    }

    fn no_answer() -> Unresolved {
        Unresolved::NoAnswer {
            interface: "eth0".into(),
        }
    }

    fn pending() -> Unresolved {
        Unresolved::Pending {
            interface: "eth0".into(),
        }
    }

    fn awaited() -> [Option<Resolution>; 2] {
        [None, Some(Resolution::Unresolved(pending()))]
    }

    /// What becomes of a direct routing destination.
    fn verdict(
        resolution: Option<Resolution>,
        before: Way,
        was_eligible: bool,
    ) -> (Way, Result<(), Ineligible>) {
        let Verdict { way, eligible, .. } =
            verdict_of(Forward::DirectRouting, resolution, before, was_eligible);
        (way, eligible)
    }

    fn verdict_of(
        forward: Forward,
        resolution: Option<Resolution>,
        before: Way,
        was_eligible: bool,
    ) -> Verdict {
        judge(
            reach(forward),
            resolution.as_ref(),
            &BTreeSet::from([1, 2]),
            before,
            was_eligible,
        )
    }

    #[test]
    fn a_resolved_neighbour_makes_a_destination_eligible() {
        for before in [(Way::Unknown, false), (Way::Hop(hop(1, 4)), true)] {
            assert_eq!(
                verdict(resolved(2, 9), before.0, before.1),
                (Way::Hop(hop(2, 9)), Ok(()))
            );
        }
    }

    #[test]
    fn the_director_itself_is_reached_by_the_hosts_stack() {
        let local = Some(Resolution::Unresolved(Unresolved::Local));
        for before in [Way::Unknown, Way::Local, Way::Hop(hop(1, 4))] {
            assert_eq!(verdict(local.clone(), before, false), (Way::Local, Ok(())));
            let tunnelled = verdict_of(IPIP, local.clone(), before, false);
            assert_eq!((tunnelled.way, tunnelled.forward), (Way::Local, IPIP));
        }
        assert_eq!(verdict(None, Way::Local, true), (Way::Local, Ok(())));
    }

    #[test]
    fn the_director_itself_cannot_turn_addresses_back() {
        let local = Some(Resolution::Unresolved(Unresolved::Local));
        for (forward, method) in [(Forward::Nat, "nat"), (Forward::FullNat, "fullnat")] {
            let why = Err(Ineligible::Translated { method });
            let verdict = verdict_of(forward, local.clone(), Way::Unknown, false);
            assert_eq!((verdict.way, verdict.eligible), (Way::Unknown, why.clone()));
            let was_local = verdict_of(forward, local.clone(), Way::Local, true);
            assert_eq!((was_local.way, was_local.eligible), (Way::Local, why));
            assert_eq!(was_local.forward, Forward::DirectRouting);
        }
    }

    #[test]
    fn a_way_out_by_a_foreign_interface_is_refused() {
        let why = Err(Ineligible::ForeignInterface { interface: 3 });
        assert_eq!(
            verdict(resolved(3, 9), Way::Unknown, false),
            (Way::Unknown, why)
        );
    }

    #[test]
    fn a_gateway_ends_new_connections_of_direct_routing_alone() {
        let gateway = [10, 77, 0, 254].into();
        let behind = Some(Resolution::Resolved(dray_model::Way {
            gateway: Some(gateway),
            shared: None,
            ..way(1, 7)
        }));
        let before = Way::Hop(hop(1, 4));
        let why = Err(Ineligible::BehindGateway { gateway });
        assert_eq!(verdict(behind.clone(), before, true), (before, why));
        for forward in [IPIP, Forward::Nat, Forward::FullNat] {
            let verdict = verdict_of(forward, behind.clone(), before, true);
            assert_eq!((verdict.forward, verdict.eligible), (forward, Ok(())));
        }
    }

    #[test]
    fn no_answer_ends_new_connections_and_keeps_the_last_way() {
        let silent = Some(Resolution::Unresolved(no_answer()));
        for before in [Way::Local, Way::Hop(hop(1, 4))] {
            let why = Err(Ineligible::Unresolved(no_answer()));
            assert_eq!(verdict(silent.clone(), before, true), (before, why));
        }
    }

    #[test]
    fn while_an_answer_is_awaited_things_stay_as_they_are() {
        let before = Way::Hop(hop(1, 4));
        for awaited in awaited() {
            assert_eq!(verdict(awaited.clone(), before, true), (before, Ok(())));
            let (kept, eligible) = verdict(awaited.clone(), before, false);
            assert_eq!(kept, before);
            assert!(eligible.is_err());
            assert!(verdict(awaited, Way::Unknown, true).1.is_err());
        }
    }

    #[test]
    fn another_method_waits_for_the_answer_and_leaves_the_last_way_as_it_was() {
        let before = Way::Hop(hop(1, 4));
        for awaited in awaited() {
            let verdict = verdict_of(Forward::Nat, awaited, before, true);
            assert!(verdict.eligible.is_err());
            assert_eq!(
                (verdict.way, verdict.forward),
                (before, Forward::DirectRouting)
            );
        }
    }

    #[test]
    fn other_details_of_a_method_do_not_stop_it_while_an_answer_is_awaited() {
        let rewrite = Rewrite::Tunnel {
            real: world::real(9),
            source: [10, 77, 0, 1].into(),
            spread: 0,
            tunnel: Tunnel::Gre {
                checksum: dray_model::TunnelChecksum::None,
            },
        };
        let before = Way::Hop(Hop {
            rewrite,
            ..hop(1, 4)
        });
        let verdict = verdict_of(IPIP, None, before, true);
        assert_eq!((verdict.way, verdict.eligible), (before, Ok(())));
        let verdict = verdict_of(IPIP, resolved(1, 4), before, true);
        assert_ne!(verdict.way, before);
    }

    #[test]
    fn a_tunnel_to_a_family_of_which_the_host_has_no_address_is_refused() {
        let sourceless = Some(Resolution::Resolved(dray_model::Way {
            source: None,
            ..way(1, 7)
        }));
        let family = Family::Ipv4;
        let verdict = verdict_of(IPIP, sourceless, Way::Unknown, false);
        assert_eq!(
            (verdict.way, verdict.eligible),
            (Way::Unknown, Err(Ineligible::NoTunnelSource { family }))
        );
    }

    #[test]
    fn a_next_hop_by_an_interface_that_is_no_longer_the_directors_is_not_kept() {
        let (kept, eligible) = verdict(None, Way::Hop(hop(3, 4)), true);
        assert_eq!((kept, eligible), (Way::Unknown, Err(Ineligible::Unknown)));
    }
}
