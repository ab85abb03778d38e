//! What readers get: plain values, made at the moment of the question. How they are written down is the
//! API's matter.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
    time::Duration,
};

use dray_model::{
    ClientAddress, Counters, DestinationId, Family, Forward, Hop, InterfaceStatus, Live,
    LocalAddresses, ReasonCount, Removed, Scheduler, ServiceAddress, ServiceIdentity, ServiceName,
    ServiceOptions, Thresholds, Timeouts, Unresolved, Weight, document::Endpoint,
};

use crate::{defence::Defences, rates::Rates};

/// What the director does at the moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The director as a whole.
    pub director: DirectorStatus,
    /// Virtual services, in the order of the configuration.
    pub services: Vec<ServiceStatus>,
    /// Services that were removed and have connections left, by address.
    pub leaving: Vec<LeavingService>,
    /// Every reason to pass or drop a packet, with its count over all processors.
    pub reasons: Vec<ReasonCount>,
    /// Why the director does not yet do all that the configuration says, and what it has run out of, each a sentence for
    /// people; empty when all is well.
    pub problems: Vec<String>,
}

/// The director as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorStatus {
    /// Interfaces in use and how the program runs on each.
    pub interfaces: Vec<InterfaceStatus>,
    /// The connection table.
    pub table: TableStatus,
    /// How long connections last without packets.
    pub timeouts: Timeouts,
    /// Defences that are on.
    pub defences: Defences,
    /// What becomes of packets of removed real servers' connections.
    pub removed: Removed,
    /// Where FULLNAT's packets come from.
    pub fullnat: LocalAddresses,
    /// VIPs, and FULLNAT's local addresses, that the director has put on an interface.
    pub vips: Vec<AddedVip>,
}

/// How full the connection table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStatus {
    /// Connections in it, of both address families together, as the last round of sweeps found them (a
    /// round takes about 4 s).
    pub connections: u64,
    /// Connections that there is room for, in each address family.
    pub room: u64,
    /// Connections among them whose addresses are changed (NAT, FULLNAT).
    pub translated: u64,
    /// Such connections that there is room for, in both address families together.
    pub translated_room: u64,
}

/// A VIP, or a local address of FULLNAT's, that the director has put on an interface, and may therefore take off again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddedVip {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub vip: IpAddr,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceStatus {
    /// The operator's name for it.
    pub name: ServiceName,
    /// Protocol, VIP and port, or a mark.
    pub identity: ServiceIdentity,
    /// How a new connection's real server is chosen.
    pub scheduler: Scheduler,
    /// How it treats clients.
    pub options: ServiceOptions,
    /// How packets reach the real servers that name no method of their own.
    pub forward: Forward,
    /// What FULLNAT's real servers are told of the client.
    pub client_address: ClientAddress,
    /// The largest TCP segment that SYNs may ask for, in bytes.
    pub mss: Option<NonZeroU16>,
    /// How often it had no destination to give.
    pub refused: u64,
    /// What its destinations have had together, those that are gone among them.
    pub traffic: Traffic,
    /// Its destinations in the order of the configuration, then those that are leaving.
    pub destinations: Vec<DestinationStatus>,
}

/// A service that was removed while it had connections: they go on.
#[derive(Clone, Debug, PartialEq)]
pub struct LeavingService {
    /// Protocol, VIP and port, or a mark.
    pub identity: ServiceIdentity,
    /// The destinations that its connections are on.
    pub destinations: Vec<DestinationStatus>,
}

/// One real server inside one virtual service.
#[derive(Clone, Debug, PartialEq)]
pub struct DestinationStatus {
    /// Its number in the data plane; none when the data plane does not have it (see the problems).
    pub id: Option<DestinationId>,
    /// The real server's address.
    pub real: IpAddr,
    /// Its port; 0 for that of the connection.
    pub port: u16,
    /// How packets reach it.
    pub forward: Forward,
    /// Its weight; 0 when it is leaving.
    pub weight: Weight,
    /// Beyond which numbers of connections it gets no new ones.
    pub thresholds: Thresholds,
    /// Whether it gets new connections.
    pub standing: Standing,
    /// Where its packets go and what becomes of them before; none while the way has never been known, and when it is
    /// local.
    pub hop: Option<Hop>,
    /// The gateway that it is behind, by what is known now.
    pub gateway: Option<IpAddr>,
    /// Whether it is the director itself: its packets go to the host's stack.
    pub local: bool,
    /// What it has had.
    pub traffic: Traffic,
}

/// Whether a destination gets new connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets its share of new connections.
    Eligible,
    /// Its weight is 0: it keeps the connections that it has.
    Quiesced,
    /// Its upper threshold was reached: it gets none until enough of those that it has have ended.
    Overloaded,
    /// It gets none, and why. Connections that it has are still sent to its last next hop.
    NotEligible(Ineligible),
    /// It is no longer in the configuration and is kept until its connections and templates end.
    Leaving,
}

/// Why a destination gets no new connections.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ineligible {
    /// Nothing is known of the way to it yet.
    #[error("the way to it is not known yet")]
    Unknown,
    /// The way to it is not known, and why.
    #[error(transparent)]
    Unresolved(Unresolved),
    /// The way leads out by an interface that the director does not use.
    #[error(
        "it is reached by interface {interface} (the kernel's number), which is not one of the \
         director's; add it to `director.interfaces`"
    )]
    ForeignInterface {
        /// The kernel's number of the interface.
        interface: u32,
    },
    /// Direct routing: it is not on a network of the director's.
    #[error(
        "it is behind the gateway {gateway}; direct routing needs it on a network of the director (use tun or \
         fullnat)"
    )]
    BehindGateway {
        /// The gateway.
        gateway: IpAddr,
    },
    /// NAT and FULLNAT: it is the director itself.
    #[error(
        "it is the director itself, whose replies {method} would not see (use dr or tun, which leave the packets to \
         its host)"
    )]
    Translated {
        /// The method's name.
        method: &'static str,
    },
    /// A tunnel has no outer source.
    #[error(
        "the host has no {} address that a tunnel to it could come from; give it one, or name one in \
         `[director.tunnel]`",
        name(*family)
    )]
    NoTunnelSource {
        /// The family of the real server.
        family: Family,
    },
    /// A tunnel leaves too little of the MTU.
    #[error(
        "packets of {mtu} bytes fit on the way to it, of which its tunnel leaves {left} for a client's, who may send \
         {least}; raise the MTU of the interface or the route"
    )]
    TunnelTooNarrow {
        /// The largest packet that fits, in bytes.
        mtu: u32,
        /// The largest packet of a client's that fits, in bytes.
        left: u32,
        /// What must fit of the clients' family, in bytes (RFC 791, RFC 8200).
        least: u32,
    },
    /// The last change could not be carried out (see the problems).
    #[error("the data plane could not be brought up to date")]
    NotApplied,
}

const fn name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// Connections, packets and bytes. With direct routing and tunnels, replies are seen only if the director routes them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Connections now.
    pub live: Live,
    /// Everything so far. It never goes back while the real server stays.
    pub counters: Counters,
    /// What of it had been counted when somebody last [zeroed](crate::Handle::zero) the counters, in this run of the daemon.
    pub zeroed: Counters,
    /// How fast the counters grow.
    pub rates: Rates,
}

/// Which connections to list: those that every given filter accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// Clients in this network: its address and the length of its prefix in bits.
    pub client: Option<(IpAddr, u8)>,
    /// The service of this name.
    pub service: Option<ServiceName>,
    /// This real server.
    pub real: Option<IpAddr>,
    /// This state, in IPVS's names; upper and lower case are the same.
    pub state: Option<String>,
}

/// A real server, in all services or in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealName {
    /// In the service of this name; none for in all, those among them that were removed and have connections left.
    pub service: Option<ServiceName>,
    /// Its name. Without a port it is, in each service, the one at the service's port.
    pub real: Endpoint,
}

impl RealName {
    /// The real server of that name in one service.
    pub fn within(service: &ServiceName, real: Endpoint) -> Self {
        Self {
            service: Some(service.clone()),
            real,
        }
    }
}

/// What counts towards real servers now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RealLive {
    /// In how many places they are: one for each of them in each service, those among them that they are leaving.
    pub destinations: usize,
    /// Connections in an active state.
    pub active: u64,
    /// All other connections.
    pub inactive: u64,
    /// Persistence templates.
    pub templates: u64,
}

impl RealLive {
    /// Whether nothing keeps a client with them.
    pub const fn is_idle(&self) -> bool {
        self.active == 0 && self.inactive == 0 && self.templates == 0
    }
}

/// What was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Connections that are no more.
    pub connections: u64,
    /// Templates that nobody finds any more.
    pub templates: u64,
}

/// Connections of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// The connections, in no order.
    pub list: Vec<ConnectionStatus>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// One connection of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStatus {
    /// What the client asks: protocol, VIP and port.
    pub address: ServiceAddress,
    /// Name of the service that gave it its real server; none when it is no longer in the configuration.
    pub service: Option<ServiceName>,
    /// The client.
    pub client: SocketAddr,
    /// The real server and the port that its packets are for; none when its destination ended at this very moment.
    pub real: Option<SocketAddr>,
    /// How packets reach the real server; none together with it.
    pub forward: Option<Forward>,
    /// FULLNAT: the address and port of the director's that the real server sees.
    pub local: Option<SocketAddr>,
    /// State, in IPVS's names (`ESTABLISHED`, `UDP`, …).
    pub state: &'static str,
    /// Time until it ends if no packet comes.
    pub expires: Duration,
    /// Time since its first packet.
    pub age: Duration,
}

/// Persistence templates: which real server a client's next connection gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// The templates, in no order.
    pub list: Vec<TemplateStatus>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// One persistence template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateStatus {
    /// The client's network: its address under the service's mask.
    pub client: IpAddr,
    /// What the client's connections are to: port 0 when the template is for every port.
    pub to: ServiceIdentity,
    /// Name of the service that it belongs to; none when it is no longer in the configuration.
    pub service: Option<ServiceName>,
    /// The real server; none when its destination ended at this very moment.
    pub real: Option<IpAddr>,
    /// State, in IPVS's names (`NONE`, `ASSURED`).
    pub state: &'static str,
    /// Time until it ends if the client opens no connection.
    pub expires: Duration,
    /// Its connections.
    pub connections: u32,
}

/// What a new desired state changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Services in the desired state.
    pub services: usize,
    /// Real servers in it, counted once in each service.
    pub reals: usize,
    /// Services that are new.
    pub services_added: usize,
    /// Services that have another name, scheduler, option, or set of real servers than before.
    pub services_changed: usize,
    /// Services that are gone.
    pub services_removed: usize,
    /// Writes to the data plane that this took.
    pub steps: usize,
    /// What could not be done yet and is tried again by itself, each a sentence for people.
    pub problems: Vec<String>,
}
