//! What the data plane holds, in the shape that planning needs: records decoded, and every way to look
//! something up kept ready.
//!
//! The control task reads the data plane once, at its start, and from then on notes here each step that
//! it carried out. So a change costs what it changes, not what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use dray_model::{
    Actual, ActualDestination, DestinationId, HopId, NextHop, Record, ServiceAddress, ServiceId,
};
use dray_sched::{Decoded, Kind, decode};
use tracing::warn;

/// What the data plane holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    services: BTreeMap<ServiceAddress, ServiceView>,
    destinations: BTreeMap<DestinationId, ActualDestination>,
    hops: BTreeMap<HopId, HopView>,

    // Everything below follows from the three above, but for `retired`.
    numbers: BTreeMap<(ServiceAddress, IpAddr), DestinationId>,
    leaving: BTreeSet<DestinationId>,
    by_hop: BTreeMap<NextHop, HopId>,
    spare_hops: BTreeSet<HopId>,
    /// Numbers of withdrawn services whose destinations still have connections.
    retired: BTreeMap<ServiceAddress, ServiceId>,
}

/// A service that packets can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceView {
    pub(crate) id: ServiceId,
    /// None when the record is not one that this version can read.
    pub(crate) kind: Option<Kind>,
    /// In IPVS's order: newest first.
    pub(crate) list: Vec<Listed>,
    pub(crate) record: Record,
}

/// A destination in a service's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) destination: DestinationId,
    pub(crate) weight: u32,
    pub(crate) eligible: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HopView {
    hop: NextHop,
    /// Destinations that name it.
    uses: u32,
}

impl View {
    /// The view of what the data plane was found to hold. A record that cannot be read counts as empty,
    /// so that the next plan writes it anew; until then packets use it as it is.
    pub(crate) fn new(actual: Actual) -> Self {
        let mut view = Self::default();
        for (id, hop) in actual.hops {
            view.add_hop(id, hop);
        }
        for (id, destination) in actual.destinations {
            view.add_destination(id, destination);
        }
        for (address, service) in actual.services {
            let (kind, list) = match decode(&service.record.0) {
                Ok(Decoded { kind, list }) => (Some(kind), view.listed(&list)),
                Err(error) => {
                    warn!(service = %address, %error, "scheduling record is written anew");
                    (None, Vec::new())
                }
            };
            view.publish(
                address,
                ServiceView {
                    id: service.id,
                    kind,
                    list,
                    record: service.record,
                },
            );
        }
        view
    }

    /// The decoded list, without what names no destination of the data plane.
    fn listed(&self, list: &[(u32, u32, bool)]) -> Vec<Listed> {
        list.iter()
            .map(|&(destination, weight, eligible)| Listed {
                destination: DestinationId(destination),
                weight,
                eligible,
            })
            .filter(|listed| self.destinations.contains_key(&listed.destination))
            .collect()
    }

    pub(crate) fn services(&self) -> &BTreeMap<ServiceAddress, ServiceView> {
        &self.services
    }

    pub(crate) fn destinations(&self) -> &BTreeMap<DestinationId, ActualDestination> {
        &self.destinations
    }

    /// Destinations that are in no record: their connections finish, new ones do not come.
    pub(crate) fn leaving(&self) -> &BTreeSet<DestinationId> {
        &self.leaving
    }

    /// Next hops that no destination names.
    pub(crate) fn spare_hops(&self) -> &BTreeSet<HopId> {
        &self.spare_hops
    }

    /// Withdrawn services and the numbers that are kept for them.
    pub(crate) fn retired(&self) -> &BTreeMap<ServiceAddress, ServiceId> {
        &self.retired
    }

    pub(crate) fn hop_numbers(&self) -> impl Iterator<Item = u32> {
        self.hops.keys().map(|id| id.0)
    }

    pub(crate) fn hop(&self, id: HopId) -> Option<NextHop> {
        self.hops.get(&id).map(|view| view.hop)
    }

    pub(crate) fn hop_number(&self, hop: &NextHop) -> Option<HopId> {
        self.by_hop.get(hop).copied()
    }

    /// Where the destination's packets go.
    pub(crate) fn hop_of(&self, destination: DestinationId) -> Option<NextHop> {
        let id = self.destinations.get(&destination)?.hop?;
        self.hop(id)
    }

    /// The destination of that real server inside that service, be it leaving or not.
    pub(crate) fn destination(
        &self,
        service: ServiceAddress,
        real: IpAddr,
    ) -> Option<DestinationId> {
        self.numbers.get(&(service, real)).copied()
    }

    /// All destinations of a service by real server, those that are leaving among them.
    pub(crate) fn destinations_of(
        &self,
        service: ServiceAddress,
    ) -> impl Iterator<Item = (IpAddr, DestinationId)> {
        // The smallest of all addresses, as IPv4 sorts before IPv6.
        let first = (service, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.numbers
            .range(first..)
            .take_while(move |((of, _), _)| *of == service)
            .map(|(&(_, real), &id)| (real, id))
    }

    pub(crate) fn add_hop(&mut self, id: HopId, hop: NextHop) {
        self.hops.insert(id, HopView { hop, uses: 0 });
        self.by_hop.insert(hop, id);
        self.spare_hops.insert(id);
    }

    pub(crate) fn free_hop(&mut self, id: HopId) {
        self.spare_hops.remove(&id);
        let Some(freed) = self.hops.remove(&id) else {
            return;
        };
        if self.by_hop.get(&freed.hop) == Some(&id) {
            self.by_hop.remove(&freed.hop);
        }
    }

    /// Until a record names it, the destination counts as leaving.
    pub(crate) fn add_destination(&mut self, id: DestinationId, destination: ActualDestination) {
        self.destinations.insert(id, destination);
        self.numbers
            .insert((destination.service, destination.real), id);
        self.leaving.insert(id);
        self.use_hop(destination.hop);
    }

    pub(crate) fn set_hop(&mut self, id: DestinationId, hop: Option<HopId>) {
        if let Some(destination) = self.destinations.get_mut(&id) {
            let before = std::mem::replace(&mut destination.hop, hop);
            self.use_hop(hop);
            self.leave_hop(before);
        }
    }

    pub(crate) fn free_destination(&mut self, id: DestinationId) {
        self.leaving.remove(&id);
        let Some(destination) = self.destinations.remove(&id) else {
            return;
        };
        let name = (destination.service, destination.real);
        if self.numbers.get(&name) == Some(&id) {
            self.numbers.remove(&name);
        }
        self.leave_hop(destination.hop);
    }

    pub(crate) fn publish(&mut self, address: ServiceAddress, service: ServiceView) {
        self.retired.remove(&address);
        for listed in &service.list {
            self.leaving.remove(&listed.destination);
            // Where two destinations are the same real server's, the one in the record is meant.
            if let Some(destination) = self.destinations.get(&listed.destination) {
                self.numbers
                    .insert((address, destination.real), listed.destination);
            }
        }
        let named: BTreeSet<DestinationId> = service.list.iter().map(|l| l.destination).collect();
        if let Some(before) = self.services.insert(address, service) {
            let dropped = before.list.iter().map(|listed| listed.destination);
            self.leaving
                .extend(dropped.filter(|id| !named.contains(id)));
        }
    }

    pub(crate) fn withdraw(&mut self, address: ServiceAddress) {
        if let Some(service) = self.services.remove(&address) {
            self.retired.insert(address, service.id);
            let dropped = service.list.iter().map(|listed| listed.destination);
            self.leaving.extend(dropped);
        }
    }

    /// Lets the number of a withdrawn service be given anew, unless a destination of it is left. Says
    /// whether it did.
    pub(crate) fn forget_retired(&mut self, address: ServiceAddress) -> bool {
        let over = self.destinations_of(address).next().is_none();
        over && self.retired.remove(&address).is_some()
    }

    fn use_hop(&mut self, hop: Option<HopId>) {
        if let Some((id, view)) = hop.and_then(|id| Some((id, self.hops.get_mut(&id)?))) {
            view.uses += 1;
            self.spare_hops.remove(&id);
        }
    }

    fn leave_hop(&mut self, hop: Option<HopId>) {
        if let Some((id, view)) = hop.and_then(|id| Some((id, self.hops.get_mut(&id)?))) {
            view.uses -= 1;
            if view.uses == 0 {
                self.spare_hops.insert(id);
            }
        }
    }
}
