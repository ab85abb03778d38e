//! What is out of use, seen twice.
//!
//! A packet may have read a number just before it went out of use, and still be on its way. So a number
//! is given away only when it was out of use at two looks in a row: between them lies a tick, and no
//! packet is under way that long.

use std::collections::BTreeSet;

use dray_model::{DestinationId, HopId, Live, ServiceAddress};

use crate::{plan::Unused, view::View};

/// What was out of use at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    destinations: BTreeSet<DestinationId>,
    hops: BTreeSet<HopId>,
    retired: BTreeSet<ServiceAddress>,
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

    /// What was out of use at this look and is so at the next, and has no connection.
    pub(crate) fn unused(&self, next: &Self, live: impl Fn(DestinationId) -> Live) -> Unused {
        let destinations = self.destinations.intersection(&next.destinations);
        Unused {
            destinations: destinations
                .filter(|id| live(**id).total() == 0)
                .copied()
                .collect(),
            hops: self.hops.intersection(&next.hops).copied().collect(),
        }
    }

    /// Services that were withdrawn at this look and are so at the next.
    pub(crate) fn retired<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = ServiceAddress> {
        self.retired.intersection(&next.retired).copied()
    }
}

#[cfg(test)]
mod tests {
    use dray_model::{ActualDestination, Mac, NextHop, Protocol};

    use super::*;

    fn address() -> ServiceAddress {
        ServiceAddress {
            protocol: Protocol::Tcp,
            vip: [10, 77, 0, 100].into(),
            port: 80,
        }
    }

    fn hop(last: u8) -> NextHop {
        NextHop {
            interface: 1,
            vlan: None,
            source: Mac::default(),
            destination: Mac([2, 0, 0, 0, 0, last]),
        }
    }

    fn add(view: &mut View, number: u8) {
        let destination = ActualDestination {
            service: address(),
            real: [10, 77, 0, number].into(),
            hop: None,
        };
        view.add_destination(DestinationId(number.into()), destination);
        view.add_hop(HopId(number.into()), hop(number));
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
        view.set_hop(DestinationId(1), Some(HopId(1)));
        let unused = first.unused(&Seen::now(&view), |_| Live::default());
        assert_eq!(unused.hops, BTreeSet::new());
    }

    #[test]
    fn a_destination_with_connections_is_in_use() {
        let mut view = View::default();
        add(&mut view, 1);
        let look = Seen::now(&view);
        let live = Live {
            active: 0,
            inactive: 1,
        };
        assert_eq!(look.unused(&look, |_| live).destinations, BTreeSet::new());
    }
}
