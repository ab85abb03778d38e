//! A small world to plan in: four service addresses, a handful of real servers, a strict data plane.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

use dray_model::{
    DataPlane, Desired, DestinationId, Director, Forward, Live, Mac, NextHop, Protocol, RealServer,
    Record, Resolution, Scheduler, Service, ServiceAddress, ServiceName, Timeouts, Unresolved,
    VipOwnership, Weight,
};
use dray_sched::decode;
use dray_testkit::FakeDataPlane;

use super::{Input, Scope, Step, Unused, plan};
use crate::{
    apply::{Done, apply},
    view::View,
};

pub(super) struct World {
    pub(super) dataplane: FakeDataPlane,
    pub(super) view: View,
    pub(super) desired: Desired,
    pub(super) resolutions: BTreeMap<IpAddr, Resolution>,
    pub(super) interfaces: BTreeSet<u32>,
    pub(super) unused: Unused,
}

pub(super) fn address(number: u8) -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100 + number)),
        port: 80,
    }
}

pub(super) fn real(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, 10 + number))
}

pub(super) fn hop(interface: u32, neighbour: u8) -> NextHop {
    NextHop {
        interface,
        vlan: None,
        source: Mac([2, 0, 0, 0, 0, 1]),
        destination: Mac([2, 0, 0, 0, 1, neighbour]),
    }
}

/// A service with real servers of these numbers and weights.
pub(super) fn service(number: u8, scheduler: Scheduler, reals: &[(u8, u16)]) -> Service {
    let reals = reals.iter().map(|&(number, weight)| RealServer {
        address: real(number),
        weight: Weight::new(weight),
    });
    Service {
        name: ServiceName::new(&format!("service-{number}")).unwrap(),
        address: address(number),
        scheduler,
        forward: Forward::DirectRouting,
        reals: reals.collect(),
    }
}

pub(super) fn nothing() -> Desired {
    Desired {
        director: Director {
            interfaces: vec!["eth0".to_owned()],
            max_connections: NonZeroU32::new(1024).unwrap(),
            vips: VipOwnership::External,
            timeouts: Timeouts::default(),
        },
        services: Vec::new(),
    }
}

fn destinations_of(record: &Record) -> Vec<DestinationId> {
    let decoded = decode(&record.0).expect("only records of dray-sched are published");
    let list = decoded.list.into_iter();
    list.map(|(id, _, _)| DestinationId(id)).collect()
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            dataplane: FakeDataPlane::new(destinations_of),
            view: View::default(),
            desired: nothing(),
            resolutions: BTreeMap::new(),
            interfaces: BTreeSet::from([1, 2]),
            unused: Unused::default(),
        }
    }

    /// Adds the service to the desired state, or puts it in the place of the one at its address.
    pub(super) fn want(&mut self, service: Service) {
        let services = &mut self.desired.services;
        match services
            .iter_mut()
            .find(|present| present.address == service.address)
        {
            Some(present) => *present = service,
            None => services.push(service),
        }
    }

    pub(super) fn unwant(&mut self, number: u8) {
        let services = &mut self.desired.services;
        services.retain(|service| service.address != address(number));
    }

    pub(super) fn resolve(&mut self, number: u8, hop: NextHop) {
        let resolution = Resolution::Resolved(hop);
        self.resolutions.insert(real(number), resolution);
    }

    pub(super) fn unresolve(&mut self, number: u8, why: Unresolved) {
        let resolution = Resolution::Unresolved(why);
        self.resolutions.insert(real(number), resolution);
    }

    pub(super) fn forget_resolutions(&mut self) {
        self.resolutions.clear();
    }

    pub(super) fn connections(&mut self, destination: DestinationId, inactive: u32) {
        let live = Live {
            active: 0,
            inactive,
        };
        self.dataplane.set_live(destination, live);
    }

    /// A new daemon: all that it knows is what the data plane holds.
    pub(super) fn restart(&mut self) {
        self.view = View::new(self.dataplane.observe().unwrap());
        self.unused = Unused::default();
    }

    /// What the task does between two sweeps: sees what is out of use.
    pub(super) fn see_unused(&mut self) {
        let idle = |id: &&DestinationId| self.dataplane.live(**id).total() == 0;
        self.unused = Unused {
            destinations: self.view.leaving().iter().filter(idle).copied().collect(),
            hops: self.view.spare_hops().clone(),
        };
        let retired: Vec<ServiceAddress> = self.view.retired().keys().copied().collect();
        for address in retired {
            self.view.forget_retired(address);
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
