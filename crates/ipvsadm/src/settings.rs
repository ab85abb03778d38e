//! What a command says of a service and of a real server.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

use dray_model::{Forward, Tunnel};

/// What a command says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The scheduler's name; IPVS may not have one of that name.
    pub scheduler: String,
    /// The scheduler's flags.
    pub flags: SchedulerFlags,
    /// Persistence, in seconds (1 to 2,678,400).
    pub persistent: Option<NonZeroU32>,
    /// Which clients count as one.
    pub netmask: Netmask,
    /// The persistence engine's name; IPVS may not have one of that name.
    pub engine: Option<String>,
    /// One-packet scheduling.
    pub one_packet: bool,
}

/// Which clients count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netmask {
    /// Those that agree under a mask, which may be of any shape.
    Ipv4(Ipv4Addr),
    /// Those that agree in so many bits, 1 to 128.
    Ipv6(u8),
}

impl Netmask {
    /// Each client for itself.
    pub const ALL4: Self = Self::Ipv4(Ipv4Addr::BROADCAST);
    /// Each client for itself.
    pub const ALL6: Self = Self::Ipv6(128);
}

/// A scheduler's flags, as `ipvsadm -b` sets them; each scheduler has its own names for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulerFlags {
    /// `flag-1`, `sh-fallback`, `mh-fallback`.
    pub first: bool,
    /// `flag-2`, `sh-port`, `mh-port`.
    pub second: bool,
    /// `flag-3`.
    pub third: bool,
}

impl SchedulerFlags {
    /// Whether any is set.
    pub const fn any(self) -> bool {
        self.first || self.second || self.third
    }
}

/// What a command says of a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationSettings {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 for that of the packet.
    pub port: u16,
    /// The forwarding method.
    pub method: Method,
    /// Its weight, 0 to 2,147,483,647.
    pub weight: u32,
    /// The upper threshold, 0 for none.
    pub upper: u32,
    /// The lower threshold.
    pub lower: u32,
}

/// IPVS's forwarding methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Direct routing (`ipvsadm -g`).
    DirectRouting,
    /// A tunnel (`-i`).
    Tunnel(Tunnel),
    /// Masquerading (`-m`).
    Nat,
}

impl Method {
    /// Whether packets keep their port, whatever the real server's is.
    pub const fn keeps_port(self) -> bool {
        matches!(self, Self::DirectRouting | Self::Tunnel(_))
    }
}

impl From<Method> for Forward {
    fn from(method: Method) -> Self {
        match method {
            Method::DirectRouting => Self::DirectRouting,
            Method::Tunnel(tunnel) => Self::Tunnel(tunnel),
            Method::Nat => Self::Nat,
        }
    }
}
