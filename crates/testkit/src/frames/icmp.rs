//! ICMP and ICMPv6 errors (RFC 792, RFC 4443).

/// An error message of ICMP or ICMPv6, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// The host cannot be reached (3/1; ICMPv6: 1/3).
    HostUnreachable,
    /// Nobody listens on the port (3/3; ICMPv6: 1/4).
    PortUnreachable,
    /// The packet is larger than this many bytes and must not be fragmented (3/4; ICMPv6: 2/0).
    TooBig(u16),
    /// The time to live, or the hop limit, was used up on the way (11/0; ICMPv6: 3/0).
    TimeExceeded,
}

impl IcmpError {
    /// Type, code, and the four bytes after the checksum.
    pub(super) fn header(self, ipv4: bool) -> (u8, u8, [u8; 4]) {
        let mtu = match self {
            Self::TooBig(mtu) => u32::from(mtu).to_be_bytes(),
            _ => [0; 4],
        };
        let (kind, code) = match (self, ipv4) {
            (Self::HostUnreachable, true) => (3, 1),
            (Self::HostUnreachable, false) => (1, 3),
            (Self::PortUnreachable, true) => (3, 3),
            (Self::PortUnreachable, false) => (1, 4),
            (Self::TooBig(_), true) => (3, 4),
            (Self::TooBig(_), false) => (2, 0),
            (Self::TimeExceeded, true) => (11, 0),
            (Self::TimeExceeded, false) => (3, 0),
        };
        (kind, code, mtu)
    }

    /// How much of a packet an error quotes, in bytes: all of it, if the error is then not longer than what every host takes
    /// (RFC 1812 section 4.3.2.3: 576; RFC 4443 section 2.4: 1,280).
    pub(super) fn quoted(ipv4: bool) -> usize {
        if ipv4 { 576 - 20 - 8 } else { 1280 - 40 - 8 }
    }
}
