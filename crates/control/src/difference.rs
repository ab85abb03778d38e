//! What has changed, so that a plan looks only at that.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use dray_model::{Desired, Resolution, Service, ServiceAddress};

use crate::view::View;

/// Services that differ between two desired states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: BTreeSet<ServiceAddress>,
    pub(crate) changed: BTreeSet<ServiceAddress>,
    pub(crate) removed: BTreeSet<ServiceAddress>,
}

impl Difference {
    pub(crate) fn between(before: &Desired, after: &Desired) -> Self {
        let mut difference = Self::default();
        let mut left: HashMap<ServiceAddress, &Service> = before
            .services
            .iter()
            .map(|service| (service.address, service))
            .collect();
        for service in &after.services {
            match left.remove(&service.address) {
                None => _ = difference.added.insert(service.address),
                Some(before) if before != service => {
                    difference.changed.insert(service.address);
                }
                Some(_) => {}
            }
        }
        difference.removed = left.into_keys().collect();
        difference
    }

    /// All of them.
    pub(crate) fn services(&self) -> BTreeSet<ServiceAddress> {
        let Self {
            added,
            changed,
            removed,
        } = self;
        added
            .iter()
            .chain(changed)
            .chain(removed)
            .copied()
            .collect()
    }
}

/// Addresses that the two reports say different things of.
pub(crate) fn moved(
    before: &BTreeMap<IpAddr, Resolution>,
    after: &BTreeMap<IpAddr, Resolution>,
) -> BTreeSet<IpAddr> {
    let new = after
        .iter()
        .filter(|(address, resolution)| before.get(address) != Some(resolution))
        .map(|(address, _)| *address);
    let gone = before
        .keys()
        .filter(|address| !after.contains_key(address))
        .copied();
    new.chain(gone).collect()
}

/// Services that have, or had and still send packets to, one of these real servers.
pub(crate) fn touched(
    desired: &Desired,
    view: &View,
    reals: &BTreeSet<IpAddr>,
) -> BTreeSet<ServiceAddress> {
    let wanted = desired
        .services
        .iter()
        .filter(|service| {
            service
                .reals
                .iter()
                .any(|real| reals.contains(&real.address))
        })
        .map(|service| service.address);
    let leaving = view
        .leaving()
        .iter()
        .filter_map(|id| view.destinations().get(id))
        .filter(|destination| reals.contains(&destination.real))
        .map(|destination| destination.service);
    wanted.chain(leaving).collect()
}
