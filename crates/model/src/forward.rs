//! How packets reach a real server: the forwarding methods and what they need.

use std::{net::IpAddr, num::NonZeroU16, ops::RangeInclusive};

/// How packets reach a real server; the names are IPVS's forwarding methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forward {
    /// Direct routing: same layer-2 network, only the Ethernet addresses and the TTL change.
    DirectRouting,
    /// In a tunnel: the real server may be anywhere, and answers the client itself.
    Tunnel(Tunnel),
    /// IPVS's masquerading: the destination address and port become the real server's, whose replies come back through the
    /// director.
    Nat,
    /// The source becomes one of the director's own addresses as well, so that replies come back from anywhere.
    FullNat,
}

impl Forward {
    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DirectRouting => "dr",
            Self::Tunnel(_) => "tun",
            Self::Nat => "nat",
            Self::FullNat => "fullnat",
        }
    }

    /// Whether the real server may be of another family than the client.
    pub const fn crosses_families(self) -> bool {
        matches!(self, Self::Tunnel(_) | Self::FullNat)
    }

    /// Whether packets keep their addresses, so that the real server has to have the VIP.
    pub const fn keeps_addresses(self) -> bool {
        matches!(self, Self::DirectRouting | Self::Tunnel(_))
    }
}

/// What a tunnel is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tunnel {
    /// IP in IP (RFC 2003, RFC 2473, RFC 4213).
    #[default]
    IpIp,
    /// Generic UDP Encapsulation (draft-ietf-intarea-gue).
    Gue {
        /// The real server's UDP port.
        port: NonZeroU16,
        /// What the outer checksum covers.
        checksum: TunnelChecksum,
    },
    /// Generic Routing Encapsulation (RFC 2784).
    Gre {
        /// What the outer checksum covers.
        checksum: TunnelChecksum,
    },
}

impl Tunnel {
    /// `ipvsadm --tun-type`'s name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IpIp => "ipip",
            Self::Gue { .. } => "gue",
            Self::Gre { .. } => "gre",
        }
    }

    /// What its checksum covers.
    pub const fn checksum(self) -> TunnelChecksum {
        match self {
            Self::IpIp => TunnelChecksum::None,
            Self::Gue { checksum, .. } | Self::Gre { checksum } => checksum,
        }
    }

    /// Whether the tunnel has a checksum over the inner packet.
    pub const fn has_checksum(self) -> bool {
        !matches!(self.checksum(), TunnelChecksum::None)
    }
}

/// What a tunnel's checksum covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelChecksum {
    /// There is none (`--tun-nocsum`).
    #[default]
    None,
    /// The whole inner packet (`--tun-csum`).
    Full,
    /// IPVS's remote checksum (`--tun-remcsum`). For packets that come from the wire it is the same as [`TunnelChecksum::Full`].
    Remote,
}

/// Where tunnels come from: their outer source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelSources {
    /// Of those with IPv4 outside.
    pub ipv4: Option<TunnelSource>,
    /// Of those with IPv6 outside.
    pub ipv6: Option<TunnelSource>,
}

/// An outer source. Without one, it is the address that the host's own packets to the real server have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelSource {
    /// The address; with `spread` the lowest of them.
    pub address: IpAddr,
    /// How many of its low bits vary by flow, so that real servers spread tunnels over their receive queues: 0 to 16; those bits
    /// of `address` are 0.
    pub spread: u8,
}

/// Where FULLNAT's packets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAddresses {
    /// The addresses, of either family; at most 256 of each, none twice, none a VIP.
    pub addresses: Vec<IpAddr>,
    /// The ports; from 1 on.
    pub ports: RangeInclusive<u16>,
}

impl Default for LocalAddresses {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            ports: 1024..=65535,
        }
    }
}

/// What FULLNAT's real servers are told of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// Nothing.
    #[default]
    Hidden,
    /// Its address and port in a TCP option on the packets that acknowledge no data of the server's yet, as
    /// Alibaba's TOA module reads it.
    TcpOption {
        /// The option's kind, 253 and 254 being those for experiments (RFC 4727).
        kind: u8,
    },
}
