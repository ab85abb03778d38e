//! What a virtual service and its real servers may ask for beyond a scheduler.

use std::{net::Ipv4Addr, num::NonZeroU32};

/// How a service treats clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceOptions {
    /// Whether a client's connections go to the real server of its earlier ones.
    pub persistence: Option<Persistence>,
    /// One-packet scheduling: every datagram is scheduled anew and leaves no connection. UDP only.
    pub one_packet: bool,
}

/// Persistence: IPVS's templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// How long a client is remembered after its latest new connection, in seconds (1 to 2,678,400).
    pub timeout: NonZeroU32,
    /// Which clients count as one.
    pub granularity: Granularity,
    /// What tells sessions apart beside the client's address.
    pub engine: Option<PersistenceEngine>,
}

/// Which clients count as one: those whose addresses are equal under this mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// A mask, of any shape; 255.255.255.255 takes each client for itself.
    Ipv4(Ipv4Addr),
    /// A prefix length, 1 to 128.
    Ipv6(u8),
}

/// What tells sessions apart beside the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersistenceEngine {
    /// The Call-ID of SIP over UDP (RFC 3261).
    Sip,
}

/// Numbers of connections (active and inactive together) beyond which a destination gets no new ones; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// From this many on it counts as overloaded.
    pub upper: u32,
    /// Below this many it does no longer; with 0, below three quarters of `upper`. Not above `upper`.
    pub lower: u32,
}
