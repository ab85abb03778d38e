//! `GET /v1/status`: what the director does at the moment.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a director does at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The version of the layouts that daemon and data plane share.
    pub abi: u32,
    /// The configuration file in force.
    pub config: String,
    /// Why the director does not yet do all that the configuration says, each a sentence; empty when it
    /// does.
    pub problems: Vec<String>,
    /// The director as a whole.
    pub director: Director,
    /// Virtual services in the order of the file.
    pub services: Vec<Service>,
    /// Services that are no longer in the configuration and have connections left.
    pub leaving: Vec<LeavingService>,
    /// Every reason to pass or drop a packet or to forward it in an unusual way, with its count.
    pub reasons: Vec<Reason>,
}

/// The director as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Director {
    /// Interfaces that the data plane is attached to.
    pub interfaces: Vec<Interface>,
    /// How full the connection table is.
    pub connection_table: ConnectionTable,
    /// How long connections last without packets.
    pub timeouts: Timeouts,
    /// VIPs that the director has put on an interface and will take off again.
    pub vips: Vec<AddedVip>,
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

/// How full the connection table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTable {
    /// Connections in it, IPv4 and IPv6 together. Counted every few seconds.
    pub connections: u64,
    /// Connections that there is room for, in IPv4 and again in IPv6.
    pub room_per_family: u64,
}

/// How long connections last without packets, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// TCP, established.
    pub tcp_milliseconds: u64,
    /// TCP after a FIN.
    pub tcp_fin_milliseconds: u64,
    /// UDP.
    pub udp_milliseconds: u64,
}

/// A VIP that the director has put on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedVip {
    /// The interface's name.
    pub interface: String,
    /// The VIP.
    pub vip: IpAddr,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The operator's name for it.
    pub name: String,
    /// Protocol, VIP and port.
    #[serde(flatten)]
    pub address: ServiceAddress,
    /// IPVS's name of the scheduler (`wrr`, …).
    pub scheduler: String,
    /// IPVS's name of the forwarding method (`dr`).
    pub forward: String,
    /// How often it had no destination to give.
    pub refused: u64,
    /// What its destinations have had together, those that are gone among them.
    pub traffic: Traffic,
    /// Its destinations in the order of the file, then those that are leaving.
    pub destinations: Vec<Destination>,
}

/// What identifies a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAddress {
    /// Transport protocol.
    pub protocol: Protocol,
    /// The VIP.
    pub vip: IpAddr,
    /// Port, 1 to 65535.
    pub port: u16,
}

impl From<dray_model::ServiceAddress> for ServiceAddress {
    fn from(address: dray_model::ServiceAddress) -> Self {
        let dray_model::ServiceAddress {
            protocol,
            vip,
            port,
        } = address;
        Self {
            protocol: protocol.into(),
            vip,
            port,
        }
    }
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

/// A service that was removed while it had connections: they go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeavingService {
    /// Protocol, VIP and port.
    #[serde(flatten)]
    pub address: ServiceAddress,
    /// The destinations that its connections are on.
    pub destinations: Vec<Destination>,
}

/// One real server inside one virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The real server's address.
    pub real: IpAddr,
    /// Its weight, 0 to 65,535.
    pub weight: u16,
    /// Whether it gets new connections.
    pub standing: Standing,
    /// Why it is not eligible, as a sentence; none otherwise.
    pub why: Option<String>,
    /// Where its packets go; none while its neighbour has never been known.
    pub next_hop: Option<NextHop>,
    /// What it has had.
    pub traffic: Traffic,
}

/// Whether a destination gets new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It gets its share of new connections.
    Eligible,
    /// Its weight is 0: it keeps the connections that it has.
    Quiesced,
    /// It gets none for another reason, which stands beside it.
    NotEligible,
    /// It is no longer in the configuration and keeps the connections that it has until they end.
    Leaving,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Connections in an active state now (IPVS's ActiveConn).
    pub active: u32,
    /// All other connections now (IPVS's InActConn).
    pub inactive: u32,
    /// Connections so far.
    pub connections: u64,
    /// Packets so far.
    pub packets: u64,
    /// Bytes of those packets, from the IP header on.
    pub bytes: u64,
    /// How fast the three numbers above grow, as IPVS estimates it.
    pub per_second: Rates,
}

/// How fast counters grow, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Connections per second.
    pub connections: u64,
    /// Packets per second.
    pub packets: u64,
    /// Bytes per second.
    pub bytes: u64,
}

/// A reason to pass or drop a packet or to forward it in an unusual way, and how often it was given.
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

/// What happens to a packet that is counted under a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The host's own network stack gets it.
    Pass,
    /// It is gone.
    Drop,
    /// It is forwarded all the same.
    Forward,
}
