//! What the data plane knows of the way to a real server.

use std::{fmt, net::IpAddr, num::NonZeroU16};

use crate::{NextHop, Tunnel};

/// All that packets for a real server need in order to leave. Never changed while a destination names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// Where frames go.
    pub next: NextHop,
    /// The largest packet of a client's that fits, in bytes: the next hop's, less what a tunnel adds.
    pub mtu: u32,
    /// The largest TCP segment that SYNs may ask for.
    pub mss: Option<NonZeroU16>,
    /// What becomes of the packet before.
    pub rewrite: Rewrite,
}

/// What becomes of a packet before it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rewrite {
    /// Nothing but its TTL.
    None,
    /// It is put into another.
    Tunnel {
        /// The outer destination.
        real: IpAddr,
        /// The outer source, of the same family.
        source: IpAddr,
        /// How many low bits of the source come from a hash of the flow.
        spread: u8,
        /// What the tunnel is made of.
        tunnel: Tunnel,
    },
    /// Its destination becomes the real server.
    Nat {
        /// The real server.
        real: IpAddr,
        /// The prefix length of the network that the director shares with it.
        shared: Option<u8>,
    },
    /// Its source becomes one of the director's as well.
    FullNat {
        /// The real server.
        real: IpAddr,
        /// The kind of the TCP option that tells the client's address.
        address_option: Option<u8>,
    },
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rewrite {
            Rewrite::None => {}
            Rewrite::Tunnel {
                real,
                source,
                tunnel,
                ..
            } => {
                write!(f, "{} from {source} to {real}, ", tunnel.name())?;
            }
            Rewrite::Nat { real, .. } => write!(f, "nat to {real}, ")?,
            Rewrite::FullNat { real, .. } => write!(f, "fullnat to {real}, ")?,
        }
        self.next.fmt(f)
    }
}
