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

/// Ports and protocol as the connection table's key has them (client's port, service's port, as they lie in the
/// packet, then the protocol's number), and TCP's flags.
#[inline(always)]
pub(crate) fn transport(
    frame: &Frame<'_>,
    offset: usize,
    protocol: TransportProtocol,
) -> Result<(u64, u8), Refusal> {
    let least = match protocol {
        TransportProtocol::Tcp => 20,
        TransportProtocol::Udp => 8,
    };
    if !frame.reaches(offset + least) {
        return Err(Refusal::Truncated);
    }
    let ports = u32::from_le_bytes(frame.read(offset).ok_or(Refusal::Truncated)?);
    let flags = match protocol {
        TransportProtocol::Tcp => frame.read(offset + 13).ok_or(Refusal::Truncated)?,
        TransportProtocol::Udp => 0,
    };
    Ok((ports as u64 | (protocol.number() as u64) << 32, flags))
}

/// The ports in such a word: the client's and the service's, each as it lies in the packet.
#[inline(always)]
pub(crate) const fn ports(word: u64) -> [[u8; 2]; 2] {
    let [a, b, c, d] = (word as u32).to_le_bytes();
    [[a, b], [c, d]]
}

/// The protocol in such a word.
#[inline(always)]
pub(crate) const fn protocol(word: u64) -> TransportProtocol {
    if word >> 32 == TransportProtocol::Tcp.number() as u64 {
        TransportProtocol::Tcp
    } else {
        TransportProtocol::Udp
    }
}
