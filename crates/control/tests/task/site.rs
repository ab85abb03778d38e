//! A director's surroundings, and short ways to name things in them.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use dray_control::{AddedVip, ControlError, Handle, Parts, VipLedger, start};
use dray_model::{
    Api, ClientAddress, Desired, DestinationId, Director, Forward, Hop, IpvsOptions,
    LocalAddresses, Mac, NextHop, Protocol, RealServer, Record, Rewrite, Scheduler, Service,
    ServiceAddress, ServiceName, ServiceOptions, Thresholds, Timeouts, TunnelSources, VipOwnership,
    Way, Weight,
};
use dray_sched::decode;
use dray_testkit::{FakeDataPlane, FakeNet};
use tokio::task::JoinHandle;

/// Clones share everything.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) dataplane: FakeDataPlane,
    pub(crate) net: FakeNet,
    pub(crate) ledger: Ledger,
}

#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeSet<AddedVip>>>);

impl VipLedger for Ledger {
    fn load(&mut self) -> io::Result<BTreeSet<AddedVip>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&mut self, added: &BTreeSet<AddedVip>) -> io::Result<()> {
        self.0.lock().unwrap().clone_from(added);
        Ok(())
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self {
            dataplane: FakeDataPlane::new(destinations_of),
            net: FakeNet::new(),
            ledger: Ledger::default(),
        }
    }

    pub(crate) async fn start(&self, desired: Desired) -> (Handle, JoinHandle<FakeDataPlane>) {
        self.try_start(desired).await.unwrap()
    }

    pub(crate) async fn try_start(
        &self,
        desired: Desired,
    ) -> Result<(Handle, JoinHandle<FakeDataPlane>), ControlError> {
        let parts = Parts {
            dataplane: self.dataplane.clone(),
            net: self.net.clone(),
            resolutions: self.net.reports(),
            desired: desired.into(),
            ledger: Box::new(self.ledger.clone()),
        };
        start(parts).await
    }

    /// Lets every real server's neighbour be known.
    pub(crate) fn resolve_all(&self) {
        let numbers = 1..=9;
        self.net
            .resolve(numbers.map(|number| (real(number), way(number))));
    }

    /// The weights in a service's record, newest destination first.
    pub(crate) fn weights(&self, number: u8) -> Vec<u32> {
        let services = self.dataplane.actual().services;
        let service = &services[&address(number).into()];
        let list = decode(&service.record.0).unwrap().list;
        list.into_iter().map(|entry| entry.weight).collect()
    }
}

fn destinations_of(record: &Record) -> Vec<DestinationId> {
    let decoded = decode(&record.0).expect("only records of dray-sched are published");
    let list = decoded.list.into_iter();
    list.map(|entry| DestinationId(entry.destination)).collect()
}

pub(crate) fn address(number: u8) -> ServiceAddress {
    ServiceAddress {
        protocol: Protocol::Tcp,
        vip: IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100 + number)),
        port: 80,
    }
}

pub(crate) fn real(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, 10 + number))
}

pub(crate) fn way(neighbour: u8) -> Way {
    Way {
        next: NextHop {
            interface: 1,
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
pub(crate) fn hop(neighbour: u8) -> Hop {
    let next = way(neighbour).next;
    Hop {
        next,
        mtu: next.mtu,
        mss: None,
        rewrite: Rewrite::None,
    }
}

/// A service with real servers of these numbers and weights.
pub(crate) fn service(number: u8, reals: &[(u8, u16)]) -> Service {
    let reals = reals.iter().map(|&(number, weight)| RealServer {
        address: real(number),
        port: 80,
        forward: Forward::DirectRouting,
        weight: Weight::new(weight),
        thresholds: Thresholds::default(),
    });
    Service {
        name: ServiceName::new(&format!("service-{number}")).unwrap(),
        identity: address(number).into(),
        scheduler: Scheduler::WeightedRoundRobin,
        options: ServiceOptions::default(),
        forward: Forward::DirectRouting,
        client_address: ClientAddress::Hidden,
        mss: None,
        reals: reals.collect(),
    }
}

/// The first service, to change it.
pub(crate) fn first(desired: &mut Desired) -> &mut Service {
    Arc::make_mut(&mut desired.services[0])
}

pub(crate) fn desired(services: Vec<Service>) -> Desired {
    Desired {
        director: Director {
            interfaces: vec!["eth0".to_owned()],
            max_connections: NonZeroU32::new(4096).unwrap(),
            max_translations: NonZeroU32::new(2048).unwrap(),
            tunnels: TunnelSources::default(),
            fullnat: LocalAddresses::default(),
            vips: VipOwnership::Director {
                interface: "eth0".to_owned(),
            },
            timeouts: Timeouts::default(),
            marks: Vec::new(),
            ipvs: IpvsOptions::default(),
            api: Api::default(),
        },
        services: services.into_iter().map(Arc::new).collect(),
    }
}
