//! Ethernet frames for tests, byte by byte as a network card would hand them over, checksums valid.
//!
//! Start from what the frame carries ([`Frame::tcp`], [`Frame::udp`], [`Frame::sctp`], [`Frame::icmp`],
//! [`Frame::icmp_error`], [`Frame::other`], or another packet in a tunnel: [`Frame::ipip`], [`Frame::gre`],
//! [`Frame::gue`]), change what matters to the test, end with [`Frame::bytes`]:
//!
//! ```
//! use dray_testkit::frames::{Frame, TcpFlags};
//!
//! let syn = Frame::tcp("192.0.2.9:40000".parse().unwrap(), "10.77.0.100:80".parse().unwrap())
//!     .flags(TcpFlags::SYN)
//!     .vlan(7)
//!     .bytes();
//! assert_eq!(syn.len(), 14 + 4 + 20 + 20);
//! ```
//!
//! What is written here shares no code with the crates under test.

mod checksum;
mod fragment;
mod icmp;
mod sctp;
mod tunnel;
mod write;

use std::{
    net::{IpAddr, SocketAddr},
    ops::BitOr,
};

use dray_model::Mac;

use sctp::Chunk;

pub use checksum::internet_checksum;
pub use icmp::IcmpError;
pub use sctp::{ChunkType, sctp_checksum};

/// A frame to be: a builder whose every step is a plain change of one header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    link: Link,
    network: Network,
    transport: Transport,
    payload: Vec<u8>,
}

impl Frame {
    /// A TCP segment, by default a bare ACK.
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        let header = TcpHeader {
            sequence: 1,
            acknowledgement: 1,
            flags: TcpFlags::ACK,
            window: 65_535,
            options: Vec::new(),
        };
        let transport = Transport::Tcp {
            source: source.port(),
            destination: destination.port(),
            header,
        };
        Self::new(source.ip(), destination.ip(), transport)
    }

    /// A UDP datagram.
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        let transport = Transport::Udp {
            source: source.port(),
            destination: destination.port(),
            checksum: true,
        };
        Self::new(source.ip(), destination.ip(), transport)
    }

    /// An SCTP packet without chunks: see [`Frame::chunk`].
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn sctp(source: SocketAddr, destination: SocketAddr) -> Self {
        let transport = Transport::Sctp {
            source: source.port(),
            destination: destination.port(),
            tag: 0,
            chunks: Vec::new(),
        };
        Self::new(source.ip(), destination.ip(), transport)
    }

    /// An ICMP or ICMPv6 error about a packet, with as much of that as routers quote.
    ///
    /// # Panics
    /// When the two addresses are of different families, or the packet is of another one.
    pub fn icmp_error(source: IpAddr, destination: IpAddr, error: IcmpError, about: &Self) -> Self {
        let ipv4 = source.is_ipv4();
        assert_eq!(
            ipv4,
            about.network.source.is_ipv4(),
            "an error quotes a packet of its own family"
        );
        let (kind, code, rest) = error.header(ipv4);
        let mut quote = about.packet();
        quote.truncate(IcmpError::quoted(ipv4));
        Self::icmp(source, destination, kind, code, rest).payload(&quote)
    }

    /// An ICMP (RFC 792) or ICMPv6 (RFC 4443) message: type, code, and the four bytes after the
    /// checksum. For errors there is [`Frame::icmp_error`].
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn icmp(source: IpAddr, destination: IpAddr, kind: u8, code: u8, rest: [u8; 4]) -> Self {
        Self::new(source, destination, Transport::Icmp { kind, code, rest })
    }

    /// A packet of any other protocol (IANA protocol number), its payload right after the IP header.
    ///
    /// # Panics
    /// When the two addresses are of different families.
    pub fn other(source: IpAddr, destination: IpAddr, protocol: u8) -> Self {
        Self::new(source, destination, Transport::Other { protocol })
    }

    fn new(source: IpAddr, destination: IpAddr, transport: Transport) -> Self {
        assert_eq!(
            source.is_ipv4(),
            destination.is_ipv4(),
            "{source} and {destination} are of different families"
        );
        Self {
            link: Link {
                source: Mac([0x02, 0, 0, 0, 0, 0x01]),
                destination: Mac([0x02, 0, 0, 0, 0, 0x02]),
                tags: Vec::new(),
            },
            network: Network {
                source,
                destination,
                ttl: 64,
                traffic_class: 0,
                identification: 0,
                dont_fragment: true,
                options: Vec::new(),
                extensions: Vec::new(),
            },
            transport,
            payload: Vec::new(),
        }
    }

    /// The Ethernet addresses.
    pub fn macs(mut self, source: Mac, destination: Mac) -> Self {
        self.link.source = source;
        self.link.destination = destination;
        self
    }

    /// Adds an 802.1Q tag (VLAN identifier 0 to 4095) inside those already there.
    ///
    /// # Panics
    /// When the identifier is above 4095.
    pub fn vlan(self, id: u16) -> Self {
        self.tag(0x8100, id)
    }

    /// Adds an 802.1ad service tag (VLAN identifier 0 to 4095) inside those already there.
    ///
    /// # Panics
    /// When the identifier is above 4095.
    pub fn service_vlan(self, id: u16) -> Self {
        self.tag(0x88a8, id)
    }

    fn tag(mut self, ether_type: u16, id: u16) -> Self {
        assert!(id <= 0x0fff, "{id} is not a VLAN identifier (0 to 4095)");
        self.link.tags.push(Tag { ether_type, id });
        self
    }

    /// Time to live, or hop limit.
    pub fn ttl(mut self, ttl: u8) -> Self {
        self.network.ttl = ttl;
        self
    }

    /// Type of service, or traffic class.
    pub fn traffic_class(mut self, class: u8) -> Self {
        self.network.traffic_class = class;
        self
    }

    /// The IPv4 identification, or that of the IPv6 fragment header. May be fragmented on the way.
    pub fn identification(mut self, identification: u16) -> Self {
        self.network.identification = identification;
        self.network.dont_fragment = false;
        self
    }

    /// IPv4 options, padded with end-of-list bytes to a multiple of 4.
    ///
    /// # Panics
    /// When the frame is IPv6, or the options are longer than 40 bytes.
    pub fn ipv4_options(mut self, options: &[u8]) -> Self {
        assert!(
            self.network.source.is_ipv4(),
            "IPv6 has extension headers, not options"
        );
        assert!(
            options.len() <= 40,
            "{} bytes of IPv4 options; there is room for 40",
            options.len()
        );
        self.network.options = options.to_vec();
        self.network
            .options
            .resize(options.len().next_multiple_of(4), 0);
        self
    }

    /// Adds an IPv6 extension header after those already there.
    ///
    /// # Panics
    /// When the frame is IPv4.
    pub fn extension(mut self, extension: Extension) -> Self {
        assert!(
            self.network.source.is_ipv6(),
            "IPv4 has options, not extension headers"
        );
        self.network.extensions.push(extension);
        self
    }

    /// The TCP flags, all of them.
    ///
    /// # Panics
    /// When the frame is not TCP.
    pub fn flags(mut self, flags: TcpFlags) -> Self {
        self.tcp_header().flags = flags;
        self
    }

    /// The TCP sequence number.
    ///
    /// # Panics
    /// When the frame is not TCP.
    pub fn sequence(mut self, sequence: u32) -> Self {
        self.tcp_header().sequence = sequence;
        self
    }

    /// The TCP acknowledgement number.
    ///
    /// # Panics
    /// When the frame is not TCP.
    pub fn acknowledgement(mut self, acknowledgement: u32) -> Self {
        self.tcp_header().acknowledgement = acknowledgement;
        self
    }

    /// TCP options, padded with end-of-list bytes to a multiple of 4.
    ///
    /// # Panics
    /// When the frame is not TCP, or the options are longer than 40 bytes.
    pub fn tcp_options(mut self, options: &[u8]) -> Self {
        assert!(
            options.len() <= 40,
            "{} bytes of TCP options; there is room for 40",
            options.len()
        );
        let header = self.tcp_header();
        header.options = options.to_vec();
        header.options.resize(options.len().next_multiple_of(4), 0);
        self
    }

    fn tcp_header(&mut self) -> &mut TcpHeader {
        match &mut self.transport {
            Transport::Tcp { header, .. } => header,
            other => panic!("{other:?} is not TCP"),
        }
    }

    /// Adds an SCTP chunk after those already there.
    ///
    /// # Panics
    /// When the frame is not SCTP.
    pub fn chunk(mut self, kind: ChunkType, value: &[u8]) -> Self {
        match &mut self.transport {
            Transport::Sctp { chunks, .. } => chunks.push(Chunk {
                kind,
                value: value.to_vec(),
            }),
            other => panic!("{other:?} is not SCTP"),
        }
        self
    }

    /// The SCTP verification tag.
    ///
    /// # Panics
    /// When the frame is not SCTP.
    pub fn verification_tag(mut self, new: u32) -> Self {
        match &mut self.transport {
            Transport::Sctp { tag, .. } => *tag = new,
            other => panic!("{other:?} is not SCTP"),
        }
        self
    }

    /// UDP over IPv4 without a checksum (RFC 768: all zero).
    ///
    /// # Panics
    /// When the frame is not UDP over IPv4.
    pub fn without_udp_checksum(mut self) -> Self {
        match &mut self.transport {
            Transport::Udp { checksum, .. } if self.network.source.is_ipv4() => *checksum = false,
            other => panic!("{other:?} needs its checksum"),
        }
        self
    }

    /// What comes after the last header.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// The whole frame, without frame check sequence and without padding to 60 bytes.
    ///
    /// # Panics
    /// When the packet would be longer than 65,535 bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut frame = write::link(self);
        frame.extend(self.packet());
        frame
    }

    /// The packet alone, from its IP header on: what an ICMP error or a tunnel carries.
    ///
    /// # Panics
    /// When the packet would be longer than 65,535 bytes.
    pub fn packet(&self) -> Vec<u8> {
        let segment = write::transport(self);
        write::network(self, None, &segment)
    }

    /// The frame cut into IP fragments, in order, each with at most `size` bytes of the original's
    /// content after the IP headers.
    ///
    /// # Panics
    /// When `size` is not a multiple of 8, or 0.
    pub fn fragments(&self, size: usize) -> Vec<Vec<u8>> {
        fragment::fragments(self, size)
    }

    /// What Ethernet calls packets of its family.
    fn ether_type(&self) -> u16 {
        if self.network.source.is_ipv4() {
            0x0800
        } else {
            0x86dd
        }
    }

    /// Where the IP header begins, in bytes from the frame's start.
    pub fn network_offset(&self) -> usize {
        14 + 4 * self.link.tags.len()
    }

    /// Where the transport header begins, in bytes from the frame's start.
    pub fn transport_offset(&self) -> usize {
        self.network_offset() + write::network(self, None, &[]).len()
    }
}

/// An IPv6 extension header (RFC 8200, section 4). The option bytes are padded to the header's unit
/// of 8 with Pad1 and PadN options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop options.
    HopByHop(Vec<u8>),
    /// Destination options.
    DestinationOptions(Vec<u8>),
    /// A routing header of an unassigned type with no segments left, which receivers skip.
    Routing,
    /// A fragment header that makes the packet an atomic fragment (RFC 6946).
    AtomicFragment,
}

/// TCP header flags (RFC 9293, section 3.1); combined with `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// The sender has no more data.
    pub const FIN: Self = Self(0x01);
    /// Opens a connection.
    pub const SYN: Self = Self(0x02);
    /// Resets it.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    source: Mac,
    destination: Mac,
    tags: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag {
    ether_type: u16,
    id: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Network {
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    traffic_class: u8,
    identification: u16,
    dont_fragment: bool,
    options: Vec<u8>,
    extensions: Vec<Extension>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Transport {
    Tcp {
        source: u16,
        destination: u16,
        header: TcpHeader,
    },
    Udp {
        source: u16,
        destination: u16,
        checksum: bool,
    },
    Sctp {
        source: u16,
        destination: u16,
        tag: u32,
        chunks: Vec<Chunk>,
    },
    Icmp {
        kind: u8,
        code: u8,
        rest: [u8; 4],
    },
    Other {
        protocol: u8,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct TcpHeader {
    sequence: u32,
    acknowledgement: u32,
    flags: TcpFlags,
    window: u16,
    options: Vec<u8>,
}

#[cfg(test)]
mod tests;
