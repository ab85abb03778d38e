//! Steps that send packets.

use std::{fmt, str::FromStr};

use super::PacketAnswer;
use crate::Endpoint;

/// A step that sends a packet, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketStep {
    /// What is sent.
    pub payload: Payload,
    /// From where.
    pub from: Side,
    /// How many packets, from consecutive source ports; `None` for one alone, whose answer is not a count.
    pub repeat: Option<u32>,
    /// The frames belong to the answer.
    pub frames: bool,
    /// What became of it.
    pub expect: Option<PacketAnswer>,
    /// The frame that went in.
    pub sent: Option<Vec<u8>>,
    /// The frames that came out.
    pub received: Option<Vec<Vec<u8>>>,
}

impl PacketStep {
    /// A client's packet.
    pub const fn new(payload: Payload) -> Self {
        Self {
            payload,
            from: Side::Client,
            repeat: None,
            frames: false,
            expect: None,
            sent: None,
            received: None,
        }
    }

    pub(super) fn forget_answer(&mut self) {
        self.expect = None;
        self.sent = None;
        self.received = None;
        if let Payload::Reply(reply) = &mut self.payload {
            reply.observed = None;
        }
    }
}

/// Whose packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It comes in from the clients' router.
    Client,
    /// It comes in from the real servers' network.
    Real,
}

/// What a packet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Built from its description.
    Segment(Segment),
    /// An IP packet, byte by byte.
    Raw(Vec<u8>),
    /// The real server's answer to the packet that an earlier step had forwarded to it.
    Reply(Reply),
}

/// A packet by its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Protocol and the like.
    pub kind: Kind,
    /// Source.
    pub source: Endpoint,
    /// Destination; `None` for the scenario's.
    pub destination: Option<Endpoint>,
    /// Bytes of payload, each `x`; none when not given. Of no meaning when it quotes another packet.
    pub length: Option<u16>,
    /// The second word of an ICMP header (RFC 792: unused, or a gateway, or the MTU), host byte order; 0 when not given.
    pub rest: Option<u32>,
    /// The packet that an ICMP error is about.
    pub about: Option<Box<About>>,
    /// TTL or hop limit; 64 when not given.
    pub ttl: Option<u8>,
    /// The TOS byte or traffic class; 0 when not given.
    pub tos: Option<u8>,
    /// IPv4's identification; 0 when not given.
    pub identification: Option<u16>,
    /// The packet may be fragmented.
    pub may_fragment: bool,
}

impl Segment {
    /// A packet without payload, with TTL 64, that may not be fragmented.
    pub const fn new(kind: Kind, source: Endpoint, destination: Option<Endpoint>) -> Self {
        Self {
            kind,
            source,
            destination,
            length: None,
            rest: None,
            about: None,
            ttl: None,
            tos: None,
            identification: None,
            may_fragment: false,
        }
    }
}

/// The packet that an ICMP error is about, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The packet: not a reply.
    pub payload: Payload,
    /// The most bytes of it that are quoted; 576 when not given.
    pub quote: Option<u16>,
}

/// The answer of a real server: the frame that it was sent, with source and destination swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The number of the step that it answers.
    pub to: usize,
    /// What it is: `tcp` with flags, which replace those of the packet; or `udp`.
    pub kind: Kind,
    /// What was sent, when it was played.
    pub observed: Option<Observed>,
}

/// What a reply had in its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Source.
    pub source: Endpoint,
    /// Destination.
    pub destination: Endpoint,
    /// TTL or hop limit.
    pub ttl: u8,
}

/// Protocol and the like: `tcp SA`, `udp`, `icmp 3/3`, `sctp 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TCP with these flags.
    Tcp(TcpFlags),
    /// UDP.
    Udp,
    /// SCTP with one chunk of this type and no content (RFC 9260 section 3.2).
    Sctp(u8),
    /// ICMP, or ICMPv6 when the source is an IPv6 address.
    Icmp(IcmpKind),
}

/// Type and code of an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpKind {
    /// Type.
    pub number: u8,
    /// Code.
    pub code: u8,
}

/// TCP flags, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(String);

impl TcpFlags {
    /// The flags of these letters, out of `FSRPAU`, each at most once.
    pub fn new(letters: &str) -> Option<Self> {
        let mut seen = 0;
        for letter in letters.chars() {
            let bit = Self::bit(letter)?;
            if seen & bit != 0 {
                return None;
            }
            seen |= bit;
        }
        Some(Self(letters.to_owned()))
    }

    /// As in the header (RFC 9293 section 3.1).
    pub fn bits(&self) -> u8 {
        self.0.chars().filter_map(Self::bit).sum()
    }

    const fn bit(letter: char) -> Option<u8> {
        match letter {
            'F' => Some(1),
            'S' => Some(2),
            'R' => Some(4),
            'P' => Some(8),
            'A' => Some(16),
            'U' => Some(32),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(flags) => write!(f, "tcp {}", flags.0),
            Self::Udp => f.write_str("udp"),
            Self::Sctp(chunk) => write!(f, "sctp {chunk}"),
            Self::Icmp(IcmpKind { number, code }) => write!(f, "icmp {number}/{code}"),
        }
    }
}

impl FromStr for Kind {
    type Err = NotAPacket;

    fn from_str(text: &str) -> Result<Self, NotAPacket> {
        let wrong = || NotAPacket(text.to_owned());
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "tcp" => TcpFlags::new(rest).map(Self::Tcp).ok_or_else(wrong),
            "udp" if rest.is_empty() => Ok(Self::Udp),
            "sctp" => rest.parse().map(Self::Sctp).map_err(|_| wrong()),
            "icmp" => {
                let (number, code) = rest.split_once('/').ok_or_else(wrong)?;
                Ok(Self::Icmp(IcmpKind {
                    number: number.parse().map_err(|_| wrong())?,
                    code: code.parse().map_err(|_| wrong())?,
                }))
            }
            _ => Err(wrong()),
        }
    }
}

/// The text describes no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a packet (`tcp` with flags out of FSRPAU, `udp`, `icmp TYPE/CODE`, or `sctp CHUNK-TYPE`)"
)]
pub struct NotAPacket(String);
