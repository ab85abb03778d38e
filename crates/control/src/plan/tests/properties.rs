//! Random histories. After each event the plan is carried out step by step, and after each step the
//! promises of the planner are checked, so every prefix of every plan is.

use std::collections::{BTreeMap, BTreeSet};

use dray_model::{ActualDestination, DestinationId, HopId, Unresolved};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Scheduler, Scope, ServiceAddress, Step, Unused,
    world::{World, address, hop, real, service},
};
use crate::{
    difference::{Difference, moved, touched},
    view::View,
};

const SERVICES: u8 = 4;
const REALS: u8 = 6;

#[derive(Clone, Debug)]
enum Event {
    Want(u8, Scheduler, Vec<(u8, u16)>),
    Unwant(u8),
    /// The interface with number 3 is none of the director's.
    Resolve(u8, u32, u8),
    NoAnswer(u8),
    Pending(u8),
    ForgetResolutions,
    Connections(u8, u8, u32),
    SeeUnused,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let scheduler = select(Scheduler::ALL.to_vec());
    let reals = vec((0..REALS, 0..4_u16), 0..6).prop_map(|mut reals| {
        let mut seen = BTreeSet::new();
        reals.retain(|(number, _)| seen.insert(*number));
        reals
    });
    prop_oneof![
        6 => (0..SERVICES, scheduler, reals).prop_map(|(s, k, r)| Event::Want(s, k, r)),
        2 => (0..SERVICES).prop_map(Event::Unwant),
        6 => (0..REALS, 1..=3_u32, 0..3_u8).prop_map(|(r, i, n)| Event::Resolve(r, i, n)),
        1 => (0..REALS).prop_map(Event::NoAnswer),
        1 => (0..REALS).prop_map(Event::Pending),
        1 => Just(Event::ForgetResolutions),
        4 => (0..SERVICES, 0..REALS, 0..2_u32).prop_map(|(s, r, n)| Event::Connections(s, r, n)),
        4 => Just(Event::SeeUnused),
        1 => Just(Event::Restart),
    ]
}

impl World {
    /// Lets the event happen, and answers which services it touches.
    fn happen(&mut self, event: Event) -> BTreeSet<ServiceAddress> {
        let (desired, resolutions) = (self.desired.clone(), self.resolutions.clone());
        let interface = || "eth0".to_owned();
        // What was seen unused is good for one plan.
        self.unused = Unused::default();
        match event {
            Event::Want(number, scheduler, reals) => self.want(service(number, scheduler, &reals)),
            Event::Unwant(number) => self.unwant(number),
            Event::Resolve(number, interface, neighbour) => {
                self.resolve(number, hop(interface, neighbour));
            }
            Event::NoAnswer(number) => {
                let interface = interface();
                self.unresolve(number, Unresolved::NoAnswer { interface });
            }
            Event::Pending(number) => {
                let interface = interface();
                self.unresolve(number, Unresolved::Pending { interface });
            }
            Event::ForgetResolutions => self.forget_resolutions(),
            Event::Connections(service, number, count) => {
                if let Some(id) = self.view.destination(address(service), real(number)) {
                    self.connections(id, count);
                }
            }
            Event::SeeUnused => self.see_unused(),
            Event::Restart => self.restart(),
        }
        let mut services = Difference::between(&desired, &self.desired).services();
        let reals = moved(&resolutions, &self.resolutions);
        services.extend(touched(&self.desired, &self.view, &reals));
        services
    }

    /// Destinations that get new connections, by service.
    fn eligible(&self) -> BTreeMap<ServiceAddress, BTreeSet<DestinationId>> {
        let services = self.view.services().iter();
        services
            .map(|(address, service)| {
                let eligible = service.list.iter().filter(|listed| listed.eligible);
                (
                    *address,
                    eligible.map(|listed| listed.destination).collect(),
                )
            })
            .collect()
    }

    /// Carries a plan out, and checks after each step what must never be otherwise.
    fn carry_out(&mut self, steps: Vec<Step>) {
        let before = self.eligible();
        let kept = kept(&before, &steps);
        let hops: BTreeMap<HopId, _> = self.dataplane.actual().hops;
        let connected: BTreeMap<DestinationId, ActualDestination> = self.connected();
        let mut freed = BTreeSet::new();
        for step in steps {
            match &step {
                Step::FreeHop { id } => _ = freed.insert(*id),
                Step::WriteHop { id, .. } => assert!(!freed.contains(id), "{id} was just freed"),
                _ => {}
            }
            self.apply(vec![step]);

            let now = self.eligible();
            for (service, destinations) in &kept {
                let reachable = &now[service];
                assert!(destinations.is_subset(reachable), "{service} lost one");
            }
            for (service, destinations) in &now {
                for id in destinations {
                    let hop = self.view.hop_of(*id);
                    assert!(
                        hop.is_some(),
                        "{id} of {service} is eligible without a next hop"
                    );
                }
            }
            for (id, hop) in &self.dataplane.actual().hops {
                assert!(
                    hops.get(id).is_none_or(|before| before == hop),
                    "{id} changed"
                );
            }
            let actual = self.dataplane.actual().destinations;
            for (id, was) in &connected {
                let is = actual
                    .get(id)
                    .expect("a destination with connections stays");
                assert_eq!(
                    (is.service, is.real),
                    (was.service, was.real),
                    "{id} aliased"
                );
                assert!(is.hop.is_some() || was.hop.is_none() || self.foreign(*was));
            }
        }
        self.check_view();
    }

    fn connected(&self) -> BTreeMap<DestinationId, ActualDestination> {
        let mut destinations = self.dataplane.actual().destinations;
        destinations.retain(|id, _| dray_model::DataPlane::live(&self.dataplane, *id).total() > 0);
        destinations
    }

    /// Whether its next hop was by an interface that is not the director's.
    fn foreign(&self, destination: ActualDestination) -> bool {
        let hop = destination.hop.and_then(|id| self.view.hop(id));
        hop.is_none_or(|hop| !self.interfaces.contains(&hop.interface))
    }

    /// The view that was kept up step by step is the one that a new daemon would make.
    fn check_view(&self) {
        let fresh = View::new(self.dataplane.actual());
        assert_eq!(self.view.services(), fresh.services());
        assert_eq!(self.view.destinations(), fresh.destinations());
        assert_eq!(self.view.leaving(), fresh.leaving());
        assert_eq!(self.view.spare_hops(), fresh.spare_hops());
    }
}

/// Of the destinations that are eligible before, those that are to be so after the plan.
fn kept(
    before: &BTreeMap<ServiceAddress, BTreeSet<DestinationId>>,
    steps: &[Step],
) -> BTreeMap<ServiceAddress, BTreeSet<DestinationId>> {
    let mut kept = before.clone();
    for step in steps {
        match step {
            Step::Publish(publication) => {
                let list = publication.list.iter();
                let eligible = list.filter(|listing| listing.eligible.is_ok());
                let after: BTreeSet<DestinationId> = eligible.map(|l| l.destination).collect();
                if let Some(kept) = kept.get_mut(&publication.address) {
                    kept.retain(|id| after.contains(id));
                }
            }
            Step::Withdraw { address, .. } => _ = kept.remove(address),
            _ => {}
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_of_every_plan_forwards_and_a_plan_is_all(events in vec(event(), 1..40)) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
            let steps = world.plan(Scope::All);
            world.carry_out(steps);
            prop_assert_eq!(world.plan(Scope::All), []);
        }
    }

    #[test]
    fn planning_only_what_an_event_touches_is_enough(events in vec(event(), 1..40)) {
        let mut world = World::new();
        for event in events {
            let touched = world.happen(event);
            let steps = world.plan(Scope::Services(&touched));
            world.carry_out(steps);
            prop_assert_eq!(world.plan(Scope::All), []);
        }
    }

    #[test]
    fn a_plan_broken_off_anywhere_is_made_good_by_the_next(
        events in vec((event(), 0..12_usize), 1..40),
    ) {
        let mut world = World::new();
        for (event, carried_out) in events {
            world.happen(event);
            let mut steps = world.plan(Scope::All);
            steps.truncate(carried_out);
            world.carry_out(steps);
        }
        let steps = world.plan(Scope::All);
        world.carry_out(steps);
        prop_assert_eq!(world.plan(Scope::All), []);
    }
}
