//! From what is and what is wanted to the steps between: a pure function.
//!
//! ```text
//! Desired ────┐
//! Resolutions ┤
//! interfaces ─┼─ plan ─▶ [Step]  write next hops ─▶ add destinations ─▶ set next hops
//! View ───────┤            ─▶ publish new services ─▶ publish changed ones ─▶ withdraw
//! Unused ─────┘            ─▶ take next hops away ─▶ free destinations ─▶ free next hops
//! ```
//!
//! What it keeps to:
//! - *Make before break.* Whatever a step names was made by an earlier one, so a plan may stop anywhere:
//!   no service is without destinations that it had and keeps.
//! - *Nothing that a packet in flight may hold is given away.* A number is freed only when the caller has
//!   seen it unused before ([`Unused`]), and never taken again in the same plan.
//! - *Next hops never change*: a new neighbour is a new next hop, and destinations move over to it.
//! - *IPVS's order*: in a record, the destinations that stay keep their places, new ones are put before
//!   the head one by one in the order of the configuration.
//! - *A real server that comes back* while its connections finish is the same destination as before.

mod judge;
mod numbers;
mod step;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::IpAddr,
};

use dray_model::{
    ActualDestination, Desired, DestinationId, HopId, NextHop, Resolution, Scheduler, Service,
    ServiceAddress, ServiceId,
};
use dray_sched::Kind;

use crate::{
    snapshot::Ineligible,
    view::{Listed, View},
};

pub(crate) use judge::judge;
use numbers::FreeNumbers;
pub(crate) use step::{Listing, Publication, Step};

/// All that a plan depends on.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) view: &'a View,
    pub(crate) resolutions: &'a BTreeMap<IpAddr, Resolution>,
    /// The director's interfaces, by the kernel's numbers.
    pub(crate) interfaces: &'a BTreeSet<u32>,
    pub(crate) unused: &'a Unused,
}

/// What no record, no connection and no packet in flight names: it may be freed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unused {
    pub(crate) destinations: BTreeSet<DestinationId>,
    pub(crate) hops: BTreeSet<HopId>,
}

/// Which services a plan looks at. The others are taken to be as they should.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    All,
    Services(&'a BTreeSet<ServiceAddress>),
}

/// The steps from what is to what is wanted, within the scope.
pub(crate) fn plan(input: Input<'_>, scope: Scope<'_>) -> Vec<Step> {
    let mut planner = Planner::new(input);
    let mut wanted = HashSet::new();
    for service in &input.desired.services {
        if scope.contains(service.address) {
            wanted.insert(service.address);
            planner.service(service);
        }
    }
    for address in scope.present(input.view) {
        if !wanted.contains(&address) {
            planner.withdraw(address);
        }
    }
    planner.finish()
}

impl Scope<'_> {
    fn contains(self, address: ServiceAddress) -> bool {
        match self {
            Self::All => true,
            Self::Services(addresses) => addresses.contains(&address),
        }
    }

    /// Addresses within the scope that the data plane has or had a service at.
    fn present(self, view: &View) -> BTreeSet<ServiceAddress> {
        match self {
            Self::All => {
                let leaving = view.leaving().iter();
                let left = leaving.filter_map(|id| Some(view.destinations().get(id)?.service));
                view.services().keys().copied().chain(left).collect()
            }
            Self::Services(addresses) => addresses.clone(),
        }
    }
}

/// IPVS's scheduler of that name, with the flags it has when none are given.
fn kind(scheduler: Scheduler) -> Kind {
    let (fallback, port) = (false, false);
    match scheduler {
        Scheduler::RoundRobin => Kind::RoundRobin,
        Scheduler::WeightedRoundRobin => Kind::WeightedRoundRobin,
        Scheduler::WeightedLeastConnection => Kind::WeightedLeastConnection,
        Scheduler::SourceHash => Kind::SourceHash { fallback, port },
        Scheduler::MaglevHash => Kind::MaglevHash { fallback, port },
    }
}

/// A plan in the making. Steps are gathered by sort, as their order is that of the sorts.
struct Planner<'a> {
    input: Input<'a>,
    free_destinations: FreeNumbers<'a>,
    free_hops: FreeNumbers<'a>,
    /// Made when the first service is added.
    free_services: Option<FreeNumbers<'a>>,
    /// Next hops that this plan writes.
    new_hops: BTreeMap<NextHop, HopId>,
    /// Next hops and destinations of the data plane that this plan comes to need.
    needed_hops: BTreeSet<HopId>,
    needed_destinations: BTreeSet<DestinationId>,

    write_hops: Vec<Step>,
    add_destinations: Vec<Step>,
    set_hops: Vec<Step>,
    publish_new: Vec<Step>,
    publish_changed: Vec<Step>,
    withdraw: Vec<Step>,
    take_hops: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            free_destinations: FreeNumbers::new(input.view.destinations().keys().map(|id| id.0)),
            free_hops: FreeNumbers::new(input.view.hop_numbers()),
            free_services: None,
            new_hops: BTreeMap::new(),
            needed_hops: BTreeSet::new(),
            needed_destinations: BTreeSet::new(),
            write_hops: Vec::new(),
            add_destinations: Vec::new(),
            set_hops: Vec::new(),
            publish_new: Vec::new(),
            publish_changed: Vec::new(),
            withdraw: Vec::new(),
            take_hops: Vec::new(),
        }
    }

    /// Brings one service to what is wanted of it.
    fn service(&mut self, service: &Service) {
        let present = self.input.view.services().get(&service.address);
        let list = self.list(service, present.map_or(&[], |present| &present.list));
        let kind = kind(service.scheduler);
        self.follow_leaving(service.address);
        let id = match present {
            Some(present) if present.kind == Some(kind) && same(&present.list, &list) => return,
            Some(present) => present.id,
            None => self.new_service(service.address),
        };
        let step = Step::Publish(Publication {
            id,
            address: service.address,
            kind,
            list,
        });
        match present {
            Some(_) => self.publish_changed.push(step),
            None => self.publish_new.push(step),
        }
    }

    /// The service's destinations in IPVS's order, made if need be and pointed at their next hops.
    fn list(&mut self, service: &Service, present: &[Listed]) -> Vec<Listing> {
        let view = self.input.view;
        let places: BTreeMap<IpAddr, usize> = (present.iter().enumerate())
            .filter_map(|(place, listed)| {
                Some((view.destinations().get(&listed.destination)?.real, place))
            })
            .collect();
        let mut new = Vec::new();
        let mut kept: Vec<Option<Listing>> = vec![None; present.len()];
        for real in &service.reals {
            let weight = u32::from(real.weight.value());
            let place = places.get(&real.address).copied();
            let was_eligible = place.is_some_and(|place| present[place].eligible);
            let (destination, eligible) =
                self.destination(service.address, real.address, was_eligible);
            let listing = Listing {
                destination,
                real: real.address,
                weight,
                eligible,
            };
            match place {
                Some(place) => kept[place] = Some(listing),
                None => new.push(listing),
            }
        }
        new.into_iter()
            .rev()
            .chain(kept.into_iter().flatten())
            .collect()
    }

    /// The destination of a real server inside a service, and whether it may get connections.
    fn destination(
        &mut self,
        service: ServiceAddress,
        real: IpAddr,
        was_eligible: bool,
    ) -> (DestinationId, Result<(), Ineligible>) {
        let Input {
            view,
            resolutions,
            interfaces,
            ..
        } = self.input;
        let present = view.destination(service, real);
        let before = present.and_then(|id| view.hop_of(id));
        let verdict = judge(resolutions.get(&real), interfaces, before, was_eligible);
        let Some(id) = present else {
            let id = DestinationId(self.free_destinations.take());
            let hop = verdict.hop.map(|hop| self.hop(hop));
            let destination = ActualDestination { service, real, hop };
            self.add_destinations
                .push(Step::AddDestination { id, destination });
            return (id, verdict.eligible);
        };
        self.needed_destinations.insert(id);
        self.set_hop(id, before, verdict.hop);
        (id, verdict.eligible)
    }

    /// Keeps the next hops of leaving destinations right: established connections still use them.
    fn follow_leaving(&mut self, service: ServiceAddress) {
        let Input {
            view,
            resolutions,
            interfaces,
            ..
        } = self.input;
        for (real, id) in view.destinations_of(service) {
            if !self.needed_destinations.contains(&id) {
                let before = view.hop_of(id);
                let verdict = judge(resolutions.get(&real), interfaces, before, false);
                self.set_hop(id, before, verdict.hop);
            }
        }
    }

    fn set_hop(&mut self, id: DestinationId, before: Option<NextHop>, hop: Option<NextHop>) {
        if before == hop {
            return;
        }
        match hop {
            Some(hop) => {
                let hop = Some(self.hop(hop));
                self.set_hops.push(Step::SetHop { id, hop });
            }
            // Only after the record without it is out.
            None => self.take_hops.push(Step::SetHop { id, hop: None }),
        }
    }

    /// The number of a next hop, written if need be.
    fn hop(&mut self, hop: NextHop) -> HopId {
        if let Some(id) = self.input.view.hop_number(&hop) {
            self.needed_hops.insert(id);
            return id;
        }
        *self.new_hops.entry(hop).or_insert_with(|| {
            let id = HopId(self.free_hops.take());
            self.write_hops.push(Step::WriteHop { id, hop });
            id
        })
    }

    fn new_service(&mut self, address: ServiceAddress) -> ServiceId {
        let view = self.input.view;
        if let Some(id) = view.retired().get(&address) {
            return *id;
        }
        let free = self.free_services.get_or_insert_with(|| {
            let present = view.services().values().map(|service| service.id.0);
            let retired = view.retired().values().map(|id| id.0);
            let taken: BTreeSet<u32> = present.chain(retired).collect();
            FreeNumbers::new(taken.into_iter())
        });
        ServiceId(free.take())
    }

    /// Takes a service away; its destinations stay while they have connections.
    fn withdraw(&mut self, address: ServiceAddress) {
        self.follow_leaving(address);
        if let Some(service) = self.input.view.services().get(&address) {
            let id = service.id;
            self.withdraw.push(Step::Withdraw { id, address });
        }
    }

    fn finish(self) -> Vec<Step> {
        let Input { view, unused, .. } = self.input;
        let free_destinations = unused
            .destinations
            .intersection(view.leaving())
            .filter(|id| !self.needed_destinations.contains(id))
            .map(|&id| Step::FreeDestination { id });
        let free_hops = unused
            .hops
            .intersection(view.spare_hops())
            .filter(|id| !self.needed_hops.contains(id))
            .map(|&id| Step::FreeHop { id });
        [
            self.write_hops,
            self.add_destinations,
            self.set_hops,
            self.publish_new,
            self.publish_changed,
            self.withdraw,
            self.take_hops,
        ]
        .into_iter()
        .flatten()
        .chain(free_destinations)
        .chain(free_hops)
        .collect()
    }
}

/// Whether the record says already what the list does.
fn same(present: &[Listed], list: &[Listing]) -> bool {
    present.len() == list.len()
        && present.iter().zip(list).all(|(present, wanted)| {
            present.destination == wanted.destination
                && present.weight == wanted.weight
                && present.eligible == wanted.eligible.is_ok()
        })
}

#[cfg(test)]
mod tests;
