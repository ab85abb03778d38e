//! Rules that give packets a mark, in place of netfilter's, which XDP runs before.

use std::{net::IpAddr, num::NonZeroU32, ops::RangeInclusive};

use crate::{Family, Protocol};

/// The most rules that a director can have.
pub const MAX_MARK_RULES: usize = 256;

/// Gives a mark to the packets that fit. What is `None` fits every packet of the family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkRule {
    /// The mark.
    pub mark: NonZeroU32,
    /// The family of the packets; prefixes are of the same one.
    pub family: Family,
    /// Destination (VIP) prefix: address and length in bits. Address bits beyond the length are 0.
    pub destination: Option<(IpAddr, u8)>,
    /// Source (client) prefix.
    pub source: Option<(IpAddr, u8)>,
    /// Transport protocol.
    pub protocol: Option<Protocol>,
    /// Destination ports; not empty.
    pub ports: Option<RangeInclusive<u16>>,
    /// Source ports; not empty.
    pub source_ports: Option<RangeInclusive<u16>>,
    /// Name of the interface that the packets come in by, one of the director's.
    pub interface: Option<String>,
}
