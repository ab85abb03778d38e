//! A captured frame and what it says.

use std::{
    net::{IpAddr, SocketAddr},
    time::SystemTime,
};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};

/// A frame as it passed an interface.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When, by the kernel's clock of the day.
    pub at: SystemTime,
    /// Which way.
    pub direction: Direction,
    /// Length on the wire in bytes, from the Ethernet header on, without a tag that the kernel took off.
    pub length: usize,
    /// The VLAN identifier of a tag that the kernel took off the frame before the capture saw it.
    pub vlan: Option<u16>,
    /// The frame's bytes from the Ethernet header on; fewer than `length` if only headers were asked for.
    pub bytes: Vec<u8>,
}

/// Which way a frame passed an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received by the interface.
    In,
    /// Sent by it.
    Out,
}

/// From where to where a TCP or UDP packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The sender's address and port.
    pub source: SocketAddr,
    /// The receiver's address and port.
    pub destination: SocketAddr,
}

impl Frame {
    /// The frame's headers, as far as it was captured. `None` if it is shorter than an Ethernet header.
    pub fn packet(&self) -> Option<LaxSlicedPacket<'_>> {
        LaxSlicedPacket::from_ethernet(&self.bytes).ok()
    }

    /// From where to where it goes, if it carries TCP or UDP.
    pub fn flow(&self) -> Option<Flow> {
        let packet = self.packet()?;
        let (source, destination): (IpAddr, IpAddr) = match packet.net? {
            LaxNetSlice::Ipv4(ip) => (
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            ),
            LaxNetSlice::Ipv6(ip) => (
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            ),
            LaxNetSlice::Arp(_) => return None,
        };
        let (from, to) = match packet.transport? {
            TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port()),
            TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port()),
            _ => return None,
        };
        Some(Flow {
            source: SocketAddr::new(source, from),
            destination: SocketAddr::new(destination, to),
        })
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn captured(bytes: Vec<u8>) -> Frame {
        Frame {
            at: SystemTime::UNIX_EPOCH,
            direction: Direction::In,
            length: bytes.len(),
            vlan: None,
            bytes,
        }
    }

    #[test]
    fn the_flow_of_a_frame_is_read_from_its_headers_alone() {
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 77, 0, 1], [10, 77, 0, 100], 64)
            .tcp(4711, 80, 1, 1024)
            .write(&mut bytes, &[0; 500])
            .unwrap();
        bytes.truncate(14 + 20 + 20);
        let flow = captured(bytes).flow().unwrap();
        assert_eq!(flow.source, "10.77.0.1:4711".parse().unwrap());
        assert_eq!(flow.destination, "10.77.0.100:80".parse().unwrap());
    }

    #[test]
    fn a_frame_without_a_transport_header_has_no_flow() {
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv6([0; 16], [1; 16], 64)
            .icmpv6_echo_request(1, 2)
            .write(&mut bytes, &[])
            .unwrap();
        assert_eq!(captured(bytes).flow(), None);
        assert_eq!(captured(vec![0; 10]).flow(), None);
    }
}
