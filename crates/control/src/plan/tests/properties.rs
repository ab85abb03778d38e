//! Random histories. After each event the plan is carried out step by step, and after each step the
//! promises of the planner are checked, so every prefix of every plan is.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use dray_model::{
    ActualDestination, ClientAddress, DestinationId, Forward, Granularity, HopId, KernelRules,
    Persistence, RealServer, Resolution, Rewrite, ServiceOptions, Thresholds, Tunnel,
    TunnelChecksum, TunnelSource, Unresolved, Way as WayThere,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Action, HashFlags, Scheduler, Scope, Service, ServiceIdentity, Step, Unused, kind, overhead,
    world::{World, at, identity, mark_rule, service, way},
};
use crate::{
    difference::{Difference, touched},
    view::{View, Way},
};

/// The last two are marks.
const SERVICES: u8 = 5;
const REALS: u8 = 6;

const METHODS: [Forward; 5] = [
    Forward::DirectRouting,
    Forward::Tunnel(Tunnel::IpIp),
    Forward::Tunnel(Tunnel::Gre {
        checksum: TunnelChecksum::Remote,
    }),
    Forward::Nat,
    Forward::FullNat,
];

#[derive(Clone, Debug)]
enum Event {
    Want(Wish),
    Unwant(u8),
    Rules(KernelRules),
    Marks(Vec<u32>),
    /// A tunnel source that ends so, or none.
    TunnelSource(Option<u8>),
    /// FULLNAT's local address ends so.
    Local(u8),
    /// The interface with number 3 is none of the director's.
    Resolve(u8, WayThere),
    NoAnswer(u8),
    Pending(u8),
    Director(u8),
    ForgetResolutions,
    Connections(u8, u8, u32),
    Templates(u8, u8, u32),
    SeeUnused,
    Restart,
}

/// What a service is to be.
#[derive(Clone, Debug)]
struct Wish {
    number: u8,
    scheduler: Scheduler,
    options: ServiceOptions,
    mss: Option<NonZeroU16>,
    client_address: ClientAddress,
    reals: Vec<RealWish>,
}

#[derive(Clone, Debug)]
struct RealWish {
    number: u8,
    weight: u16,
    /// An upper threshold of 0 is none.
    upper: u32,
    method: Forward,
    /// Translated ones may have a port of their own.
    port: Option<u16>,
}

fn event() -> impl Strategy<Value = Event> {
    let number = || 0..SERVICES;
    prop_oneof![
        8 => wish().prop_map(Event::Want),
        2 => number().prop_map(Event::Unwant),
        1 => select(vec![KernelRules::V6_1_176, KernelRules::V6_1_192]).prop_map(Event::Rules),
        1 => vec(1..4_u32, 0..3).prop_map(Event::Marks),
        1 => proptest::option::of(0..2_u8).prop_map(Event::TunnelSource),
        1 => (0..2_u8).prop_map(Event::Local),
        6 => (0..REALS, way_there()).prop_map(|(r, way)| Event::Resolve(r, way)),
        1 => (0..REALS).prop_map(Event::NoAnswer),
        1 => (0..REALS).prop_map(Event::Pending),
        1 => (0..REALS).prop_map(Event::Director),
        1 => Just(Event::ForgetResolutions),
        4 => (number(), 0..REALS, 0..2_u32).prop_map(|(s, r, n)| Event::Connections(s, r, n)),
        3 => (number(), 0..REALS, 0..2_u32).prop_map(|(s, r, n)| Event::Templates(s, r, n)),
        4 => Just(Event::SeeUnused),
        1 => Just(Event::Restart),
    ]
}

fn way_there() -> impl Strategy<Value = WayThere> {
    let mtu = select(vec![1500, 80]);
    (1..=3_u32, 0..3_u8, any::<[bool; 2]>(), mtu).prop_map(
        |(interface, neighbour, [is_far, has_source], mtu)| {
            let mut there = way(interface, neighbour);
            there.next.mtu = mtu;
            if is_far {
                (there.gateway, there.shared) = (Some([10, 77, 0, 254].into()), None);
            }
            there.source = there.source.filter(|_| has_source);
            there
        },
    )
}

fn wish() -> impl Strategy<Value = Wish> {
    let flags = (any::<bool>(), any::<bool>());
    let scheduler = (select(Scheduler::ALL.to_vec()), flags).prop_map(|(scheduler, flags)| {
        let (fallback, port) = flags;
        match scheduler {
            Scheduler::SourceHash(_) => Scheduler::SourceHash(HashFlags { fallback, port }),
            Scheduler::MaglevHash(_) => Scheduler::MaglevHash(HashFlags { fallback, port }),
            scheduler => scheduler,
        }
    });
    let options = (0..3_u32, any::<bool>()).prop_map(|(timeout, one_packet)| ServiceOptions {
        persistence: NonZeroU32::new(timeout).map(|timeout| Persistence {
            timeout,
            granularity: Granularity::Ipv4([255, 255, 255, 0].into()),
            engine: None,
        }),
        one_packet,
    });
    let mss = select(vec![None, NonZeroU16::new(1360)]);
    let told = ClientAddress::TcpOption { kind: 254 };
    let client_address = select(vec![ClientAddress::Hidden, told]);
    let reals = vec(real_wish(), 0..6).prop_map(|mut reals| {
        let mut seen = BTreeSet::new();
        reals.retain(|real| seen.insert((real.number, real.port)));
        reals
    });
    (0..SERVICES, scheduler, options, mss, client_address, reals).prop_map(
        |(number, scheduler, options, mss, client_address, reals)| Wish {
            number,
            scheduler,
            options,
            mss,
            client_address,
            reals,
        },
    )
}

fn real_wish() -> impl Strategy<Value = RealWish> {
    let method = select(METHODS.to_vec());
    (0..REALS, 0..4_u16, 0..3_u32, method, any::<bool>()).prop_map(
        |(number, weight, upper, method, own_port)| RealWish {
            number,
            weight,
            upper,
            method,
            port: (own_port && !method.keeps_addresses()).then_some(8080),
        },
    )
}

impl Wish {
    fn service(self) -> Service {
        let reals = self.reals.iter();
        let weights: Vec<(u8, u16)> = reals.map(|real| (real.number, real.weight)).collect();
        let mut service = service(self.number, self.scheduler, &weights);
        service.options = self.options;
        service.mss = self.mss;
        service.client_address = self.client_address;
        for (real, wish) in service.reals.iter_mut().zip(self.reals) {
            let upper = wish.upper;
            let lower = upper / 2;
            real.thresholds = Thresholds { upper, lower };
            real.forward = wish.method;
            real.port = wish.port.unwrap_or(real.port);
        }
        service
    }
}

impl World {
    /// Lets the event happen, and answers which services it touches.
    fn happen(&mut self, event: Event) -> BTreeSet<ServiceIdentity> {
        let (desired, resolutions) = (self.desired.clone(), self.resolutions.clone());
        let interface = || "eth0".to_owned();
        // What was seen unused is good for one plan.
        self.unused = Unused::default();
        match event {
            Event::Want(wish) => self.want(wish.service()),
            Event::Unwant(number) => self.unwant(number),
            Event::Rules(rules) => self.desired.director.ipvs.rules = rules,
            Event::Marks(marks) => {
                self.desired.director.marks = marks.into_iter().map(mark_rule).collect();
            }
            Event::TunnelSource(last) => {
                self.desired.director.tunnels.ipv4 = last.map(|last| TunnelSource {
                    address: [10, 64, 0, last].into(),
                    spread: 0,
                });
            }
            Event::Local(last) => self.local = [10, 77, 0, 5 + last].into(),
            Event::Resolve(number, way) => self.resolve(number, way),
            Event::NoAnswer(number) => {
                let interface = interface();
                self.unresolve(number, Unresolved::NoAnswer { interface });
            }
            Event::Pending(number) => {
                let interface = interface();
                self.unresolve(number, Unresolved::Pending { interface });
            }
            Event::Director(number) => self.unresolve(number, Unresolved::Local),
            Event::ForgetResolutions => self.forget_resolutions(),
            Event::Connections(service, number, count) => {
                if let Some(id) = self
                    .view
                    .destination(identity(service), at(service, number))
                {
                    self.connections(id, count);
                }
            }
            Event::Templates(service, number, count) => {
                if let Some(id) = self
                    .view
                    .destination(identity(service), at(service, number))
                {
                    self.templates(id, count);
                }
            }
            Event::SeeUnused => self.see_unused(),
            Event::Restart => self.restart(),
        }
        self.desired.director.fullnat.addresses = self.needed_locals();
        let (before, after) = (&desired.director, &self.desired.director);
        if before.ipvs.rules != after.ipvs.rules || before.tunnels != after.tunnels {
            return (0..SERVICES).map(identity).collect();
        }
        let mut services = Difference::between(&desired, &self.desired).services();
        let reals = self.resolutions.changed_since(&resolutions);
        services.extend(touched(&self.view, &reals));
        services
    }

    /// As the configuration has it, there is a local address if there is FULLNAT.
    fn needed_locals(&self) -> Vec<IpAddr> {
        let mut reals = self.desired.services.iter().flat_map(|s| &s.reals);
        let needed = reals.any(|real| real.forward == Forward::FullNat);
        if needed { vec![self.local] } else { Vec::new() }
    }

    /// Destinations that get new connections, by service.
    fn eligible(&self) -> BTreeMap<ServiceIdentity, BTreeSet<DestinationId>> {
        let services = self.view.services().iter();
        services
            .map(|(service, present)| {
                let eligible = present.list.iter().filter(|listed| listed.eligible);
                (
                    *service,
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
        let occupied: BTreeMap<DestinationId, ActualDestination> = self.all_occupied();
        let mut freed = BTreeSet::new();
        for step in steps {
            match &step {
                Step::Do(Action::FreeHop { id }) => _ = freed.insert(*id),
                Step::Do(Action::WriteHop { id, .. }) => {
                    assert!(!freed.contains(id), "{id} was just freed");
                }
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
                    let way = self.view.way(*id);
                    assert_ne!(
                        way,
                        Way::Unknown,
                        "{id} of {service} is eligible and cut off"
                    );
                }
            }
            let actual = self.dataplane.actual();
            for id in now.values().flatten() {
                assert!(
                    actual.destinations[id].forward != Forward::FullNat
                        || !self.dataplane.local_addresses().addresses.is_empty(),
                    "{id} has nowhere to come from"
                );
            }
            for (id, hop) in &actual.hops {
                assert!(
                    hops.get(id).is_none_or(|before| before == hop),
                    "{id} changed"
                );
            }
            for listed in self.view.services().values().flat_map(|s| &s.list) {
                let destination = &actual.destinations[&listed.destination];
                assert!(destination.available, "{destination} is in a record");
            }
            for (id, was) in &occupied {
                let is = actual
                    .destinations
                    .get(id)
                    .expect("a destination with connections or templates stays");
                assert_eq!(
                    (is.service, is.real, is.port),
                    (was.service, was.real, was.port),
                    "{id} aliased"
                );
                let reached = is.hop.is_some() || is.local;
                assert!(reached || was.hop.is_none() || self.foreign(*was));
            }
        }
        self.check_view();
    }

    fn all_occupied(&self) -> BTreeMap<DestinationId, ActualDestination> {
        let mut destinations = self.dataplane.actual().destinations;
        destinations.retain(|id, _| self.occupied(*id));
        destinations
    }

    /// Whether its next hop was by an interface that is not the director's.
    fn foreign(&self, destination: ActualDestination) -> bool {
        let hop = destination.hop.and_then(|id| self.view.hop(id));
        hop.is_none_or(|hop| !self.interfaces.contains(&hop.next.interface))
    }

    /// The view that was kept up step by step is the one that a new daemon would make.
    fn check_view(&self) {
        let fresh = View::new(self.dataplane.actual());
        assert_eq!(self.view.services(), fresh.services());
        assert_eq!(self.view.destinations(), fresh.destinations());
        assert_eq!(self.view.leaving(), fresh.leaving());
        assert_eq!(self.view.spare_hops(), fresh.spare_hops());
    }

    /// The data plane holds what is wanted, said without the planner.
    fn check_arrived(&self) {
        assert_eq!(self.plan(Scope::All), [], "a plan was not all");
        assert_eq!(self.dataplane.mark_rules(), self.desired.director.marks);
        let fullnat = &self.desired.director.fullnat;
        assert_eq!(self.dataplane.local_addresses(), *fullnat);
        let actual = self.dataplane.actual();
        let wanted = self.desired.services.iter().map(|service| service.identity);
        let identities: BTreeSet<ServiceIdentity> = wanted.collect();
        assert!(actual.services.keys().eq(&identities));
        let mut named = BTreeSet::new();
        for service in &self.desired.services {
            let present = &self.view.services()[&service.identity];
            assert_eq!(present.options, service.options);
            assert_eq!(present.kind, Some(kind(service.scheduler)));
            let rules = self.desired.director.ipvs.rules;
            assert_eq!(present.overhead, Some(overhead(rules)));
            assert_eq!(present.list.len(), service.reals.len());
            for listed in &present.list {
                named.insert(listed.destination);
                let destination = &actual.destinations[&listed.destination];
                let real = (service.reals.iter())
                    .find(|real| (real.address, real.port) == (destination.real, destination.port))
                    .expect("no real server is listed that is not wanted");
                let weight = u32::from(real.weight.value());
                assert_eq!((listed.weight, destination.weight), (weight, weight));
                assert_eq!(destination.thresholds, real.thresholds);
                assert_eq!(listed.limited, real.thresholds.upper > 0);
                if listed.eligible {
                    self.check_reached(service, real, destination);
                }
            }
        }
        for (id, destination) in &actual.destinations {
            assert_eq!(destination.available, named.contains(id), "{destination}");
        }
    }
}

impl World {
    /// A real server that gets connections gets them by its method, and what is known of the way to it now is in its
    /// next hop.
    fn check_reached(&self, service: &Service, real: &RealServer, reached: &ActualDestination) {
        assert_eq!(reached.forward, real.forward);
        let Some(resolution) = self.resolutions.get(&real.address) else {
            return;
        };
        let there = match resolution {
            Resolution::Resolved(there) => there,
            Resolution::Unresolved(Unresolved::Local) => {
                assert!(reached.local && real.forward.keeps_addresses());
                return;
            }
            Resolution::Unresolved(_) => return,
        };
        let hop = reached.hop.and_then(|id| self.view.hop(id)).expect("a way");
        assert_eq!(hop.mss, service.mss);
        assert_eq!(hop.next.destination, there.next.destination);
        let sources = &self.desired.director.tunnels;
        let own = sources.ipv4.map(|source| source.address).or(there.source);
        match hop.rewrite {
            Rewrite::None => assert_eq!(there.gateway, None),
            Rewrite::Tunnel {
                real: to, source, ..
            } => {
                assert_eq!((to, Some(source)), (real.address, own));
                assert!(hop.mtu + 20 <= there.next.mtu && hop.mtu >= 68);
            }
            Rewrite::Nat { real: to, shared } => {
                assert_eq!((to, shared), (real.address, there.shared));
            }
            Rewrite::FullNat {
                real: to,
                address_option,
            } => {
                assert_eq!(to, real.address);
                let told = service.client_address != ClientAddress::Hidden;
                assert_eq!(address_option.is_some(), told);
            }
        }
    }
}

/// Of the destinations that are eligible before, those that are to be so after the plan.
fn kept(
    before: &BTreeMap<ServiceIdentity, BTreeSet<DestinationId>>,
    steps: &[Step],
) -> BTreeMap<ServiceIdentity, BTreeSet<DestinationId>> {
    let mut kept = before.clone();
    for step in steps {
        match step {
            Step::Publish(publication) => {
                let list = publication.list.iter();
                let eligible = list.filter(|listing| listing.eligible.is_ok());
                let after: BTreeSet<DestinationId> = eligible.map(|l| l.destination).collect();
                if let Some(kept) = kept.get_mut(&publication.service) {
                    kept.retain(|id| after.contains(id));
                }
            }
            Step::Do(Action::Withdraw { service, .. }) => _ = kept.remove(service),
            Step::Do(_) | Step::GiveMarks(_) | Step::TakeLocals(_) => {}
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
            world.check_arrived();
        }
    }

    #[test]
    fn planning_only_what_an_event_touches_is_enough(events in vec(event(), 1..40)) {
        let mut world = World::new();
        for event in events {
            let touched = world.happen(event);
            let steps = world.plan(Scope::Services(&touched));
            world.carry_out(steps);
            world.check_arrived();
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
        world.unused = Unused::default();
        let steps = world.plan(Scope::All);
        world.carry_out(steps);
        world.check_arrived();
    }
}
