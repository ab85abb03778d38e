//! What the operator wants: one validated value, whatever it was written in.

use std::{
    fmt,
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
    sync::Arc,
};

use crate::{
    Api, ClientAddress, Forward, IpvsOptions, LocalAddresses, MarkRule, ServiceIdentity,
    ServiceOptions, Thresholds, Timeouts, TunnelSources,
};

/// The whole desired state of one director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// What concerns the director as a whole.
    pub director: Director,
    /// Virtual services in the order of the file; no two have the same identity or name. Shared, so that the state after an
    /// edit has all but one of them from the state before.
    pub services: Vec<Arc<Service>>,
}

/// What concerns the director as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Director {
    /// Interfaces that carry client or real-server traffic, by name; at least one, no name twice.
    pub interfaces: Vec<String>,
    /// Room in the connection table of each address family, in connections (1,024 to 67,108,864).
    pub max_connections: NonZeroU32,
    /// Room in the table of translations, in NAT and FULLNAT connections of both families together (1,024 to 8,388,608).
    pub max_translations: NonZeroU32,
    /// Where tunnels come from.
    pub tunnels: TunnelSources,
    /// Where FULLNAT's packets come from.
    pub fullnat: LocalAddresses,
    /// Who puts the VIPs, and FULLNAT's local addresses, on the director's interface.
    pub vips: VipOwnership,
    /// How long a connection lasts without packets; each 1 s to 31 days, in whole seconds.
    pub timeouts: Timeouts,
    /// Which packets get a mark; the first rule that fits counts.
    pub marks: Vec<MarkRule>,
    /// IPVS's settings (`net.ipv4.vs.*`), and what dray has beside them.
    pub ipvs: IpvsOptions,
    /// Who may use the API, and where.
    pub api: Api,
}

/// Who puts the VIPs on the director's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VipOwnership {
    /// dray adds them to this interface and removes what it added.
    Director {
        /// The interface's name.
        interface: String,
    },
    /// Something else does (a routing daemon, the operator); dray touches no address.
    External,
}

/// One virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The operator's name for it.
    pub name: ServiceName,
    /// Protocol, VIP and port, or a mark.
    pub identity: ServiceIdentity,
    /// How a new connection's real server is chosen.
    pub scheduler: Scheduler,
    /// How it treats clients.
    pub options: ServiceOptions,
    /// How real servers that name no method of their own are reached.
    pub forward: Forward,
    /// What FULLNAT's real servers are told of the client.
    pub client_address: ClientAddress,
    /// The largest TCP segment that SYNs may ask for, in bytes (536 to 65,495); lower ones stay.
    pub mss: Option<NonZeroU16>,
    /// Real servers in the order of the file; no address and port twice. All of the service's family, but for
    /// tunnels and FULLNAT.
    pub reals: Vec<RealServer>,
}

/// A service's name: 1 to 63 characters out of `a-z A-Z 0-9 . _ -`, unique in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

/// The text is not a service name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service name has 1 to 63 characters out of a-z A-Z 0-9 . _ -")]
pub struct InvalidServiceName;

impl ServiceName {
    /// The name, if it is one.
    ///
    /// # Errors
    /// When it is empty, longer than 63 characters, or has any character but `a-z A-Z 0-9 . _ -`.
    pub fn new(name: &str) -> Result<Self, InvalidServiceName> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if (1..=63).contains(&name.len()) && name.chars().all(fits) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidServiceName)
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One real server of one virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealServer {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 for that of the connection. With direct routing and tunnels the service's (0 for a mark).
    pub port: u16,
    /// How packets reach it.
    pub forward: Forward,
    /// Its share of new connections; 0 quiesces it.
    pub weight: Weight,
    /// Beyond which numbers of connections it gets no new ones.
    pub thresholds: Thresholds,
}

/// A real server's weight, 0 to 65,535 (the range of `ipvsadm -w`). 0 quiesces: no new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

impl Weight {
    /// The weight of a real server that names none.
    pub const DEFAULT: Self = Self(1);

    /// A weight.
    pub const fn new(weight: u16) -> Self {
        Self(weight)
    }

    /// The number.
    pub const fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a new connection's real server is chosen; the names are IPVS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheduler {
    /// Round robin: each in turn.
    RoundRobin,
    /// Weighted round robin, interleaved.
    WeightedRoundRobin,
    /// Fewest connections.
    LeastConnection,
    /// Fewest connections relative to weight.
    WeightedLeastConnection,
    /// Shortest expected delay: fewest active connections, the new one included, relative to weight.
    ShortestExpectedDelay,
    /// Never queue: one without active connections if there is, else the shortest expected delay.
    NeverQueue,
    /// Locality-based least connection: each VIP of a mark keeps its real server while that has room.
    LocalityBased,
    /// The same with a set of real servers for each VIP.
    LocalityBasedReplicated,
    /// By a hash of the destination address.
    DestinationHash,
    /// By a hash of the client's address.
    SourceHash(HashFlags),
    /// By a hash of the client's address into a Maglev table.
    MaglevHash(HashFlags),
    /// The heaviest.
    Failover,
    /// The heaviest that has not more active connections than its weight.
    Overflow,
    /// The better of two drawn by weight.
    PowerOfTwo,
}

/// Flags of `sh` and `mh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HashFlags {
    /// `sh-fallback`, `mh-fallback`: clients of a real server that takes no connections go to another one.
    pub fallback: bool,
    /// `sh-port`, `mh-port`: the client's port counts too.
    pub port: bool,
}

impl Scheduler {
    /// Every scheduler (without flags), in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::RoundRobin,
        Self::WeightedRoundRobin,
        Self::LeastConnection,
        Self::WeightedLeastConnection,
        Self::ShortestExpectedDelay,
        Self::NeverQueue,
        Self::LocalityBased,
        Self::LocalityBasedReplicated,
        Self::DestinationHash,
        Self::SourceHash(HashFlags {
            fallback: false,
            port: false,
        }),
        Self::MaglevHash(HashFlags {
            fallback: false,
            port: false,
        }),
        Self::Failover,
        Self::Overflow,
        Self::PowerOfTwo,
    ];

    /// IPVS's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "rr",
            Self::WeightedRoundRobin => "wrr",
            Self::LeastConnection => "lc",
            Self::WeightedLeastConnection => "wlc",
            Self::ShortestExpectedDelay => "sed",
            Self::NeverQueue => "nq",
            Self::LocalityBased => "lblc",
            Self::LocalityBasedReplicated => "lblcr",
            Self::DestinationHash => "dh",
            Self::SourceHash(_) => "sh",
            Self::MaglevHash(_) => "mh",
            Self::Failover => "fo",
            Self::Overflow => "ovf",
            Self::PowerOfTwo => "twos",
        }
    }

    /// The scheduler of that name, without flags.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheduler| scheduler.name() == name)
    }
}
