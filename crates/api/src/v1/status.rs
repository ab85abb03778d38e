//! `GET /v1/status`: what the director does at the moment.

use std::{net::IpAddr, num::NonZeroU32};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConfigurationStatus, Forward, ServiceIdentity};

/// What a director does at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The version of the layouts that daemon and data plane share.
    pub abi: u32,
    /// The configuration file in force.
    pub config: String,
    /// Where the configuration comes from, and what was edited since.
    pub configuration: ConfigurationStatus,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Director {
    /// Interfaces that the data plane is attached to.
    pub interfaces: Vec<Interface>,
    /// How full the connection table is.
    pub connection_table: ConnectionTable,
    /// How full the table of translations is.
    pub translation_table: TranslationTable,
    /// Where FULLNAT's packets come from.
    pub local_addresses: LocalAddresses,
    /// How long connections last without packets.
    pub timeouts: Timeouts,
    /// Defences against floods that are on.
    pub defences: Defences,
    /// What becomes of packets of removed real servers' connections.
    pub removed: Removed,
    /// VIPs, and local addresses of FULLNAT, that the director has put on an interface and will take off again.
    pub vips: Vec<AddedVip>,
}

/// An interface that the data plane is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// How XDP runs there.
    pub xdp: XdpMode,
}

/// How XDP runs on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the kernel's generic receive path, which is slower: the driver has no XDP.
    Generic,
}

/// How full the connection table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTable {
    /// Connections in it, IPv4 and IPv6 together. Counted every few seconds.
    pub connections: u64,
    /// Connections that there is room for, in IPv4 and again in IPv6.
    pub room_per_family: u64,
}

/// How full the table of translations is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TranslationTable {
    /// Connections of NAT and FULLNAT, IPv4 and IPv6 together. Counted every few seconds.
    pub connections: u64,
    /// Such connections that there is room for.
    pub room: u64,
}

/// Where FULLNAT's packets come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalAddresses {
    /// The director's addresses, of either family; without any, no real server is reached by FULLNAT.
    #[schema(value_type = Vec<String>)]
    pub addresses: Vec<IpAddr>,
    /// The first of the ports.
    pub first_port: u16,
    /// The last of them.
    pub last_port: u16,
}

/// How long connections last without packets, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timeouts {
    /// TCP, established.
    pub tcp_milliseconds: u64,
    /// TCP after a FIN.
    pub tcp_fin_milliseconds: u64,
    /// UDP.
    pub udp_milliseconds: u64,
}

/// Defences against floods that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Defences {
    /// `drop_packet`: of the packets that would be scheduled, each so-manieth is dropped; none when it is off.
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub drop_rate: Option<NonZeroU32>,
    /// `drop_entry`: once a second some connections are ended that are half open or little used.
    pub drop_entry: bool,
    /// `secure_tcp`: a connection is not taken for established before a reply was seen.
    pub secure_tcp: bool,
}

/// What becomes of packets of removed real servers' connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Removed {
    /// They go on to the real server until the connection ends.
    #[default]
    Finish,
    /// They are dropped.
    Drop,
}

/// A VIP, or a local address of FULLNAT, that the director has put on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedVip {
    /// The interface's name.
    pub interface: String,
    /// The address.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub vip: IpAddr,
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// The operator's name for it.
    pub name: String,
    /// Protocol, VIP and port, or a mark.
    #[serde(flatten)]
    pub identity: ServiceIdentity,
    /// IPVS's name of the scheduler (`wrr`, …).
    pub scheduler: String,
    /// The scheduler's flags by IPVS's names (`sh-fallback`, `mh-port`, …).
    pub scheduler_flags: Vec<String>,
    /// How clients are kept on their real servers; none when they are not.
    pub persistence: Option<Persistence>,
    /// One-packet scheduling: every datagram is scheduled anew and leaves no connection.
    pub one_packet: bool,
    /// How real servers are reached that name no method of their own.
    #[serde(flatten)]
    pub forward: Forward,
    /// The kind of the TCP option that tells FULLNAT's real servers the client's address; none when it is hidden.
    pub toa_option: Option<u8>,
    /// The largest TCP segment that SYNs may ask for, in bytes; none when that is left to them.
    pub mss: Option<u16>,
    /// How often it had no destination to give.
    pub refused: u64,
    /// What its destinations have had together, those that are gone among them.
    pub traffic: Traffic,
    /// Its destinations in the order of the file, then those that are leaving.
    pub destinations: Vec<Destination>,
}

/// How clients are kept on their real servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Persistence {
    /// How long a client is remembered after its latest new connection, in seconds.
    pub timeout_seconds: u32,
    /// Which clients count as one: `255.255.255.255` for IPv4 or a prefix length for IPv6 (`128`), when each is one
    /// for itself.
    pub mask: String,
    /// IPVS's name of the persistence engine (`sip`); none for the client's address alone.
    pub engine: Option<String>,
}

/// A service that was removed while it had connections: they go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeavingService {
    /// Protocol, VIP and port, or a mark.
    #[serde(flatten)]
    pub identity: ServiceIdentity,
    /// The destinations that its connections are on.
    pub destinations: Vec<Destination>,
}

/// One real server inside one virtual service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Destination {
    /// The real server's address.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub real: IpAddr,
    /// The port that packets reach it at; 0 for that of the connection.
    pub port: u16,
    /// How packets reach it.
    #[serde(flatten)]
    pub forward: Forward,
    /// Its weight, 0 to 65,535.
    pub weight: u16,
    /// From this many connections on it is overloaded; 0 for no limit.
    pub upper_threshold: u32,
    /// Below this many it is so no longer; 0 for three quarters of the upper threshold.
    pub lower_threshold: u32,
    /// Whether it gets new connections.
    pub standing: Standing,
    /// Why it is not eligible, as a sentence; none otherwise.
    pub why: Option<String>,
    /// Where its packets go; none while the way has never been known, and when it is local.
    pub next_hop: Option<NextHop>,
    /// The gateway that it is behind, by what is known now.
    #[schema(value_type = Option<String>, example = "10.77.0.11")]
    pub gateway: Option<IpAddr>,
    /// Whether it is the director itself: its packets go to the host's stack.
    pub local: bool,
    /// What it has had.
    pub traffic: Traffic,
}

/// Whether a destination gets new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It gets its share of new connections.
    Eligible,
    /// Its weight is 0: it keeps the connections that it has.
    Quiesced,
    /// Its upper threshold was reached: it gets none until enough of the connections that it has have ended.
    Overloaded,
    /// It gets none for another reason, which stands beside it.
    NotEligible,
    /// It is no longer in the configuration and is kept until its connections and templates end.
    Leaving,
}

/// Where a destination's packets leave and what Ethernet header they get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextHop {
    /// The interface that they leave by (the kernel's number).
    pub interface: u32,
    /// VLAN identifier, 1 to 4094, or none.
    pub vlan: Option<u16>,
    /// The neighbour's Ethernet address, six hexadecimal bytes with colons.
    pub mac: String,
    /// The largest packet of a client's that fits, in bytes: what a tunnel adds is taken off.
    pub mtu: u32,
    /// Where its tunnel comes from; none with other methods.
    pub tunnel_source: Option<TunnelSource>,
}

/// Where a tunnel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TunnelSource {
    /// The outer source; the lowest of them when some of its bits vary.
    #[schema(value_type = String, example = "10.77.0.11")]
    pub address: IpAddr,
    /// How many of its low bits vary by flow, 0 to 16.
    pub spread: u8,
}

/// Connections, packets and bytes. With direct routing and tunnels, replies are seen only if the director routes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Traffic {
    /// Connections in an active state now (IPVS's ActiveConn).
    pub active: u32,
    /// All other connections now (IPVS's InActConn).
    pub inactive: u32,
    /// Persistence templates now (IPVS's PersistConn).
    pub persistent: u32,
    /// Connections so far.
    pub connections: u64,
    /// Clients' packets so far.
    pub packets: u64,
    /// Bytes of those packets, from the IP header on.
    pub bytes: u64,
    /// Packets of replies so far.
    pub reply_packets: u64,
    /// Bytes of those packets.
    pub reply_bytes: u64,
    /// The same since somebody last zeroed the counters (`POST /v1/zero`, `ipvsadm -Z`) in this run of the daemon, or so far.
    #[serde(default)]
    pub since_zeroed: Counts,
    /// How fast these grow, as IPVS estimates it.
    pub per_second: Rates,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Connections.
    pub connections: u64,
    /// Clients' packets.
    pub packets: u64,
    /// Bytes of those packets, from the IP header on.
    pub bytes: u64,
    /// Packets of replies.
    pub reply_packets: u64,
    /// Bytes of those packets.
    pub reply_bytes: u64,
}

/// How fast counters grow, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rates {
    /// Connections per second.
    pub connections: u64,
    /// Packets per second.
    pub packets: u64,
    /// Bytes of those packets per second.
    pub bytes: u64,
    /// Packets of replies per second.
    #[serde(default)]
    pub reply_packets: u64,
    /// Bytes of those packets per second.
    #[serde(default)]
    pub reply_bytes: u64,
}

/// A reason to pass or drop a packet or to forward it in an unusual way, and how often it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The host's own network stack gets it.
    Pass,
    /// It is gone.
    Drop,
    /// It is forwarded all the same.
    Forward,
}
