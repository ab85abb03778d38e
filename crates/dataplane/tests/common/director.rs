//! A director whose control room is the test.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use dray_dataplane::Capacity;
use dray_model::{
    Action, Actual, ActualDestination, Connection, Counters, DataPlane as _, DestinationId, Family,
    Granularity, Hop, HopId, Live, LocalAddresses, NoDestination, Persistence, Policy, Record,
    ServiceId, ServiceIdentity, ServiceOptions, Sweep, Template, Thresholds,
};
use dray_sched::{Entry, Kind, Overhead};
use dray_testkit::frames::Frame;

use super::{
    CAPACITY, Fate, OTHER_PORT, ROUTER, TX, identity, incoming,
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

    /// Takes the service that was added as number `index` away, and so all of its real servers.
    pub fn withdraw(&mut self, index: usize) {
        let id = ServiceId(index as u32);
        let service = self.services[index].identity;
        self.apply(Action::Withdraw { id, service });
        let list = std::mem::take(&mut self.services[index].list);
        for entry in list {
            self.change(entry.destination, |destination| {
                destination.available = false;
            });
        }
    }

    /// Changes how the service that was added as number `index` treats clients.
    pub fn set_options(&mut self, index: usize, options: ServiceOptions) {
        self.services[index].options = options;
        let kind = self.services[index].kind;
        self.edit(index, kind, |_| ());
    }

    /// Adds a real server to the service that was added as number `index`; the number of its destination.
    pub fn add(&mut self, index: usize, kind: Kind, weight: u32) -> u32 {
        let entry = self.direct_server(self.services[index].identity, weight, (1, None));
        self.edit(index, kind, |list| list.insert(0, entry));
        entry.destination
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

    /// Changes a destination, and nothing of its service's record.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut ActualDestination)) {
        let destination = self.destinations.get_mut(&number).expect("a destination");
        let before = *destination;
        change(destination);
        let destination = *destination;
        if destination != before {
            self.apply(Action::SetDestination {
                id: DestinationId(number),
                destination,
            });
        }
    }

    /// Sets the thresholds of a real server.
    pub fn limit(&mut self, number: u32, upper: u32, lower: u32) {
        self.change(number, |destination| {
            destination.thresholds = Thresholds { upper, lower };
        });
        self.edit_entry(number, |entry| entry.limited = upper != 0);
    }

    /// Sets the weight of a real server.
    pub fn weigh(&mut self, number: u32, weight: u32) {
        self.edit_entry(number, |entry| entry.weight = weight);
    }

    fn edit_entry(&mut self, number: u32, change: impl FnOnce(&mut Entry)) {
        let (index, kind) = self.service_of(number);
        self.edit(index, kind, |list| {
            let mut entries = list.iter_mut();
            change(
                entries
                    .find(|entry| entry.destination == number)
                    .expect("an entry"),
            );
        });
    }

    fn service_of(&self, number: u32) -> (usize, Kind) {
        let identity = self.destinations[&number].service;
        let mut services = self.services.iter();
        let index = services.position(|service| service.identity == identity);
        let index = index.expect("a service");
        (index, self.services[index].kind)
    }

    /// Takes a real server away from its service.
    pub fn remove(&mut self, number: u32) {
        let (index, kind) = self.service_of(number);
        self.edit(index, kind, |list| {
            list.retain(|entry| entry.destination != number);
        });
    }

    /// Gives a real server that was removed back to its service.
    pub fn restore(&mut self, number: u32) {
        let destination = self.destinations[&number];
        let (index, kind) = self.service_of(number);
        let entry = Entry {
            destination: number,
            weight: destination.weight,
            eligible: true,
            limited: destination.thresholds.upper != 0,
            address: destination.real,
            port: destination.port,
        };
        self.edit(index, kind, |list| list.insert(0, entry));
    }

    /// How many services were added.
    pub fn services(&self) -> usize {
        self.services.len()
    }

    /// The scheduling record of the service that was added as number `index`.
    pub fn record(&self, index: usize) -> &[u64] {
        &self.services[index].record.0
    }

    /// Changes the list of the service that was added as number `index`. Destinations follow, as the control room has it:
    /// those of the list are available and have its weights, those that it had are not.
    pub fn edit(&mut self, index: usize, kind: Kind, change: impl FnOnce(&mut Vec<Entry>)) {
        let cursor = self.private.data_plane().cursor(ServiceId(index as u32));
        let service = &mut self.services[index];
        let before = service.list.clone();
        change(&mut service.list);
        let list = service.list.clone();
        for entry in &list {
            self.change(entry.destination, |destination| {
                destination.weight = entry.weight;
                destination.available = true;
            });
        }
        let service = &mut self.services[index];
        let past = Some((&service.record.0[..], cursor));
        let record = dray_sched::build(kind, self.overhead, &list, past).expect("a record");
        service.record = Record(record);
        service.kind = kind;
        self.publish(index);
        let is_gone = |entry: &&Entry| {
            list.iter()
                .all(|kept| kept.destination != entry.destination)
        };
        for gone in before.iter().filter(is_gone) {
            self.change(gone.destination, |destination| {
                destination.available = false
            });
        }
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

    /// Sends a frame; the verdict and the frame after it.
    pub fn send(&mut self, frame: &Frame) -> (u32, Vec<u8>) {
        let outcome = self
            .private
            .run(&incoming(frame))
            .expect("a frame the kernel takes");
        (outcome.verdict, outcome.frame)
    }

    /// What becomes of these bytes when they come in by the first port.
    pub fn fate(&mut self, bytes: &[u8]) -> Fate {
        self.fate_on(0, bytes)
    }

    /// What becomes of these bytes when they come in by this port.
    pub fn fate_on(&mut self, port: usize, bytes: &[u8]) -> Fate {
        let before = self.counted();
        let outcome = self.private.run_on(port, bytes);
        let outcome = outcome.expect("a frame the kernel takes");
        let after = self.counted();
        let had = |name: &str| {
            before
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(0, |(_, count)| *count)
        };
        let reasons = after
            .iter()
            .flat_map(|(name, count)| vec![*name; (*count - had(name)) as usize])
            .collect();
        Fate {
            verdict: outcome.verdict,
            reasons,
            frame: outcome.frame,
        }
    }

    /// What becomes of a frame from the router.
    pub fn fate_of(&mut self, frame: &Frame) -> Fate {
        self.fate(&incoming(frame))
    }

    /// What becomes of a frame from a real server, which comes in by the second port.
    pub fn reply(&mut self, frame: &Frame) -> Fate {
        self.fate_on(1, &frame.clone().macs(ROUTER, OTHER_PORT).bytes())
    }

    /// Sends a frame that must be forwarded; the destination it went to.
    pub fn forwarded(&mut self, frame: &Frame) -> u32 {
        self.forwarded_bytes(&incoming(frame))
    }

    /// Sends bytes that must be forwarded; the destination they went to.
    pub fn forwarded_bytes(&mut self, bytes: &[u8]) -> u32 {
        let outcome = self.private.run(bytes).expect("a frame the kernel takes");
        assert_eq!(outcome.verdict, TX, "{:?}", self.counted());
        let mac = &outcome.frame[..6];
        u32::from_be_bytes([0, mac[3], mac[4], mac[5]])
    }

    /// The reasons counted so far that are not zero.
    pub fn counted(&mut self) -> Vec<(&'static str, u64)> {
        let reasons = self.private.data_plane().reasons();
        reasons
            .into_iter()
            .filter(|reason| reason.packets > 0)
            .map(|reason| (reason.name, reason.packets))
            .collect()
    }

    /// How often this reason was counted so far.
    pub fn count(&mut self, name: &str) -> u64 {
        let counted = self.counted();
        let found = counted.iter().find(|(other, _)| *other == name);
        found.map_or(0, |(_, packets)| *packets)
    }

    pub fn counters(&mut self, destination: u32) -> Counters {
        self.private
            .data_plane()
            .counters(DestinationId(destination))
    }

    /// How often the service that was added as number `index` had no destination to give.
    pub fn refused(&mut self, index: u32) -> u64 {
        self.private.data_plane().refused(ServiceId(index))
    }

    /// Ends what is over, in the whole table.
    pub fn sweep(&mut self) -> Sweep {
        self.private.data_plane().sweep(1)
    }

    /// What a new daemon would find.
    pub fn observe(&mut self) -> Actual {
        self.private
            .data_plane()
            .observe()
            .expect("a data plane that makes sense")
    }

    /// Every connection in the table.
    pub fn list(&mut self) -> Vec<Connection> {
        self.private.data_plane().connections(&|_| true, usize::MAX)
    }

    /// Every template.
    pub fn templates(&mut self) -> Vec<Template> {
        self.private.data_plane().templates(usize::MAX)
    }

    /// The state of the only connection.
    pub fn state(&mut self) -> &'static str {
        let connections = self.list();
        assert_eq!(connections.len(), 1, "{connections:?}");
        connections[0].state
    }

    /// Active and inactive connections.
    pub fn live(&mut self, destination: u32) -> (u32, u32) {
        let live = self.all_live(destination);
        (live.active, live.inactive)
    }

    /// All that counts towards a destination.
    pub fn all_live(&mut self, destination: u32) -> Live {
        self.private.data_plane().live(DestinationId(destination))
    }
}
