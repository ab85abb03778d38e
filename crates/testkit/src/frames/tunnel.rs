//! Packets inside others: IPIP (RFC 2003, RFC 2473, RFC 4213), GRE (RFC 2784), GUE (draft-ietf-intarea-gue).

use std::net::{IpAddr, SocketAddr};

use super::{Frame, Transport, internet_checksum};

impl Frame {
    /// A packet in another, of whichever families.
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn ipip(source: IpAddr, destination: IpAddr, inner: &Self) -> Self {
        Self::other(source, destination, inner.as_protocol()).payload(&inner.packet())
    }

    /// A packet behind a GRE header, with a checksum in that or not.
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn gre(source: IpAddr, destination: IpAddr, inner: &Self, checksum: bool) -> Self {
        const HAS_CHECKSUM: u8 = 0x80;
        let mut message = vec![if checksum { HAS_CHECKSUM } else { 0 }, 0];
        message.extend(inner.ether_type().to_be_bytes());
        if checksum {
            message.extend([0; 4]);
        }
        message.extend(inner.packet());
        if checksum {
            let sum = internet_checksum(&message);
            message[4..6].copy_from_slice(&sum.to_be_bytes());
        }
        Self::other(source, destination, 47).payload(&message)
    }

    /// A packet behind a GUE header without options in a UDP datagram, with a checksum in that or not. Between IPv6 hosts
    /// too, none is allowed in a tunnel (RFC 6935).
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn gue(source: SocketAddr, destination: SocketAddr, inner: &Self, checksum: bool) -> Self {
        let mut message = vec![0, inner.as_protocol(), 0, 0];
        message.extend(inner.packet());
        let transport = Transport::Udp {
            source: source.port(),
            destination: destination.port(),
            checksum,
        };
        Self::new(source.ip(), destination.ip(), transport).payload(&message)
    }

    /// The protocol number that stands for packets of this one's family.
    fn as_protocol(&self) -> u8 {
        if self.network.source.is_ipv4() { 4 } else { 41 }
    }
}
