//! Reading packets that came out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::build::{checksum, crc32c, pseudo_header};

/// An IP packet, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS byte or traffic class.
    pub tos: u8,
    /// Protocol number, or IPv6's next header.
    pub protocol: u8,
    /// It is a fragment (of IPv4).
    pub fragment: bool,
    /// What the IP header is before.
    pub body: Vec<u8>,
    /// What its transport header says; `None` for fragments.
    pub transport: Transport,
    /// What is wrong with its checksums.
    pub bad: Vec<&'static str>,
    /// It ends inside its transport header, so that its checksum says nothing.
    pub cut_short: bool,
}

/// What a transport header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, UDP or SCTP: ports and, of TCP, the flags.
    Ports {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// TCP's flags, 0 of the others.
        flags: u8,
    },
    /// ICMP or ICMPv6.
    Icmp(Icmp),
    /// Something else, or a fragment.
    Other,
}

/// Type and code of an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub number: u8,
    /// Code.
    pub code: u8,
}

/// The bytes are no IP packet, or not a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a whole IP packet")]
pub struct Malformed;

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION_OPTIONS: u8 = 60;

impl Packet {
    /// Takes an IP packet apart. Bytes behind its length are left out.
    ///
    /// # Errors
    /// When it ends inside its headers, or is neither IPv4 nor IPv6.
    pub fn parse(data: &[u8]) -> Result<Self, Malformed> {
        let mut packet = match data.first().ok_or(Malformed)? >> 4 {
            4 => Self::ipv4(data),
            6 => Self::ipv6(data),
            _ => None,
        }
        .ok_or(Malformed)?;
        if !packet.fragment {
            packet.parse_transport()?;
        }
        Ok(packet)
    }

    fn ipv4(data: &[u8]) -> Option<Self> {
        let head = usize::from(data[0] & 15) * 4;
        let header = data.get(..head.max(20))?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let body = data.get(head..usize::from(word(2)).min(data.len()))?;
        let address = |at: usize| {
            IpAddr::V4(Ipv4Addr::new(
                header[at],
                header[at + 1],
                header[at + 2],
                header[at + 3],
            ))
        };
        Some(Self {
            source: address(12),
            destination: address(16),
            ttl: header[8],
            tos: header[1],
            protocol: header[9],
            fragment: word(6) & 0x3fff != 0,
            body: body.to_vec(),
            transport: Transport::Other,
            bad: if checksum(header) == 0 {
                Vec::new()
            } else {
                vec!["IP checksum"]
            },
            cut_short: false,
        })
    }

    fn ipv6(data: &[u8]) -> Option<Self> {
        let header = data.get(..40)?;
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let address = |at: usize| {
            let octets: [u8; 16] = header[at..at + 16].try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)))
        };
        let (mut protocol, mut body) = (header[6], &data[40..(40 + length).min(data.len())]);
        // Options and routing headers say nothing of the transport (RFC 8200 section 4).
        while matches!(protocol, HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS) {
            let length = (usize::from(*body.get(1)?) + 1) * 8;
            (protocol, body) = (body[0], body.get(length..)?);
        }
        Some(Self {
            source: address(8)?,
            destination: address(24)?,
            ttl: header[7],
            tos: header[0] << 4 | header[1] >> 4,
            protocol,
            fragment: false,
            body: body.to_vec(),
            transport: Transport::Other,
            bad: Vec::new(),
            cut_short: false,
        })
    }

    fn parse_transport(&mut self) -> Result<(), Malformed> {
        let body = &self.body;
        match self.protocol {
            TCP | UDP => {
                let ports = body.get(..4).ok_or(Malformed)?;
                let flags = if self.protocol == TCP {
                    *body.get(13).ok_or(Malformed)?
                } else {
                    0
                };
                self.transport = Transport::Ports {
                    source: u16::from_be_bytes([ports[0], ports[1]]),
                    destination: u16::from_be_bytes([ports[2], ports[3]]),
                    flags,
                };
                let mut all =
                    pseudo_header((self.source, self.destination), self.protocol, body.len());
                all.extend(body);
                let unused = self.protocol == UDP && body.get(6..8) == Some(&[0, 0]);
                self.cut_short = body.len() < if self.protocol == TCP { 20 } else { 8 };
                if checksum(&all) != 0 && !unused && !self.cut_short {
                    self.bad.push("TCP/UDP checksum");
                }
            }
            SCTP => {
                let Some(header) = body.get(..12) else {
                    return Ok(());
                };
                self.transport = Transport::Ports {
                    source: u16::from_be_bytes([header[0], header[1]]),
                    destination: u16::from_be_bytes([header[2], header[3]]),
                    flags: 0,
                };
                let mut whole = body.clone();
                whole[8..12].fill(0);
                if crc32c(&whole).to_le_bytes() != header[8..12] {
                    self.bad.push("SCTP checksum");
                }
            }
            1 | 58 => {
                let kind = body.get(..2).ok_or(Malformed)?;
                self.transport = Transport::Icmp(Icmp {
                    number: kind[0],
                    code: kind[1],
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// The destination port of TCP, UDP and SCTP.
    pub const fn destination_port(&self) -> Option<u16> {
        match self.transport {
            Transport::Ports { destination, .. } => Some(destination),
            Transport::Icmp(_) | Transport::Other => None,
        }
    }
}
