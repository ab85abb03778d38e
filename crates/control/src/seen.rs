//! What is out of use, seen twice.
//!
//! A packet may have read a number just before it went out of use, and still be on its way. So a number
//! is given away only when it was out of use at two looks in a row: between them lies a tick, and no
//! packet is under way that long.

use std::collections::BTreeSet;

use dray_model::{DestinationId, HopId, Live, ServiceIdentity};

use crate::{plan::Unused, view::View};

/// What was out of use at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    destinations: BTreeSet<DestinationId>,
    hops: BTreeSet<HopId>,
    retired: BTreeSet<ServiceIdentity>,
}

impl Seen {
    /// A look at what there is now.
    pub(crate) fn now(view: &View) -> Self {
        Self {
            destinations: view.leaving().clone(),
            hops: view.spare_hops().clone(),
            retired: view.retired().keys().copied().collect(),
        }
    }

    /// What was out of use at this look and is so at the next, and has neither connection nor template.
    pub(crate) fn unused(&self, next: &Self, live: impl Fn(DestinationId) -> Live) -> Unused {
        let destinations = self.destinations.intersection(&next.destinations);
        let idle = |live: Live| live.total() == 0 && live.persistent == 0;
        Unused {
            destinations: destinations
                .filter(|id| idle(live(**id)))
                .copied()
                .collect(),
            hops: self.hops.intersection(&next.hops).copied().collect(),
        }
    }

    /// Services that were withdrawn at this look and are so at the next.
    pub(crate) fn retired<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = ServiceIdentity> {
        self.retired.intersection(&next.retired).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dray_model::{Action, ActualDestination, Family, Forward, Mark, Thresholds};

    use super::*;
    use crate::plan::tests::world::hop;

    fn destination(number: u8) -> ActualDestination {
        let mark = Mark {
            number: NonZeroU32::MIN,
            family: Family::Ipv4,
        };
        ActualDestination {
            service: mark.into(),
            real: [10, 77, 0, number].into(),
            port: 0,
            forward: Forward::DirectRouting,
            hop: None,
            weight: 1,
            thresholds: Thresholds::default(),
            available: false,
            local: false,
        }
    }

    fn add(view: &mut View, number: u8) {
        view.note(Action::AddDestination {
            id: DestinationId(number.into()),
            destination: destination(number),
        });
        view.note(Action::WriteHop {
            id: HopId(number.into()),
            hop: hop(1, number),
        });
    }

    #[test]
    fn only_what_was_out_of_use_at_both_looks_is_unused() {
        let mut view = View::default();
        add(&mut view, 1);
        let first = Seen::now(&view);
        assert_eq!(
            Seen::default().unused(&first, |_| Live::default()),
            Unused::default()
        );

        add(&mut view, 2);
        let second = Seen::now(&view);
        let unused = first.unused(&second, |_| Live::default());
        assert_eq!(unused.destinations, BTreeSet::from([DestinationId(1)]));
        assert_eq!(unused.hops, BTreeSet::from([HopId(1)]));
    }

    #[test]
    fn what_came_back_into_use_between_the_looks_is_not_unused() {
        let mut view = View::default();
        add(&mut view, 1);
        let first = Seen::now(&view);
        view.note(Action::SetDestination {
            id: DestinationId(1),
            destination: ActualDestination {
                hop: Some(HopId(1)),
                ..destination(1)
            },
        });
        let unused = first.unused(&Seen::now(&view), |_| Live::default());
        assert_eq!(unused.hops, BTreeSet::new());
    }

    #[test]
    fn a_destination_with_connections_or_templates_is_in_use() {
        let mut view = View::default();
        add(&mut view, 1);
        let look = Seen::now(&view);
        let one_connection = Live {
            inactive: 1,
            ..Live::default()
        };
        let one_template = Live {
            persistent: 1,
            ..Live::default()
        };
        for live in [one_connection, one_template] {
            assert_eq!(look.unused(&look, |_| live).destinations, BTreeSet::new());
        }
    }
}
