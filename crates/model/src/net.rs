//! The port to the host's network: addresses and neighbours.

use std::{collections::BTreeSet, fmt, future::Future, net::IpAddr};

use crate::Mac;

/// The host's network, as far as a director needs it. Two implementations: `dray-net` (netlink) and the
/// fake of `dray-testkit`.
///
/// Facts flow the other way: an implementation reports [`Resolutions`](crate::Resolutions) of all followed addresses, anew
/// whenever one of them changes.
pub trait Net: Send + Sync {
    /// Follows these addresses too, from now on.
    fn follow(&self, addresses: BTreeSet<IpAddr>);

    /// Follows these addresses no more.
    fn unfollow(&self, addresses: BTreeSet<IpAddr>);

    /// Puts a VIP on an interface, as /32 or /128. Says whether it was added (not there before).
    fn add_vip(
        &self,
        interface: &str,
        vip: IpAddr,
    ) -> impl Future<Output = Result<bool, NetError>> + Send;

    /// Takes a VIP off an interface; no error if it is not there.
    fn remove_vip(
        &self,
        interface: &str,
        vip: IpAddr,
    ) -> impl Future<Output = Result<(), NetError>> + Send;
}

/// An error of the host's network.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}")]
pub struct NetError {
    /// What was tried, with its address and interface.
    pub what: String,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where packets for an address leave and what Ethernet header they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHop {
    /// The interface that frames leave by (the kernel's number; of a VLAN interface, its parent's).
    pub interface: u32,
    /// VLAN identifier of the frames, 1 to 4094, or none.
    pub vlan: Option<u16>,
    /// Source: the interface's own address.
    pub source: Mac,
    /// Destination: the neighbour's address.
    pub destination: Mac,
    /// The largest IP packet that fits, in bytes: the route's MTU, or the interface's.
    pub mtu: u32,
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by interface {}", self.destination, self.interface)?;
        self.vlan.map_or(Ok(()), |vlan| write!(f, " VLAN {vlan}"))
    }
}

/// The way to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Way {
    /// Where its packets leave.
    pub next: NextHop,
    /// The gateway that it is behind; `None` when it is on a network of the host's.
    pub gateway: Option<IpAddr>,
    /// The address that the host's own packets to it would have; `None` when it has none of that family there.
    pub source: Option<IpAddr>,
    /// The prefix length of the network that the host shares with it, 1 to 128; `None` behind a gateway.
    pub shared: Option<u8>,
}

/// What is known of the way to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Its neighbour, or its gateway's, is known.
    Resolved(Way),
    /// It is not, and why.
    Unresolved(Unresolved),
}

/// Why the way to an address is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// The kernel is asking for its Ethernet address.
    #[error("waiting for an answer to ARP or neighbour discovery on {interface}")]
    Pending {
        /// Where it asks.
        interface: String,
    },
    /// Nobody answered.
    #[error("nobody answers ARP or neighbour discovery for it on {interface}")]
    NoAnswer {
        /// Where it asked.
        interface: String,
    },
    /// There is no route.
    #[error("no route to it")]
    NoRoute,
    /// The address is one of the host's own.
    #[error("it is an address of this host")]
    Local,
    /// The interface is down or not an Ethernet one.
    #[error("interface {interface} is down or has no Ethernet address")]
    NoLink {
        /// The interface.
        interface: String,
    },
}
