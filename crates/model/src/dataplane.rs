//! The port to the data plane: what the control room asks of it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{Action, Actual, LocalAddresses, MarkRule, Policy, ServiceAddress};

/// The data plane. One task owns it; every write goes through here.
///
/// Two implementations: `dray-dataplane` (eBPF maps) and the fake of `dray-testkit`.
pub trait DataPlane: Send {
    /// Reads everything back from the data plane, as after a start.
    ///
    /// # Errors
    /// When what is there cannot be read or makes no sense.
    fn observe(&mut self) -> Result<Actual, DataPlaneError>;

    /// How much it was made for.
    fn room(&self) -> Room;

    /// Carries one step out.
    ///
    /// # Errors
    /// When it cannot be done; nothing was changed then.
    fn apply(&mut self, action: &Action) -> Result<(), DataPlaneError>;

    /// The position that the service's next pick takes: its record's cursor, moved on by packets.
    fn cursor(&self, service: ServiceId) -> u64;

    /// Connections that count towards the destination now.
    fn live(&self, destination: DestinationId) -> Live;

    /// What the destination has had, over all processors.
    fn counters(&self, destination: DestinationId) -> Counters;

    /// How often the service had no destination to give (since its number was taken).
    fn refused(&self, service: ServiceId) -> u64;

    /// Sets how packets and connections are treated from now on.
    fn set_policy(&mut self, policy: &Policy);

    /// Gives packets their marks by these rules from now on, whole, from one packet to the next.
    ///
    /// # Errors
    /// When there are more than [`MAX_MARK_RULES`](crate::MAX_MARK_RULES), or one names an interface that is not in use; nothing was changed then.
    fn set_mark_rules(&mut self, rules: &[MarkRule]) -> Result<(), DataPlaneError>;

    /// Takes FULLNAT's local addresses and ports for connections that begin from now on. Those that have others keep them.
    ///
    /// # Errors
    /// When there are more than 256 of a family; nothing was changed then.
    fn set_local_addresses(&mut self, locals: &LocalAddresses) -> Result<(), DataPlaneError>;

    /// Ends connections whose time is over, over one part in `parts` of the table; the parts follow one
    /// another from call to call.
    fn sweep(&mut self, parts: u32) -> Sweep;

    /// The `drop_entry` defence, to be called once a second while it is on: ends some connections that are half open or
    /// little used, chosen at random as IPVS does. Says how many.
    fn drop_entries(&mut self) -> u64;

    /// Ends the connections that `which` accepts, in one part of the table: counts, templates and translations follow, as when
    /// their time is over. Says how many. A retired template goes with its last connection.
    ///
    /// A packet of a connection that was ended is treated as one of a connection that never was.
    fn end_connections(&mut self, part: Part, which: &dyn Fn(&Connection) -> bool) -> u64;

    /// Makes the templates that `which` accepts unfindable, in one part of the table: those without connections end, the others
    /// are retired. Says how many could be found before.
    fn end_templates(&mut self, part: Part, which: &dyn Fn(&Template) -> bool) -> u64;

    /// Connections in the table, in no order, at most `limit` of those that `keep` accepts.
    fn connections(&self, keep: &dyn Fn(&Connection) -> bool, limit: usize) -> Vec<Connection>;

    /// Persistence templates, in no order, at most `limit`.
    fn templates(&self, limit: usize) -> Vec<Template>;

    /// Every reason to pass or drop a packet, with its count over all processors.
    fn reasons(&self) -> Vec<ReasonCount>;

    /// The interfaces in use and how the program is attached to each.
    fn interfaces(&self) -> Vec<InterfaceStatus>;
}

/// An error of the data plane.
#[derive(Debug, thiserror::Error)]
pub enum DataPlaneError {
    /// A system call failed.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A table is full.
    #[error("no room for {what}: the data plane was made for {room}; {cure}")]
    Full {
        /// What there is no room for.
        what: &'static str,
        /// How much room there is.
        room: u64,
        /// What to do.
        cure: &'static str,
    },
    /// What the data plane holds makes no sense.
    #[error("the data plane's state is damaged: {0}")]
    Damaged(String),
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A service's number in the data plane.
    ServiceId
);
number!(
    /// A destination's number in the data plane, 1 to 16,777,215 (0 is "none").
    DestinationId
);
number!(
    /// A next hop's number in the data plane, from 1 (0 is "none").
    HopId
);

/// How many of each a data plane was made for: their numbers go from 1 to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Virtual services.
    pub services: u32,
    /// Destinations.
    pub destinations: u32,
    /// Next hops.
    pub hops: u32,
}

/// A scheduling record: the words that packets read to choose a destination. `dray-sched` makes and
/// reads them; to everybody else they are opaque.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub Vec<u64>);

/// Connections that count towards a destination now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Connections in an active state (IPVS's ActiveConn).
    pub active: u32,
    /// All others (IPVS's InActConn).
    pub inactive: u32,
    /// Persistence templates (IPVS's PersistConn).
    pub persistent: u32,
    /// Whether its upper threshold was reached: it gets no new connections.
    pub overloaded: bool,
}

impl Live {
    /// All of them.
    pub const fn total(self) -> u32 {
        self.active.saturating_add(self.inactive)
    }
}

/// What a destination has had. With direct routing, replies are counted only if the director routes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections given to it.
    pub connections: u64,
    /// Packets forwarded to it.
    pub packets: u64,
    /// Bytes of those packets, from the IP header on (as IPVS counts them).
    pub bytes: u64,
    /// Packets of replies.
    pub reply_packets: u64,
    /// Bytes of those.
    pub reply_bytes: u64,
}

/// How long a connection lasts without packets, by state. The defaults are IPVS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP ESTABLISHED: 900 s.
    pub tcp: Duration,
    /// TCP FIN_WAIT: 120 s.
    pub tcp_fin: Duration,
    /// UDP: 300 s.
    pub udp: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp: Duration::from_secs(900),
            tcp_fin: Duration::from_secs(120),
            udp: Duration::from_secs(300),
        }
    }
}

/// What one sweep found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Connections in the part looked at that go on.
    pub alive: u64,
    /// Connections ended.
    pub ended: u64,
    /// Of those that go on, how many have their addresses changed (NAT, FULLNAT).
    pub translated: u64,
}

/// One of the parts of about the same size in which a table is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which one, 0 to `of` - 1. One that is not there is empty.
    pub number: u32,
    /// How many there are, from 1 on.
    pub of: u32,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// All parts, in order, when there are so many.
    pub fn all(of: u32) -> impl Iterator<Item = Self> {
        (0..of).map(move |number| Self { number, of })
    }
}

/// One persistence template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Protocol number; 0 for a mark's.
    pub protocol: u8,
    /// The client's network: its address under the service's mask.
    pub client: IpAddr,
    /// The VIP, or the mark as an IPv4 address.
    pub vip: IpAddr,
    /// The virtual port; 0 when the template is for every port, 65535 when nobody may find it any more.
    pub port: u16,
    /// The destination that it gives.
    pub destination: DestinationId,
    /// IPVS's name of its state: `NONE` or `ASSURED`.
    pub state: &'static str,
    /// Time left without new connections.
    pub expires: Duration,
    /// Its connections.
    pub children: u32,
}

/// One connection of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The service's address.
    pub service: ServiceAddress,
    /// The client.
    pub client: SocketAddr,
    /// The destination.
    pub destination: DestinationId,
    /// FULLNAT: the address and port of the director's that the real server sees.
    pub local: Option<SocketAddr>,
    /// State, in IPVS's names (`ESTABLISHED`, `UDP`, …).
    pub state: &'static str,
    /// Time until it ends if no packet comes.
    pub expires: Duration,
    /// Time since its first packet.
    pub age: Duration,
}

/// A reason to pass or drop a packet or to forward it in an unusual way, and how often it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// Its name, as in the documentation.
    pub name: &'static str,
    /// What becomes of such a packet.
    pub verdict: Verdict,
    /// One sentence on what it means.
    pub meaning: &'static str,
    /// How many packets.
    pub packets: u64,
}

/// What becomes of a packet that is counted under a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host's own network stack gets it.
    Pass,
    /// It is gone.
    Drop,
    /// It is forwarded all the same.
    Forward,
}

/// How XDP runs on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// In the kernel's generic receive path, because the driver cannot (slower).
    Generic,
}

/// An interface in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// How the program runs there.
    pub mode: XdpMode,
}
