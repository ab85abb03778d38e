//! A small world to plan in: a few services, a handful of real servers, a strict data plane.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

use dray_model::{
    Api, ClientAddress, DataPlane, Desired, DestinationId, Director, Family, Forward, Hop,
    IpvsOptions, Live, LocalAddresses, Mac, Mark, MarkRule, NextHop, Protocol, RealServer, Record,
    Resolution, Resolutions, Rewrite, Scheduler, Service, ServiceAddress, ServiceIdentity,
    ServiceName, ServiceOptions, Thresholds, Timeouts, TunnelSources, Unresolved, VipOwnership,
    Way, Weight,
};
use dray_sched::decode;
use dray_testkit::FakeDataPlane;

use super::{Input, Scope, Step, Unused, plan};
use crate::{
    apply::{Done, apply},
    view::View,
};

pub(crate) struct World {
    pub(super) dataplane: FakeDataPlane,
    pub(super) view: View,
    pub(super) desired: Desired,
    pub(super) resolutions: Resolutions,
    pub(super) interfaces: BTreeSet<u32>,
    pub(super) unused: Unused,
    /// FULLNAT's address, should there be FULLNAT.
    pub(super) local: IpAddr,
}

/// An address; a mark from 3 on.
pub(super) fn identity(number: u8) -> ServiceIdentity {
    let address = ServiceAddress {
        protocol: Protocol::Tcp,
        vip: IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100 + number)),
        port: 80,
    };
    match NonZeroU32::new(number.saturating_sub(2).into()) {
        Some(number) => ServiceIdentity::Mark(Mark {
            number,
            family: Family::Ipv4,
        }),
        None => address.into(),
    }
}

pub(crate) fn real(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, 10 + number))
}

/// The real server and the port of that service's destination.
pub(super) fn at(service: u8, number: u8) -> SocketAddr {
    SocketAddr::new(real(number), port(service))
}

/// A mark's is the connection's.
fn port(service: u8) -> u16 {
    identity(service)
        .address()
        .map_or(0, |address| address.port)
}

/// The way to a real server on a network of the director's.
pub(crate) fn way(interface: u32, neighbour: u8) -> Way {
    Way {
        next: NextHop {
            interface,
            vlan: None,
            source: Mac([2, 0, 0, 0, 0, 1]),
            destination: Mac([2, 0, 0, 0, 1, neighbour]),
            mtu: 1500,
        },
        gateway: None,
        source: Some(IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1))),
        shared: Some(24),
    }
}

/// Direct routing's next hop by that way.
pub(crate) fn hop(interface: u32, neighbour: u8) -> Hop {
    let next = way(interface, neighbour).next;
    Hop {
        next,
        mtu: next.mtu,
        mss: None,
        rewrite: Rewrite::None,
    }
}

/// A service with real servers of these numbers and weights.
pub(crate) fn service(service: u8, scheduler: Scheduler, reals: &[(u8, u16)]) -> Service {
    let reals = reals.iter().map(|&(number, weight)| RealServer {
        address: real(number),
        port: port(service),
        forward: Forward::DirectRouting,
        weight: Weight::new(weight),
        thresholds: Thresholds::default(),
    });
    Service {
        name: ServiceName::new(&format!("service-{service}")).unwrap(),
        identity: identity(service),
        scheduler,
        options: ServiceOptions::default(),
        forward: Forward::DirectRouting,
        client_address: ClientAddress::Hidden,
        mss: None,
        reals: reals.collect(),
    }
}

/// A rule that gives this mark to everything.
pub(super) fn mark_rule(mark: u32) -> MarkRule {
    MarkRule {
        mark: NonZeroU32::new(mark).unwrap(),
        family: Family::Ipv4,
        destination: None,
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: None,
    }
}

pub(crate) fn nothing() -> Desired {
    Desired {
        director: Director {
            interfaces: vec!["eth0".to_owned()],
            max_connections: NonZeroU32::new(1024).unwrap(),
            max_translations: NonZeroU32::new(1024).unwrap(),
            tunnels: TunnelSources::default(),
            fullnat: LocalAddresses::default(),
            vips: VipOwnership::External,
            timeouts: Timeouts::default(),
            marks: Vec::new(),
            ipvs: IpvsOptions::default(),
            api: Api::default(),
        },
        services: Vec::new(),
    }
}

fn destinations_of(record: &Record) -> Vec<DestinationId> {
    let decoded = decode(&record.0).expect("only records of dray-sched are published");
    let list = decoded.list.into_iter();
    list.map(|entry| DestinationId(entry.destination)).collect()
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            dataplane: FakeDataPlane::new(destinations_of),
            view: View::default(),
            desired: nothing(),
            resolutions: Resolutions::default(),
            interfaces: BTreeSet::from([1, 2]),
            unused: Unused::default(),
            local: [10, 77, 0, 5].into(),
        }
    }

    /// The first desired service, to change it.
    pub(super) fn first(&mut self) -> &mut Service {
        Arc::make_mut(&mut self.desired.services[0])
    }

    /// Adds the service to the desired state, or puts it in the place of the one of its identity.
    pub(super) fn want(&mut self, service: Service) {
        let services = &mut self.desired.services;
        match services
            .iter_mut()
            .find(|present| present.identity == service.identity)
        {
            Some(present) => *present = Arc::new(service),
            None => services.push(Arc::new(service)),
        }
    }

    pub(super) fn unwant(&mut self, number: u8) {
        let services = &mut self.desired.services;
        services.retain(|service| service.identity != identity(number));
    }

    pub(super) fn resolve(&mut self, number: u8, way: Way) {
        let resolution = Resolution::Resolved(way);
        self.resolutions.insert(real(number), resolution);
    }

    pub(super) fn unresolve(&mut self, number: u8, why: Unresolved) {
        let resolution = Resolution::Unresolved(why);
        self.resolutions.insert(real(number), resolution);
    }

    pub(super) fn forget_resolutions(&mut self) {
        self.resolutions = Resolutions::default();
    }

    pub(super) fn connections(&mut self, destination: DestinationId, inactive: u32) {
        let live = Live {
            inactive,
            ..self.dataplane.live(destination)
        };
        self.dataplane.set_live(destination, live);
    }

    pub(super) fn templates(&mut self, destination: DestinationId, persistent: u32) {
        let live = Live {
            persistent,
            ..self.dataplane.live(destination)
        };
        self.dataplane.set_live(destination, live);
    }

    /// Whether the destination has connections or templates.
    pub(super) fn occupied(&self, destination: DestinationId) -> bool {
        let live = self.dataplane.live(destination);
        live.total() > 0 || live.persistent > 0
    }

    /// A new daemon: all that it knows is what the data plane holds.
    pub(super) fn restart(&mut self) {
        self.view = View::new(self.dataplane.observe().unwrap());
        self.unused = Unused::default();
    }

    /// What the task does between two sweeps: sees what is out of use.
    pub(super) fn see_unused(&mut self) {
        let idle = |id: &&DestinationId| !self.occupied(**id);
        self.unused = Unused {
            destinations: self.view.leaving().iter().filter(idle).copied().collect(),
            hops: self.view.spare_hops().clone(),
        };
        let retired: Vec<ServiceIdentity> = self.view.retired().keys().copied().collect();
        for service in retired {
            self.view.forget_retired(service);
        }
    }

    pub(super) fn plan(&self, scope: Scope<'_>) -> Vec<Step> {
        let input = Input {
            desired: &self.desired,
            view: &self.view,
            resolutions: &self.resolutions,
            interfaces: &self.interfaces,
            unused: &self.unused,
        };
        plan(input, scope)
    }

    pub(super) fn apply(&mut self, steps: Vec<Step>) {
        let Self {
            dataplane, view, ..
        } = self;
        apply(dataplane, view, steps, &mut Done::default()).unwrap();
    }

    /// Brings everything to what is wanted; nothing is left to do then.
    pub(super) fn settle(&mut self) {
        let steps = self.plan(Scope::All);
        self.apply(steps);
        assert_eq!(self.plan(Scope::All), [], "a plan was not all");
    }
}
