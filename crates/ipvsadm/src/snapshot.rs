//! What a director has, as values: what listings are made of.

use std::net::IpAddr;

use dray_model::{
    Desired, Forward, Granularity, HashFlags, PersistenceEngine, RealServer, Scheduler,
    ServiceIdentity, Thresholds,
};

use crate::{Netmask, Role, SchedulerFlags, ServiceSettings};

/// The services of a director at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The size of the connection table, in what the director counts it in: buckets, for IPVS.
    pub size: u64,
    /// The services, in the order in which the director names them.
    pub services: Vec<Service>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it is for.
    pub identity: ServiceIdentity,
    /// How it is set.
    pub settings: ServiceSettings,
    /// What it has had, with its real servers.
    pub statistics: Statistics,
    /// Its real servers, newest first.
    pub destinations: Vec<Destination>,
}

/// A real server of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 for that of the packet.
    pub port: u16,
    /// How packets reach it.
    pub forward: Forward,
    /// Its weight.
    pub weight: u32,
    /// Beyond which numbers of connections it gets no new ones.
    pub thresholds: Thresholds,
    /// Connections in an active state now.
    pub active: u32,
    /// All other connections now.
    pub inactive: u32,
    /// Persistence templates now.
    pub persistent: u32,
    /// What it has had.
    pub statistics: Statistics,
}

/// The counters of a service or a real server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// What was counted since they were zeroed.
    pub counts: Counts,
    /// What is counted a second, of late.
    pub rates: Counts,
}

/// What is counted, in all or a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub in_packets: u64,
    /// Packets from real servers.
    pub out_packets: u64,
    /// Bytes from clients, from the IP header on.
    pub in_bytes: u64,
    /// Bytes from real servers.
    pub out_bytes: u64,
}

/// A connection or a template, as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Protocol number; 0 for a mark's template.
    pub protocol: u8,
    /// The client.
    pub client: (IpAddr, u16),
    /// The VIP and port; of a mark's template, the mark as an address.
    pub virtual_service: (IpAddr, u16),
    /// The real server.
    pub destination: (IpAddr, u16),
    /// IPVS's name of the state.
    pub state: String,
    /// Seconds left.
    pub expires: u64,
    /// The persistence engine's name and what it found.
    pub engine: Option<(String, String)>,
}

/// A synchronisation daemon that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Which one.
    pub role: Role,
    /// Its interface.
    pub interface: String,
    /// The group's number.
    pub syncid: u8,
    /// The longest message, in bytes.
    pub longest: u16,
    /// The multicast group.
    pub group: IpAddr,
    /// The UDP port.
    pub port: u16,
    /// The TTL of messages.
    pub ttl: u8,
}

impl From<&Desired> for Snapshot {
    /// What dray desires, without traffic. The size is that of its connection table, in connections.
    fn from(desired: &Desired) -> Self {
        Self {
            size: desired.director.max_connections.get().into(),
            services: desired.services.iter().map(|it| (&**it).into()).collect(),
        }
    }
}

impl From<&dray_model::Service> for Service {
    fn from(service: &dray_model::Service) -> Self {
        let persistence = service.options.persistence;
        let flags = match service.scheduler {
            Scheduler::SourceHash(flags) | Scheduler::MaglevHash(flags) => flags,
            _ => HashFlags::default(),
        };
        Self {
            identity: service.identity,
            settings: ServiceSettings {
                scheduler: service.scheduler.name().to_owned(),
                flags: SchedulerFlags {
                    first: flags.fallback,
                    second: flags.port,
                    third: false,
                },
                persistent: persistence.map(|it| it.timeout),
                netmask: persistence.map_or(Netmask::ALL4, |it| match it.granularity {
                    Granularity::Ipv4(mask) => Netmask::Ipv4(mask),
                    Granularity::Ipv6(length) => Netmask::Ipv6(length),
                }),
                engine: persistence
                    .and_then(|it| it.engine)
                    .map(|PersistenceEngine::Sip| "sip".to_owned()),
                one_packet: service.options.one_packet,
            },
            statistics: Statistics::default(),
            // dray walks from the end of its list, as IPVS does from the head.
            destinations: service.reals.iter().rev().map(Destination::from).collect(),
        }
    }
}

impl From<&RealServer> for Destination {
    fn from(real: &RealServer) -> Self {
        Self {
            address: real.address,
            port: real.port,
            forward: real.forward,
            weight: real.weight.value().into(),
            thresholds: real.thresholds,
            active: 0,
            inactive: 0,
            persistent: 0,
            statistics: Statistics::default(),
        }
    }
}
