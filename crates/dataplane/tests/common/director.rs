//! A director whose control room is the test.

mod edits;
mod packets;
mod readings;

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use dray_dataplane::Capacity;
use dray_model::{
    Action, ActualDestination, DataPlane as _, DestinationId, Family, Granularity, Hop, HopId,
    LocalAddresses, NoDestination, Persistence, Policy, Record, ServiceId, ServiceIdentity,
    ServiceOptions, Thresholds,
};
use dray_sched::{Entry, Kind, Overhead};

use super::{
    CAPACITY, identity,
    loaded::Loaded,
    mac_of,
    reals::{Real, direct, next_hop, real_address},
};

/// A director with two ports, 0 and 1, that are interfaces 1 and 2.
///
/// Its policy is dray's own, but for one thing: who finds no real server gets no answer.
pub struct Director {
    pub private: Loaded,
    pub overhead: Overhead,
    policy: Policy,
    services: Vec<Service>,
    destinations: BTreeMap<u32, ActualDestination>,
    next_hop: u32,
}

struct Service {
    identity: ServiceIdentity,
    options: ServiceOptions,
    kind: Kind,
    list: Vec<Entry>,
    record: Record,
}

/// Options of a service whose clients are persistent, each for itself.
pub fn persistent(seconds: u32, family: Family) -> ServiceOptions {
    let granularity = match family {
        Family::Ipv4 => Granularity::Ipv4([255; 4].into()),
        Family::Ipv6 => Granularity::Ipv6(128),
    };
    let persistence = Persistence {
        timeout: NonZeroU32::new(seconds).expect("a timeout"),
        granularity,
        engine: None,
    };
    ServiceOptions {
        persistence: Some(persistence),
        one_packet: false,
    }
}

impl Director {
    pub fn new() -> Self {
        Self::with(CAPACITY)
    }

    pub fn with(capacity: Capacity) -> Self {
        let mut director = Self {
            private: Loaded::with(capacity),
            overhead: Overhead::Total,
            policy: Policy::default(),
            services: Vec::new(),
            destinations: BTreeMap::new(),
            next_hop: 1,
        };
        director.policy(|policy| policy.ipvs.no_destination = NoDestination::Drop);
        director
    }

    /// Changes the policy.
    pub fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.policy);
        self.private.data_plane().set_policy(&self.policy);
    }

    /// Adds a service whose real servers have these weights; the numbers of its destinations, in order.
    pub fn service(&mut self, identity: &str, kind: Kind, weights: &[u32]) -> Vec<u32> {
        self.service_with(identity, kind, ServiceOptions::default(), weights)
    }

    /// The same, with options.
    pub fn service_with(
        &mut self,
        identity: &str,
        kind: Kind,
        options: ServiceOptions,
        weights: &[u32],
    ) -> Vec<u32> {
        let hops: Vec<_> = weights.iter().map(|_| (1, None)).collect();
        self.add_direct(identity, (kind, options), weights, &hops)
    }

    /// The same, with the interface and VLAN that each real server is reached by.
    pub fn service_by(
        &mut self,
        identity: &str,
        kind: Kind,
        weights: &[u32],
        hops: &[(u32, Option<u16>)],
    ) -> Vec<u32> {
        self.add_direct(identity, (kind, ServiceOptions::default()), weights, hops)
    }

    fn add_direct(
        &mut self,
        text: &str,
        kind: (Kind, ServiceOptions),
        weights: &[u32],
        hops: &[(u32, Option<u16>)],
    ) -> Vec<u32> {
        let identity = identity(text);
        let list = weights
            .iter()
            .zip(hops)
            .map(|(weight, hop)| self.direct_server(identity, *weight, *hop))
            .collect();
        self.add_service(identity, kind, list)
    }

    /// The same, with real servers that are reached in any way.
    pub fn service_to(
        &mut self,
        identity: &str,
        kind: Kind,
        options: ServiceOptions,
        reals: &[Real],
    ) -> Vec<u32> {
        let service = super::identity(identity);
        let list = reals
            .iter()
            .map(|real| self.real_server(service, *real))
            .collect();
        self.add_service(service, (kind, options), list)
    }

    fn add_service(
        &mut self,
        identity: ServiceIdentity,
        (kind, options): (Kind, ServiceOptions),
        mut list: Vec<Entry>,
    ) -> Vec<u32> {
        let numbers = list.iter().map(|entry| entry.destination).collect();
        // The newest real server comes first, as in IPVS.
        list.reverse();
        let record = dray_sched::build(kind, self.overhead, &list, None).expect("a record");
        self.services.push(Service {
            identity,
            options,
            kind,
            list,
            record: Record(record),
        });
        self.publish(self.services.len() - 1);
        numbers
    }

    fn publish(&mut self, index: usize) {
        let service = &self.services[index];
        let publish = Action::Publish {
            id: ServiceId(index as u32),
            service: service.identity,
            options: service.options,
            record: service.record.clone(),
        };
        self.apply(publish);
    }

    /// A real server that is reached directly by this interface and VLAN, as a destination that no list names yet.
    fn direct_server(
        &mut self,
        service: ServiceIdentity,
        weight: u32,
        (interface, vlan): (u32, Option<u16>),
    ) -> Entry {
        let address = real_address(service.family(), self.next_destination());
        let port = service.address().map_or(0, |address| address.port);
        let real = Real::direct(address, port)
            .by(interface, vlan)
            .weight(weight);
        self.real_server(service, real)
    }

    /// A real server as a destination that no list names yet.
    fn real_server(&mut self, service: ServiceIdentity, real: Real) -> Entry {
        let number = self.next_destination();
        let mut hop = real.hop;
        hop.next.destination = mac_of(number);
        let destination = ActualDestination {
            service,
            real: real.address,
            port: real.port,
            forward: real.forward,
            hop: Some(self.write_hop(hop)),
            weight: real.weight,
            thresholds: Thresholds::default(),
            available: true,
            local: false,
        };
        self.add_destination(number, destination);
        Entry {
            destination: number,
            weight: real.weight,
            eligible: true,
            limited: false,
            address: real.address,
            port: real.port,
        }
    }

    /// Adds a destination that no list names yet.
    pub fn add_destination(&mut self, number: u32, destination: ActualDestination) {
        self.destinations.insert(number, destination);
        self.apply(Action::AddDestination {
            id: DestinationId(number),
            destination,
        });
    }

    fn next_destination(&self) -> u32 {
        self.destinations
            .last_key_value()
            .map_or(1, |(number, _)| number + 1)
    }

    /// Writes a direct next hop to the real server of that number.
    pub fn hop(&mut self, number: u32, interface: u32, vlan: Option<u16>, mtu: u32) -> HopId {
        self.write_hop(direct(next_hop(interface, vlan, mac_of(number), mtu)))
    }

    /// Writes a next hop.
    pub fn write_hop(&mut self, hop: Hop) -> HopId {
        let id = HopId(self.next_hop);
        self.next_hop += 1;
        self.apply(Action::WriteHop { id, hop });
        id
    }

    /// Gives FULLNAT these local addresses, and this many ports from this one on.
    pub fn locals(&mut self, addresses: &[&str], ports: std::ops::RangeInclusive<u16>) {
        let addresses = addresses
            .iter()
            .map(|text| text.parse().expect("an address"));
        let locals = LocalAddresses {
            addresses: addresses.collect(),
            ports,
        };
        let set = self.private.data_plane().set_local_addresses(&locals);
        set.expect("no more than 256 of a family");
    }

    /// How many services were added.
    pub fn services(&self) -> usize {
        self.services.len()
    }

    /// The scheduling record of the service that was added as number `index`.
    pub fn record(&self, index: usize) -> &[u64] {
        &self.services[index].record.0
    }

    pub fn apply(&mut self, action: Action) {
        self.private
            .data_plane()
            .apply(&action)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.private.advance(time);
    }
}
