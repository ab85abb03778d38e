//! A packet of either family.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use dray_abi::ServiceKey;
use dray_packet::{Frame, TransportProtocol, ipv4, ipv6, sctp, tcp};

/// What a connection is found by; and what a packet says of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) family: u8,
    pub(crate) protocol: u8,
    /// IPv4 as IPv4-mapped IPv6.
    pub(crate) client: [u8; 16],
    pub(crate) vip: [u8; 16],
    pub(crate) client_port: u16,
    pub(crate) port: u16,
}

impl Key {
    /// Of packets between these two, of one family.
    pub(crate) fn between(protocol: u8, from: SocketAddr, to: SocketAddr) -> Self {
        Self {
            family: if from.is_ipv4() { 4 } else { 6 },
            protocol,
            client: mapped(from.ip()),
            vip: mapped(to.ip()),
            client_port: from.port(),
            port: to.port(),
        }
    }

    /// Who sends packets with this key.
    pub(crate) fn source(self) -> SocketAddr {
        SocketAddr::new(address(self.family, self.client), self.client_port)
    }

    /// To whom.
    pub(crate) fn destination(self) -> SocketAddr {
        SocketAddr::new(address(self.family, self.vip), self.port)
    }

    /// That of the connection which a packet with this key is a reply of.
    pub(crate) fn reversed(self) -> Self {
        Self {
            client: self.vip,
            vip: self.client,
            client_port: self.port,
            port: self.client_port,
            ..self
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Packet {
    V4(ipv4::Packet),
    V6(ipv6::Packet),
}

impl Packet {
    pub(crate) fn key(&self) -> Key {
        let [client_port, port] = match self {
            Self::V4(packet) => packet.ports(),
            Self::V6(packet) => packet.ports(),
        };
        Key {
            family: self.family(),
            protocol: self.protocol().number(),
            client: match self {
                Self::V4(packet) => ServiceKey::mapped(packet.client()),
                Self::V6(packet) => join(packet.client()),
            },
            vip: match self {
                Self::V4(packet) => ServiceKey::mapped(packet.vip()),
                Self::V6(packet) => join(packet.vip()),
            },
            client_port: u16::from_be_bytes(client_port),
            port: u16::from_be_bytes(port),
        }
    }

    pub(crate) fn protocol(&self) -> TransportProtocol {
        match self {
            Self::V4(packet) => packet.protocol(),
            Self::V6(packet) => packet.protocol(),
        }
    }

    pub(crate) fn flags(&self) -> u8 {
        match self {
            Self::V4(packet) => packet.flags,
            Self::V6(packet) => packet.flags,
        }
    }

    /// Whether it asks for a new connection.
    pub(crate) fn is_new(&self) -> bool {
        match self.protocol() {
            TransportProtocol::Tcp => tcp::is_new(self.flags()),
            TransportProtocol::Udp => false,
            TransportProtocol::Sctp => sctp::is_new(self.flags()),
        }
    }

    pub(crate) fn hops_left(&self) -> u8 {
        match self {
            Self::V4(packet) => packet.ttl,
            Self::V6(packet) => packet.hop_limit,
        }
    }

    pub(crate) fn take_hop(&self, bytes: &mut [u8], offset: usize) {
        let frame = Frame::from(bytes);
        let taken = match self {
            Self::V4(_) => ipv4::decrement_ttl(&frame, offset),
            Self::V6(_) => ipv6::decrement_hop_limit(&frame, offset),
        };
        taken.expect("it was read");
    }

    /// Where in the frame what it carries starts; its IP header starts at `offset`.
    pub(crate) fn upper(&self, offset: usize) -> usize {
        match self {
            Self::V4(packet) => packet.upper(offset),
            Self::V6(packet) => packet.upper(offset),
        }
    }

    pub(crate) fn family(&self) -> u8 {
        match self {
            Self::V4(_) => 4,
            Self::V6(_) => 6,
        }
    }

    pub(crate) fn length(&self) -> u32 {
        match self {
            Self::V4(packet) => packet.length.into(),
            Self::V6(packet) => packet.length,
        }
    }

    pub(crate) fn stays_whole(&self) -> bool {
        match self {
            Self::V4(packet) => !packet.may_be_fragmented(),
            Self::V6(_) => true,
        }
    }

    pub(crate) fn more_fragments(&self) -> bool {
        match self {
            Self::V4(packet) => packet.more_fragments(),
            Self::V6(packet) => packet.more_fragments(),
        }
    }

    pub(crate) fn fragment_key(&self) -> [u64; 5] {
        match self {
            Self::V4(packet) => packet.fragment_key(),
            Self::V6(packet) => packet.fragment_key(),
        }
    }
}

/// An address as keys have it.
pub(crate) fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => ServiceKey::mapped(address.octets()),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The address of that family which a key has there.
fn address(family: u8, bytes: [u8; 16]) -> IpAddr {
    let address = Ipv6Addr::from(bytes);
    match address.to_ipv4_mapped() {
        Some(address) if family == 4 => address.into(),
        _ => address.into(),
    }
}

fn join(halves: [[u8; 8]; 2]) -> [u8; 16] {
    let mut address = [0; 16];
    address[..8].copy_from_slice(&halves[0]);
    address[8..].copy_from_slice(&halves[1]);
    address
}
