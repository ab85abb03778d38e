//! What the two IP parsers have in common: the transport header and why a packet is not one to balance.

use crate::Frame;

/// Protocols that can be balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportProtocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl TransportProtocol {
    /// The number in the IP header.
    #[inline(always)]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// The protocol of that number.
    #[inline(always)]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }
}

/// Why a packet is not one to balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The frame ends inside the headers, or an IP header makes no sense.
    Truncated,
    /// It is an IP fragment.
    Fragment,
    /// It is neither TCP nor UDP.
    OtherProtocol,
}

/// Ports (client's, service's; as they lie in the packet) and, for TCP, the flags.
#[inline(always)]
pub(crate) fn transport(
    frame: &Frame<'_>,
    offset: usize,
    protocol: TransportProtocol,
) -> Result<([u8; 4], u8), Refusal> {
    match protocol {
        TransportProtocol::Tcp => {
            let header: [u8; 20] = frame.read(offset).ok_or(Refusal::Truncated)?;
            let [a, b, c, d, .., flags, _, _, _, _, _, _] = header;
            Ok(([a, b, c, d], flags))
        }
        TransportProtocol::Udp => {
            let [a, b, c, d, ..]: [u8; 8] = frame.read(offset).ok_or(Refusal::Truncated)?;
            Ok(([a, b, c, d], 0))
        }
    }
}

/// Ports and protocol as the connection table's key has them.
#[inline(always)]
pub(crate) fn key_word(ports: [u8; 4], protocol: TransportProtocol) -> u64 {
    u32::from_ne_bytes(ports) as u64 | (protocol.number() as u64) << 32
}
