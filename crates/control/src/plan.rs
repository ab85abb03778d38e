//! From what is and what is wanted to the steps between: a pure function.
//!
//! ```text
//! Desired ────┐
//! Resolutions ┤
//! interfaces ─┼─ plan ─▶ [Step]  local addresses ─▶ write next hops ─▶ add destinations ─▶ set destinations
//! View ───────┤            ─▶ publish new services ─▶ publish changed ones ─▶ give marks ─▶ withdraw
//! Unused ─────┘            ─▶ take from destinations ─▶ local addresses ─▶ free destinations ─▶ free next hops
//! ```
//!
//! What it keeps to:
//! - *Make before break.* Whatever a step names was made by an earlier one, so a plan may stop anywhere:
//!   no service is without destinations that it had and keeps.
//! - *Nothing that a packet in flight may hold is given away.* A number is freed only when the caller has
//!   seen it unused before ([`Unused`]), and never taken again in the same plan.
//! - *Next hops never change*: a new neighbour, method or MTU is a new next hop, and destinations move over to it, method and
//!   next hop in one action. Connections go along from direct routing to a tunnel and back. One whose addresses are changed
//!   keeps its translation, whatever the method becomes; one that has none ends where the method comes to need it. (In IPVS
//!   each keeps its method.)
//! - *IPVS's order*: in a record, the destinations that stay keep their places, new ones are put before
//!   the head one by one in the order of the configuration.
//! - *Marks change between services*: a packet finds the service that it is for by its mark, or the one by its
//!   address, whichever way it goes from one to the other.
//! - *A removed real server* is marked so only when no record names it any more.
//! - *A real server that comes back* while its connections or templates last is the same destination as
//!   before.

mod destinations;
mod judge;
mod locals;
mod numbers;
mod reach;
mod step;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dray_model::{
    Action, Desired, DestinationId, HashFlags, Hop, HopId, KernelRules, Resolutions, Scheduler,
    Service, ServiceId, ServiceIdentity,
};
use dray_sched::{Kind, Overhead};

use crate::view::{Listed, ServiceView, View};

pub(crate) use judge::judge;
use numbers::FreeNumbers;
pub(crate) use reach::Reach;
pub(crate) use step::{Listing, Publication, Step};

/// All that a plan depends on.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) view: &'a View,
    pub(crate) resolutions: &'a Resolutions,
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
    Services(&'a BTreeSet<ServiceIdentity>),
}

/// The steps from what is to what is wanted, within the scope.
pub(crate) fn plan(input: Input<'_>, scope: Scope<'_>) -> Vec<Step> {
    let mut planner = Planner::new(input);
    let mut wanted = HashSet::new();
    for service in &input.desired.services {
        if scope.contains(service.identity) {
            wanted.insert(service.identity);
            planner.service(service);
        }
    }
    for service in scope.present(input.view) {
        if !wanted.contains(&service) {
            planner.withdraw(service);
        }
    }
    planner.finish()
}

impl Scope<'_> {
    fn contains(self, service: ServiceIdentity) -> bool {
        match self {
            Self::All => true,
            Self::Services(services) => services.contains(&service),
        }
    }

    /// Services within the scope that the data plane has, or had and still sends packets for.
    fn present(self, view: &View) -> BTreeSet<ServiceIdentity> {
        match self {
            Self::All => {
                let leaving = view.leaving().iter();
                let left = leaving.filter_map(|id| Some(view.destinations().get(id)?.service));
                view.services().keys().copied().chain(left).collect()
            }
            Self::Services(services) => services.clone(),
        }
    }
}

/// The scheduler as the builder of records has it.
pub(crate) const fn kind(scheduler: Scheduler) -> Kind {
    match scheduler {
        Scheduler::RoundRobin => Kind::RoundRobin,
        Scheduler::WeightedRoundRobin => Kind::WeightedRoundRobin,
        Scheduler::LeastConnection => Kind::LeastConnection,
        Scheduler::WeightedLeastConnection => Kind::WeightedLeastConnection,
        Scheduler::ShortestExpectedDelay => Kind::ShortestExpectedDelay,
        Scheduler::NeverQueue => Kind::NeverQueue,
        Scheduler::LocalityBased => Kind::LocalityBased,
        Scheduler::LocalityBasedReplicated => Kind::LocalityBasedReplicated,
        Scheduler::DestinationHash => Kind::DestinationHash,
        Scheduler::SourceHash(HashFlags { fallback, port }) => Kind::SourceHash { fallback, port },
        Scheduler::MaglevHash(HashFlags { fallback, port }) => Kind::MaglevHash { fallback, port },
        Scheduler::Failover => Kind::Failover,
        Scheduler::Overflow => Kind::Overflow,
        Scheduler::PowerOfTwo => Kind::PowerOfTwo,
    }
}

/// How those kernels weigh a destination's connections.
const fn overhead(rules: KernelRules) -> Overhead {
    match rules {
        KernelRules::V6_1_176 => Overhead::Inactive,
        KernelRules::V6_1_192 => Overhead::Total,
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
    new_hops: BTreeMap<Hop, HopId>,
    /// Next hops and destinations of the data plane that this plan comes to need.
    needed_hops: BTreeSet<HopId>,
    needed_destinations: BTreeSet<DestinationId>,

    write_hops: Vec<Step>,
    add_destinations: Vec<Step>,
    set_destinations: Vec<Step>,
    publish_new: Vec<Step>,
    publish_changed: Vec<Step>,
    withdraw: Vec<Step>,
    take_from_destinations: Vec<Step>,
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
            set_destinations: Vec::new(),
            publish_new: Vec::new(),
            publish_changed: Vec::new(),
            withdraw: Vec::new(),
            take_from_destinations: Vec::new(),
        }
    }

    /// Brings one service to what is wanted of it.
    fn service(&mut self, service: &Service) {
        let present = self.input.view.services().get(&service.identity);
        let list = self.list(service, present.map_or(&[], |present| &present.list));
        self.follow_leaving(service.identity);
        let publication = Publication {
            id: present.map_or_else(|| self.new_service(service.identity), |present| present.id),
            service: service.identity,
            options: service.options,
            kind: kind(service.scheduler),
            overhead: overhead(self.input.desired.director.ipvs.rules),
            list,
        };
        match present {
            Some(present) if publication.says_the_same(present) => {}
            Some(_) => self.publish_changed.push(Step::Publish(publication)),
            None => self.publish_new.push(Step::Publish(publication)),
        }
    }

    fn new_service(&mut self, service: ServiceIdentity) -> ServiceId {
        let view = self.input.view;
        if let Some(id) = view.retired().get(&service) {
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
    fn withdraw(&mut self, service: ServiceIdentity) {
        self.follow_leaving(service);
        if let Some(present) = self.input.view.services().get(&service) {
            let id = present.id;
            self.withdraw
                .push(Step::Do(Action::Withdraw { id, service }));
        }
    }

    fn finish(self) -> Vec<Step> {
        let Input {
            view,
            unused,
            desired,
            ..
        } = self.input;
        let marks = &desired.director.marks;
        let give_marks = if view.marks() == Some(marks.as_slice()) {
            None
        } else {
            Some(Step::GiveMarks(marks.clone()))
        };
        let free_destinations = unused
            .destinations
            .intersection(view.leaving())
            .filter(|id| !self.needed_destinations.contains(id))
            .map(|&id| Step::Do(Action::FreeDestination { id }));
        let free_hops = unused
            .hops
            .intersection(view.spare_hops())
            .filter(|id| !self.needed_hops.contains(id))
            .map(|&id| Step::Do(Action::FreeHop { id }));
        let (first_locals, last_locals) = locals::steps(view.locals(), &desired.director.fullnat);
        [
            first_locals.into_iter().collect(),
            self.write_hops,
            self.add_destinations,
            self.set_destinations,
            self.publish_new,
            self.publish_changed,
            give_marks.into_iter().collect(),
            self.withdraw,
            self.take_from_destinations,
            last_locals.into_iter().collect(),
        ]
        .into_iter()
        .flatten()
        .chain(free_destinations)
        .chain(free_hops)
        .collect()
    }
}

impl Publication {
    /// Whether the service is already what this would make of it.
    fn says_the_same(&self, present: &ServiceView) -> bool {
        present.options == self.options && self.has_the_record_of(present)
    }

    /// Whether the service's record says already what this one would.
    pub(crate) fn has_the_record_of(&self, present: &ServiceView) -> bool {
        let listed = self.list.iter().map(Listing::listed);
        present.kind == Some(self.kind)
            && present.overhead == Some(self.overhead)
            && present.list.iter().copied().eq(listed)
    }
}

impl Listing {
    const fn listed(&self) -> Listed {
        Listed {
            destination: self.destination,
            weight: self.weight,
            limited: self.limited,
            eligible: self.eligible.is_ok(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
