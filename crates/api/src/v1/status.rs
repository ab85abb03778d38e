//! `GET /v1/status`: what the director does at the moment.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a director does at the moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version, as `dray --version` prints it.
    pub version: String,
    /// The version of the layouts that daemon and data plane share.
    pub abi: u32,
    /// The configuration file in force.
    pub config: String,
    /// Why the director does not yet do what the configuration says (each a sentence); empty when it does.
    pub problems: Vec<String>,
    /// Interfaces that the data plane is attached to.
    pub interfaces: Vec<Interface>,
    /// How full the data plane's tables are.
    pub tables: Vec<Table>,
    /// Virtual services in the order of the file.
    pub services: Vec<Service>,
    /// Every reason to pass or drop a packet, with its count.
    pub reasons: Vec<Reason>,
}

/// An interface that the data plane is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// How XDP runs there.
    pub xdp: XdpMode,
}

/// How XDP runs on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the kernel's generic receive path, which is slower: the driver has no XDP.
    Generic,
}

/// How full one table of the data plane is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it holds.
    pub name: String,
    /// Entries in use.
    pub used: u64,
    /// Entries that there is room for.
    pub room: u64,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The operator's name for it.
    pub name: String,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The VIP.
    pub vip: IpAddr,
    /// Port, 1 to 65535.
    pub port: u16,
    /// IPVS's name of the scheduler (`wrr`, …).
    pub scheduler: String,
    /// IPVS's name of the forwarding method (`dr`).
    pub forward: String,
    /// What its destinations have had, together.
    pub traffic: Traffic,
    /// New connections for which there was no eligible destination.
    pub refused: u64,
    /// Its destinations in the order of the file, then those that are leaving.
    pub destinations: Vec<Destination>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl From<dray_model::Protocol> for Protocol {
    fn from(protocol: dray_model::Protocol) -> Self {
        match protocol {
            dray_model::Protocol::Tcp => Self::Tcp,
            dray_model::Protocol::Udp => Self::Udp,
        }
    }
}

/// One real server inside one virtual service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// The real server's address.
    pub real: IpAddr,
    /// Its weight, 0 to 65,535.
    pub weight: u16,
    /// Whether it gets new connections.
    pub state: DestinationState,
    /// Why it gets none, as a sentence; none when it gets some.
    pub why: Option<String>,
    /// Where its packets go; none while its neighbour is not known.
    pub next_hop: Option<NextHop>,
    /// What it has had.
    pub traffic: Traffic,
}

/// Whether a destination gets new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DestinationState {
    /// It gets new connections.
    Eligible,
    /// Its neighbour is not known: it gets none.
    Unresolved,
    /// Its weight is 0: it keeps the connections that it has.
    Quiesced,
    /// It is no longer in the configuration and keeps the connections that it has until they end.
    Leaving,
}

impl DestinationState {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Unresolved => "unresolved",
            Self::Quiesced => "quiesced",
            Self::Leaving => "leaving",
        }
    }
}

/// Where a destination's packets leave and what Ethernet header they get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextHop {
    /// The interface that they leave by (the kernel's number).
    pub interface: u32,
    /// VLAN identifier, 1 to 4094, or none.
    pub vlan: Option<u16>,
    /// The neighbour's Ethernet address, six hexadecimal bytes with colons.
    pub mac: String,
}

/// Connections, packets and bytes; client to server only, as direct routing sees no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Connections in an active state now (IPVS's ActiveConn).
    pub active: u64,
    /// All other connections now (IPVS's InActConn).
    pub inactive: u64,
    /// Connections given to it.
    pub connections: u64,
    /// Packets forwarded to it.
    pub packets: u64,
    /// Bytes of those packets, from the IP header on.
    pub bytes: u64,
    /// How fast the three numbers above grow.
    pub rates: Rates,
}

/// How fast counters grow, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Connections per second.
    pub connections: f64,
    /// Packets per second.
    pub packets: f64,
    /// Bytes per second.
    pub bytes: f64,
}

/// A reason to pass or drop a packet, and how often it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Its name, as in the documentation.
    pub name: String,
    /// What happens to such a packet.
    pub verdict: Verdict,
    /// One sentence on what it means.
    pub meaning: String,
    /// How many packets.
    pub packets: u64,
}

/// What happens to a packet that is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The host's own network stack gets it.
    Pass,
    /// It is gone.
    Drop,
}
