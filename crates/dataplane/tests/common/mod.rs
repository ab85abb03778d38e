//! A private data plane with services in it, for the tests of this room.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file uses a part of it"
)]

pub mod world;

use std::net::{IpAddr, SocketAddr};

use dray_dataplane::{Capacity, Private};
use dray_model::{
    Action, Actual, ActualDestination, Connection, Counters, DataPlane as _, DestinationId, HopId,
    Mac, NextHop, Protocol, Record, ServiceAddress, ServiceId, Sweep,
};
use dray_sched::{Entry, Kind};
use dray_testkit::frames::{Frame, TcpFlags};

pub const PASS: u32 = 2;
pub const DROP: u32 = 1;
pub const TX: u32 = 3;
pub const REDIRECT: u32 = 4;

pub const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub const OTHER_PORT: Mac = Mac([2, 0, 0, 0, 0, 2]);
pub const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 9]);

pub const CAPACITY: Capacity = Capacity {
    connections: 4096,
    services: 64,
    destinations: 4096,
    words: 1 << 18,
    hops: 4096,
};

/// The real server that a frame was sent to, by its Ethernet address.
pub fn mac_of(destination: u32) -> Mac {
    let [_, a, b, c] = destination.to_be_bytes();
    Mac([2, 1, 0, a, b, c])
}

pub struct Director {
    pub private: Private,
    services: Vec<(ServiceAddress, Vec<Entry>, Record)>,
    next_destination: u32,
}

impl Director {
    pub fn new() -> Self {
        Self::with(CAPACITY)
    }

    pub fn with(capacity: Capacity) -> Self {
        let mut private =
            Private::new(capacity, &[OWN, OTHER_PORT]).expect("the program loads (root needed)");
        private.data_plane().set_timeouts(&Default::default());
        Self {
            private,
            services: Vec::new(),
            next_destination: 1,
        }
    }

    /// Adds a service whose real servers have these weights; the numbers of its destinations, in order.
    pub fn service(&mut self, address: &str, kind: Kind, weights: &[u32]) -> Vec<u32> {
        let hops: Vec<_> = weights.iter().map(|_| (1, None)).collect();
        self.service_by(address, kind, weights, &hops)
    }

    /// The same, with the interface and VLAN that each real server is reached by.
    pub fn service_by(
        &mut self,
        address: &str,
        kind: Kind,
        weights: &[u32],
        hops: &[(u32, Option<u16>)],
    ) -> Vec<u32> {
        let address = service(address);
        let mut list = Vec::new();
        for (weight, hop) in weights.iter().zip(hops) {
            list.insert(0, self.real_server(address, *weight, *hop));
        }
        let record = Record(dray_sched::build(kind, &list, None).expect("a record"));
        let id = ServiceId(self.services.len() as u32);
        self.apply(Action::Publish {
            id,
            address,
            record: record.clone(),
        });
        let mut numbers: Vec<u32> = list.iter().map(|entry| entry.destination).collect();
        numbers.reverse();
        self.services.push((address, list, record));
        numbers
    }

    /// Adds a real server to the service that was added as number `index`; the number of its destination.
    pub fn add(&mut self, index: usize, kind: Kind, weight: u32) -> u32 {
        let entry = self.real_server(self.services[index].0, weight, (1, None));
        self.edit(index, kind, |list| list.insert(0, entry));
        entry.destination
    }

    /// A real server that is reached by this interface and VLAN, as a destination that no list names yet.
    fn real_server(
        &mut self,
        service: ServiceAddress,
        weight: u32,
        (interface, vlan): (u32, Option<u16>),
    ) -> Entry {
        let number = self.next_destination;
        self.next_destination += 1;
        let real = real(service.vip, number);
        let hop = NextHop {
            interface,
            vlan,
            source: if interface == 1 { OWN } else { OTHER_PORT },
            destination: mac_of(number),
        };
        let destination = ActualDestination {
            service,
            real,
            hop: Some(HopId(number)),
        };
        self.apply(Action::WriteHop {
            id: HopId(number),
            hop,
        });
        self.apply(Action::AddDestination {
            id: DestinationId(number),
            destination,
        });
        Entry {
            destination: number,
            weight,
            eligible: true,
            address: real,
            port: service.port,
        }
    }

    /// How many services were added.
    pub fn services(&self) -> usize {
        self.services.len()
    }

    /// The scheduling record of the service that was added as number `index`.
    pub fn record(&self, index: usize) -> &[u64] {
        &self.services[index].2.0
    }

    /// Changes the list of the service that was added as number `index`.
    pub fn edit(&mut self, index: usize, kind: Kind, change: impl FnOnce(&mut Vec<Entry>)) {
        let id = ServiceId(index as u32);
        let cursor = self.private.data_plane().cursor(id);
        let (address, list, before) = &mut self.services[index];
        change(list);
        let record =
            Record(dray_sched::build(kind, list, Some((&before.0, cursor))).expect("a record"));
        *before = record.clone();
        let address = *address;
        self.apply(Action::Publish {
            id,
            address,
            record,
        });
    }

    pub fn apply(&mut self, action: Action) {
        self.private
            .data_plane()
            .apply(&action)
            .unwrap_or_else(|error| panic!("{action}: {error}"));
    }

    /// Sends a frame; the verdict and the frame after it.
    pub fn send(&mut self, frame: &Frame) -> (u32, Vec<u8>) {
        let outcome = self
            .private
            .run(&frame.clone().macs(ROUTER, OWN).bytes())
            .expect("a frame the kernel takes");
        (outcome.verdict, outcome.frame)
    }

    /// What becomes of these bytes when they come in.
    pub fn fate(&mut self, bytes: &[u8]) -> Fate {
        let before = self.counted();
        let outcome = self.private.run(bytes).expect("a frame the kernel takes");
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

    /// Sends a frame that must be forwarded; the destination it went to.
    pub fn forwarded(&mut self, frame: &Frame) -> u32 {
        let (verdict, out) = self.send(frame);
        assert_eq!(verdict, TX, "{:?}", self.counted());
        u32::from_be_bytes([0, out[3], out[4], out[5]])
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

    pub fn live(&mut self, destination: u32) -> (u32, u32) {
        let live = self.private.data_plane().live(DestinationId(destination));
        (live.active, live.inactive)
    }
}

/// What became of a frame: all that can be seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    pub verdict: u32,
    pub reasons: Vec<&'static str>,
    pub frame: Vec<u8>,
}

impl Fate {
    /// Left to the host, for that reason, untouched.
    pub fn passed(reason: &'static str, frame: &[u8]) -> Self {
        Self {
            verdict: PASS,
            reasons: vec![reason],
            frame: frame.to_vec(),
        }
    }

    /// Dropped, for that reason; a frame that is dropped is not changed before.
    pub fn dropped(reason: &'static str, frame: &[u8]) -> Self {
        Self {
            verdict: DROP,
            reasons: vec![reason],
            frame: frame.to_vec(),
        }
    }

    /// Sent back out of the interface that it came in by, looking like this.
    pub fn sent(frame: &[u8]) -> Self {
        Self {
            verdict: TX,
            reasons: Vec::new(),
            frame: frame.to_vec(),
        }
    }

    /// Sent out of the other interface, looking like this.
    pub fn redirected(frame: &[u8]) -> Self {
        Self {
            verdict: REDIRECT,
            reasons: Vec::new(),
            frame: frame.to_vec(),
        }
    }
}

/// The bytes of a frame from the router to the director.
pub fn incoming(frame: &Frame) -> Vec<u8> {
    frame.clone().macs(ROUTER, OWN).bytes()
}

pub fn service(text: &str) -> ServiceAddress {
    let (protocol, rest) = text.split_once("://").expect("PROTOCOL://ADDRESS:PORT");
    let address: SocketAddr = rest.parse().expect("an address");
    let protocol = if protocol == "tcp" {
        Protocol::Tcp
    } else {
        Protocol::Udp
    };
    ServiceAddress {
        protocol,
        vip: address.ip(),
        port: address.port(),
    }
}

fn real(vip: IpAddr, number: u32) -> IpAddr {
    match vip {
        IpAddr::V4(_) => IpAddr::from((0x0a01_0000 + number).to_be_bytes()),
        IpAddr::V6(_) => format!("fd00:1::{number:x}").parse().expect("an address"),
    }
}

pub fn tcp(client: &str, service: &str, flags: TcpFlags) -> Frame {
    Frame::tcp(
        client.parse().expect("a client"),
        service.parse().expect("a service"),
    )
    .flags(flags)
}

pub fn udp(client: &str, service: &str) -> Frame {
    Frame::udp(
        client.parse().expect("a client"),
        service.parse().expect("a service"),
    )
}
