//! Congestion that a tunnel's packet met (RFC 3168) is told by the packet inside (RFC 6040).
//!
//! ```text
//! inside: not capable   dropped: it would not understand
//!         capable       becomes "congestion experienced"
//! ```

use crate::{Frame, checksum::Change, ipv4, tunnel::Family};

/// The two bits of a traffic class that say "congestion experienced".
const EXPERIENCED: u8 = 3;

/// Whether the IPv4 packet at `offset` says that there was congestion.
#[inline(always)]
pub(super) fn is_experienced4(frame: &Frame<'_>, offset: usize) -> bool {
    let start: Option<[u8; 2]> = frame.read(offset);
    start.is_some_and(|[_, class]| class & EXPERIENCED == EXPERIENCED)
}

/// Whether the IPv6 packet at `offset` does.
#[inline(always)]
pub(super) fn is_experienced6(frame: &Frame<'_>, offset: usize) -> bool {
    let start: Option<[u8; 2]> = frame.read(offset);
    start.is_some_and(|[_, second]| second >> 4 & EXPERIENCED == EXPERIENCED)
}

/// Makes the packet at `offset` say so; `None` when it cannot.
#[inline(always)]
pub(super) fn tell(frame: &Frame<'_>, offset: usize, family: Family) -> Option<()> {
    let [first, second]: [u8; 2] = frame.read(offset)?;
    let shift = match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => 4,
    };
    if second >> shift & EXPERIENCED == 0 {
        return None;
    }
    let told = second | EXPERIENCED << shift;
    if family == Family::Ipv4 {
        let change = Change::of(
            u16::from_le_bytes([first, second]) as u64,
            u16::from_le_bytes([first, told]) as u64,
        );
        ipv4::mend_checksum(frame, offset, change)?;
    }
    frame.write(offset + 1, told)
}
