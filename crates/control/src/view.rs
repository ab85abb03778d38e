//! What the data plane holds, in the shape that planning needs: records decoded, and every way to look
//! something up kept ready.
//!
//! The control task reads the data plane once, at its start, and from then on notes here each step that
//! it carried out. So a change costs what it changes, not what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use dray_model::{
    Action, Actual, ActualDestination, ActualService, DestinationId, Hop, HopId, LocalAddresses,
    MarkRule, Record, ServiceId, ServiceIdentity, ServiceOptions,
};
use dray_sched::{Decoded, DecodedEntry, Kind, Overhead, decode};
use tracing::warn;

/// What the data plane holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    services: BTreeMap<ServiceIdentity, ServiceView>,
    destinations: BTreeMap<DestinationId, ActualDestination>,
    hops: BTreeMap<HopId, HopView>,
    /// None before they were set: the data plane does not say what an earlier run left.
    marks: Option<Vec<MarkRule>>,
    /// Likewise.
    locals: Option<LocalAddresses>,

    // Everything below follows from services, destinations and next hops, but for `retired`.
    numbers: BTreeMap<(ServiceIdentity, SocketAddr), DestinationId>,
    reals: BTreeSet<(SocketAddr, DestinationId)>,
    leaving: BTreeSet<DestinationId>,
    by_hop: BTreeMap<Hop, HopId>,
    spare_hops: BTreeSet<HopId>,
    /// Numbers of withdrawn services whose destinations still have connections.
    retired: BTreeMap<ServiceIdentity, ServiceId>,
}

/// A service that packets can find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceView {
    pub(crate) id: ServiceId,
    pub(crate) options: ServiceOptions,
    /// None when the record is not one that this version can read.
    pub(crate) kind: Option<Kind>,
    /// As the kind.
    pub(crate) overhead: Option<Overhead>,
    /// In IPVS's order: newest first.
    pub(crate) list: Vec<Listed>,
    pub(crate) record: Record,
}

/// A destination in a service's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) destination: DestinationId,
    pub(crate) weight: u32,
    pub(crate) limited: bool,
    pub(crate) eligible: bool,
}

/// Where a destination's packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nowhere: nothing has been known of the way yet.
    Unknown,
    /// To the director's own host.
    Local,
    /// To a neighbour.
    Hop(Hop),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HopView {
    hop: Hop,
    /// Destinations that name it.
    uses: u32,
}

impl View {
    /// The view of what the data plane was found to hold.
    pub(crate) fn new(actual: Actual) -> Self {
        let mut view = Self::default();
        for (id, hop) in actual.hops {
            view.add_hop(id, hop);
        }
        for (id, destination) in actual.destinations {
            view.add_destination(id, destination);
        }
        for (service, present) in actual.services {
            view.publish(service, present);
        }
        view
    }

    /// Notes what was done.
    pub(crate) fn note(&mut self, action: Action) {
        match action {
            Action::WriteHop { id, hop } => self.add_hop(id, hop),
            Action::AddDestination { id, destination } => self.add_destination(id, destination),
            Action::SetDestination { id, destination } => self.set_destination(id, destination),
            Action::Publish {
                id,
                service,
                options,
                record,
            } => {
                let present = ActualService {
                    id,
                    options,
                    record,
                };
                self.publish(service, present);
            }
            Action::Withdraw { service, .. } => self.withdraw(service),
            Action::FreeDestination { id } => self.free_destination(id),
            Action::FreeHop { id } => self.free_hop(id),
        }
    }

    /// Notes the rules by which packets get their marks.
    pub(crate) fn give_marks(&mut self, rules: Vec<MarkRule>) {
        self.marks = Some(rules);
    }

    /// The rules by which packets get their marks, once they were set.
    pub(crate) fn marks(&self) -> Option<&[MarkRule]> {
        self.marks.as_deref()
    }

    /// Notes FULLNAT's local addresses.
    pub(crate) fn take_locals(&mut self, locals: LocalAddresses) {
        self.locals = Some(locals);
    }

    /// FULLNAT's local addresses, once they were set.
    pub(crate) const fn locals(&self) -> Option<&LocalAddresses> {
        self.locals.as_ref()
    }

    pub(crate) fn services(&self) -> &BTreeMap<ServiceIdentity, ServiceView> {
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
    pub(crate) fn retired(&self) -> &BTreeMap<ServiceIdentity, ServiceId> {
        &self.retired
    }

    pub(crate) fn hop_numbers(&self) -> impl Iterator<Item = u32> {
        self.hops.keys().map(|id| id.0)
    }

    pub(crate) fn hop(&self, id: HopId) -> Option<Hop> {
        self.hops.get(&id).map(|view| view.hop)
    }

    pub(crate) fn hop_number(&self, hop: &Hop) -> Option<HopId> {
        self.by_hop.get(hop).copied()
    }

    /// Where the destination's packets go.
    pub(crate) fn way(&self, destination: DestinationId) -> Way {
        let Some(destination) = self.destinations.get(&destination) else {
            return Way::Unknown;
        };
        match destination.hop.and_then(|id| self.hop(id)) {
            _ if destination.local => Way::Local,
            Some(hop) => Way::Hop(hop),
            None => Way::Unknown,
        }
    }

    /// The destination of that real server, its port included, inside that service, be it leaving or not.
    pub(crate) fn destination(
        &self,
        service: ServiceIdentity,
        real: SocketAddr,
    ) -> Option<DestinationId> {
        self.numbers.get(&(service, real)).copied()
    }

    /// All destinations of a service by real server, those that are leaving among them.
    pub(crate) fn destinations_of(
        &self,
        service: ServiceIdentity,
    ) -> impl Iterator<Item = (SocketAddr, DestinationId)> {
        // The smallest of all, as IPv4 sorts before IPv6.
        let first = (service, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        self.numbers
            .range(first..)
            .take_while(move |((of, _), _)| *of == service)
            .map(|(&(_, real), &id)| (real, id))
    }

    /// All destinations whose real server has this address, of whatever service and port.
    pub(crate) fn destinations_at(&self, address: IpAddr) -> impl Iterator<Item = DestinationId> {
        let first = SocketAddr::new(address, 0);
        let last = SocketAddr::new(address, u16::MAX);
        self.reals
            .range((first, DestinationId(0))..=(last, DestinationId(u32::MAX)))
            .map(|(_, id)| *id)
    }

    /// Lets the number of a withdrawn service be given anew, unless a destination of it is left. Says
    /// whether it did.
    pub(crate) fn forget_retired(&mut self, service: ServiceIdentity) -> bool {
        let over = self.destinations_of(service).next().is_none();
        over && self.retired.remove(&service).is_some()
    }

    fn add_hop(&mut self, id: HopId, hop: Hop) {
        self.hops.insert(id, HopView { hop, uses: 0 });
        self.by_hop.insert(hop, id);
        self.spare_hops.insert(id);
    }

    fn free_hop(&mut self, id: HopId) {
        self.spare_hops.remove(&id);
        let Some(freed) = self.hops.remove(&id) else {
            return;
        };
        if self.by_hop.get(&freed.hop) == Some(&id) {
            self.by_hop.remove(&freed.hop);
        }
    }

    /// Until a record names it, the destination counts as leaving.
    fn add_destination(&mut self, id: DestinationId, destination: ActualDestination) {
        self.destinations.insert(id, destination);
        let name = name(&destination);
        self.numbers.insert(name, id);
        self.reals.insert((name.1, id));
        self.leaving.insert(id);
        self.use_hop(destination.hop);
    }

    fn set_destination(&mut self, id: DestinationId, destination: ActualDestination) {
        if let Some(present) = self.destinations.get_mut(&id) {
            let before = std::mem::replace(present, destination);
            self.use_hop(destination.hop);
            self.leave_hop(before.hop);
        }
    }

    fn free_destination(&mut self, id: DestinationId) {
        self.leaving.remove(&id);
        let Some(destination) = self.destinations.remove(&id) else {
            return;
        };
        let name = name(&destination);
        self.reals.remove(&(name.1, id));
        if self.numbers.get(&name) == Some(&id) {
            self.numbers.remove(&name);
        }
        self.leave_hop(destination.hop);
    }

    fn publish(&mut self, service: ServiceIdentity, present: ActualService) {
        let present = self.decoded(service, present);
        self.retired.remove(&service);
        for listed in &present.list {
            self.leaving.remove(&listed.destination);
            // Where two destinations are the same real server's, the one in the record is meant.
            if let Some(destination) = self.destinations.get(&listed.destination) {
                self.numbers.insert(name(destination), listed.destination);
            }
        }
        let named: BTreeSet<DestinationId> = present.list.iter().map(|l| l.destination).collect();
        if let Some(before) = self.services.insert(service, present) {
            let dropped = before.list.iter().map(|listed| listed.destination);
            self.leaving
                .extend(dropped.filter(|id| !named.contains(id)));
        }
    }

    /// A record that cannot be read counts as empty, so that the next plan writes it anew; until then
    /// packets use it as it is.
    fn decoded(&self, service: ServiceIdentity, present: ActualService) -> ServiceView {
        let ActualService {
            id,
            options,
            record,
        } = present;
        let (kind, overhead, list) = match decode(&record.0) {
            Ok(Decoded {
                kind,
                overhead,
                list,
            }) => (Some(kind), Some(overhead), self.listed(&list)),
            Err(error) => {
                warn!(%service, %error, "scheduling record is written anew");
                (None, None, Vec::new())
            }
        };
        ServiceView {
            id,
            options,
            kind,
            overhead,
            list,
            record,
        }
    }

    /// The decoded list, without what names no destination of the data plane.
    fn listed(&self, list: &[DecodedEntry]) -> Vec<Listed> {
        list.iter()
            .map(|entry| Listed {
                destination: DestinationId(entry.destination),
                weight: entry.weight,
                limited: entry.limited,
                eligible: entry.eligible,
            })
            .filter(|listed| self.destinations.contains_key(&listed.destination))
            .collect()
    }

    fn withdraw(&mut self, service: ServiceIdentity) {
        if let Some(present) = self.services.remove(&service) {
            self.retired.insert(service, present.id);
            let dropped = present.list.iter().map(|listed| listed.destination);
            self.leaving.extend(dropped);
        }
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

/// What names a destination: it may be a service's several times over, with other ports.
const fn name(destination: &ActualDestination) -> (ServiceIdentity, SocketAddr) {
    let real = SocketAddr::new(destination.real, destination.port);
    (destination.service, real)
}
