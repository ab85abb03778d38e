//! One destination: where its packets go, and whether it may get connections.

use std::collections::BTreeSet;

use dray_model::{NextHop, Resolution, Unresolved};

use crate::snapshot::Ineligible;

/// What is wanted of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) hop: Option<NextHop>,
    pub(crate) eligible: Result<(), Ineligible>,
}

/// Judges a destination by what is known of the way to it; `before` is its present next hop,
/// `was_eligible` whether it gets connections at present.
///
/// A destination that has a next hop and gets connections goes on so while an answer is awaited: a
/// daemon that has just started knows nothing yet, and that is no reason to stop what works. When the
/// answer is no, it gets no new connections, but those that it has are still sent to its last next hop:
/// better to try than to drop.
pub(crate) fn judge(
    resolution: Option<&Resolution>,
    interfaces: &BTreeSet<u32>,
    before: Option<NextHop>,
    was_eligible: bool,
) -> Verdict {
    let kept = before.filter(|hop| interfaces.contains(&hop.interface));
    let awaited = matches!(
        resolution,
        None | Some(Resolution::Unresolved(Unresolved::Pending { .. }))
    );
    if awaited && was_eligible && kept.is_some() {
        return Verdict {
            hop: kept,
            eligible: Ok(()),
        };
    }
    let why = match resolution {
        Some(Resolution::Resolved(hop)) if interfaces.contains(&hop.interface) => {
            return Verdict {
                hop: Some(*hop),
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
        hop: kept,
        eligible: Err(why),
    }
}

#[cfg(test)]
mod tests {
    use dray_model::Mac;

    use super::*;

    fn hop(interface: u32, last: u8) -> NextHop {
        NextHop {
            interface,
            vlan: None,
            source: Mac([2, 0, 0, 0, 0, 1]),
            destination: Mac([2, 0, 0, 0, 1, last]),
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
        before: Option<NextHop>,
        was_eligible: bool,
    ) -> (Option<NextHop>, Result<(), Ineligible>) {
        let Verdict { hop, eligible } = judge(
            resolution.as_ref(),
            &BTreeSet::from([1, 2]),
            before,
            was_eligible,
        );
        (hop, eligible)
    }

    #[test]
    fn a_resolved_neighbour_makes_a_destination_eligible() {
        let resolved = Some(Resolution::Resolved(hop(2, 9)));
        assert_eq!(
            verdict(resolved.clone(), None, false),
            (Some(hop(2, 9)), Ok(()))
        );
        assert_eq!(
            verdict(resolved, Some(hop(1, 4)), true),
            (Some(hop(2, 9)), Ok(()))
        );
    }

    #[test]
    fn a_way_out_by_a_foreign_interface_is_refused() {
        let foreign = Some(Resolution::Resolved(hop(3, 9)));
        let why = Err(Ineligible::ForeignInterface { interface: 3 });
        assert_eq!(verdict(foreign, None, false), (None, why));
    }

    #[test]
    fn no_answer_ends_new_connections_and_keeps_the_last_next_hop() {
        let silent = Some(Resolution::Unresolved(no_answer()));
        let why = Err(Ineligible::Unresolved(no_answer()));
        assert_eq!(
            verdict(silent, Some(hop(1, 4)), true),
            (Some(hop(1, 4)), why)
        );
    }

    #[test]
    fn while_an_answer_is_awaited_things_stay_as_they_are() {
        for awaited in [None, Some(Resolution::Unresolved(pending()))] {
            assert_eq!(
                verdict(awaited.clone(), Some(hop(1, 4)), true),
                (Some(hop(1, 4)), Ok(()))
            );
            let (kept, eligible) = verdict(awaited.clone(), Some(hop(1, 4)), false);
            assert_eq!(kept, Some(hop(1, 4)));
            assert!(eligible.is_err());
            assert!(verdict(awaited, None, true).1.is_err());
        }
    }

    #[test]
    fn a_next_hop_by_an_interface_that_is_no_longer_the_directors_is_not_kept() {
        let (kept, eligible) = verdict(None, Some(hop(3, 4)), true);
        assert_eq!((kept, eligible), (None, Err(Ineligible::Unknown)));
    }
}
