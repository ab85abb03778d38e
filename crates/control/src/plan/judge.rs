//! One destination: where its packets go, and whether it may get connections.

use std::collections::BTreeSet;

use dray_model::{Resolution, Unresolved};

use crate::{snapshot::Ineligible, view::Way};

/// What is wanted of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) way: Way,
    pub(crate) eligible: Result<(), Ineligible>,
}

/// Judges a destination by what is known of the way to it; `before` is where its packets go at present,
/// `was_eligible` whether it gets connections at present.
///
/// A real server that is the director itself gets its packets by the host's stack.
///
/// A destination that packets reach and that gets connections goes on so while an answer is awaited: a
/// daemon that has just started knows nothing yet, and that is no reason to stop what works. When the
/// answer is no, it gets no new connections, but those that it has are still sent where they were last:
/// better to try than to drop.
pub(crate) fn judge(
    resolution: Option<&Resolution>,
    interfaces: &BTreeSet<u32>,
    before: Way,
    was_eligible: bool,
) -> Verdict {
    let ours = |way: Way| match way {
        Way::Hop(hop) => interfaces.contains(&hop.interface),
        Way::Local | Way::Unknown => true,
    };
    let kept = if ours(before) { before } else { Way::Unknown };
    let awaited = matches!(
        resolution,
        None | Some(Resolution::Unresolved(Unresolved::Pending { .. }))
    );
    if awaited && was_eligible && kept != Way::Unknown {
        return Verdict {
            way: kept,
            eligible: Ok(()),
        };
    }
    let why = match resolution {
        Some(Resolution::Resolved(hop)) if interfaces.contains(&hop.interface) => {
            return Verdict {
                way: Way::Hop(*hop),
                eligible: Ok(()),
            };
        }
        Some(Resolution::Unresolved(Unresolved::Local)) => {
            return Verdict {
                way: Way::Local,
                eligible: Ok(()),
            };
        }
        Some(Resolution::Resolved(hop)) => Ineligible::ForeignInterface {
            interface: hop.interface,
        },
        Some(Resolution::Unresolved(why)) => Ineligible::Unresolved(why.clone()),
        None => Ineligible::Unknown,
    };
    Verdict {
        way: kept,
        eligible: Err(why),
    }
}

#[cfg(test)]
mod tests {
    use dray_model::{Mac, NextHop};

    use super::*;

    fn hop(interface: u32, last: u8) -> NextHop {
        NextHop {
            interface,
            vlan: None,
            source: Mac([2, 0, 0, 0, 0, 1]),
            destination: Mac([2, 0, 0, 0, 1, last]),
            mtu: 1500,
        }
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

    fn verdict(
        resolution: Option<Resolution>,
        before: Way,
        was_eligible: bool,
    ) -> (Way, Result<(), Ineligible>) {
        let Verdict { way, eligible } = judge(
            resolution.as_ref(),
            &BTreeSet::from([1, 2]),
            before,
            was_eligible,
        );
        (way, eligible)
    }

    #[test]
    fn a_resolved_neighbour_makes_a_destination_eligible() {
        let resolved = Some(Resolution::Resolved(hop(2, 9)));
        assert_eq!(
            verdict(resolved.clone(), Way::Unknown, false),
            (Way::Hop(hop(2, 9)), Ok(()))
        );
        assert_eq!(
            verdict(resolved, Way::Hop(hop(1, 4)), true),
            (Way::Hop(hop(2, 9)), Ok(()))
        );
    }

    #[test]
    fn the_director_itself_is_reached_by_the_hosts_stack() {
        let local = Some(Resolution::Unresolved(Unresolved::Local));
        for before in [Way::Unknown, Way::Local, Way::Hop(hop(1, 4))] {
            assert_eq!(verdict(local.clone(), before, false), (Way::Local, Ok(())));
        }
        assert_eq!(verdict(None, Way::Local, true), (Way::Local, Ok(())));
    }

    #[test]
    fn a_way_out_by_a_foreign_interface_is_refused() {
        let foreign = Some(Resolution::Resolved(hop(3, 9)));
        let why = Err(Ineligible::ForeignInterface { interface: 3 });
        assert_eq!(verdict(foreign, Way::Unknown, false), (Way::Unknown, why));
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
        for awaited in [None, Some(Resolution::Unresolved(pending()))] {
            assert_eq!(verdict(awaited.clone(), before, true), (before, Ok(())));
            let (kept, eligible) = verdict(awaited.clone(), before, false);
            assert_eq!(kept, before);
            assert!(eligible.is_err());
            assert!(verdict(awaited, Way::Unknown, true).1.is_err());
        }
    }

    #[test]
    fn a_next_hop_by_an_interface_that_is_no_longer_the_directors_is_not_kept() {
        let (kept, eligible) = verdict(None, Way::Hop(hop(3, 4)), true);
        assert_eq!((kept, eligible), (Way::Unknown, Err(Ineligible::Unknown)));
    }
}
