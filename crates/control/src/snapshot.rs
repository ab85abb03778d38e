//! What readers get: plain values, made at the moment of the question. How they are written down is the
//! API's matter.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use dray_model::{
    Counters, DestinationId, Forward, InterfaceStatus, Live, NextHop, ReasonCount, Removed,
    Scheduler, ServiceAddress, ServiceIdentity, ServiceName, ServiceOptions, Thresholds, Timeouts,
    Unresolved, Weight,
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
    /// Why the director does not yet do all that the configuration says, each a sentence for people;
    /// empty when it does.
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
    /// VIPs that the director has put on an interface.
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
}

/// A VIP that the director has put on an interface, and may therefore take off again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddedVip {
    /// The interface's name.
    pub interface: String,
    /// The VIP.
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
    /// How packets reach the real servers.
    pub forward: Forward,
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
    /// Its weight; 0 when it is leaving.
    pub weight: Weight,
    /// Beyond which numbers of connections it gets no new ones.
    pub thresholds: Thresholds,
    /// Whether it gets new connections.
    pub standing: Standing,
    /// Where its packets go; none while its neighbour has never been known, and when it is local.
    pub hop: Option<NextHop>,
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
    /// The last change could not be carried out (see the problems).
    #[error("the data plane could not be brought up to date")]
    NotApplied,
}

/// Connections, packets and bytes. With direct routing, replies are seen only if the director routes them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Connections now.
    pub live: Live,
    /// Everything so far.
    pub counters: Counters,
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
    /// The real server; none when its destination ended at this very moment.
    pub real: Option<IpAddr>,
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
