//! The maximum segment size that a SYN announces (RFC 9293 section 3.7.1), lowered to what fits.

use core::ops::ControlFlow;

use crate::{Frame, checksum::Change, tcp};

/// What a SYN announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// More than the limit; it is the limit now.
    More,
    /// No more than that.
    NoMore,
    /// Nothing, which means 536 bytes over IPv4 and 1220 over IPv6; or its options make no sense.
    Nothing,
}

/// Lowers the maximum segment size that the TCP segment at `upper` announces to `limit` bytes, and mends its checksum. The
/// segment is a SYN's and ends at `end`.
#[inline(always)]
pub fn clamp(frame: &Frame<'_>, upper: usize, end: usize, limit: u16) -> Announced {
    clamp_by(frame, upper, end, limit, |search| search.through(frame))
}

/// The same; `drive` drives a search to its end.
#[inline(always)]
pub fn clamp_by(
    frame: &Frame<'_>,
    upper: usize,
    end: usize,
    limit: u16,
    drive: impl FnOnce(Search) -> Search,
) -> Announced {
    let found = Search::new(frame, upper, end).and_then(|search| drive(search).found());
    let Some(found) = found else {
        return Announced::Nothing;
    };
    lower(frame, upper, found, limit).unwrap_or(Announced::Nothing)
}

/// A search for the option in steps, so that the kernel's loop helper can drive it as well as a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where in the frame the segment starts.
    upper: usize,
    /// Where in the segment the next option starts.
    at: u8,
    /// Where the options end.
    end: u8,
    found: bool,
}

impl Search {
    /// Steps that are enough: as many as there are options of one byte.
    pub const STEPS: u32 = 40;

    #[inline(always)]
    fn new(frame: &Frame<'_>, upper: usize, end: usize) -> Option<Self> {
        const DATA_OFFSET: usize = 12;
        let data_offset: u8 = frame.read(upper + DATA_OFFSET)?;
        let length = data_offset >> 4 << 2;
        (upper + length as usize <= end).then_some(Self {
            upper,
            at: size_of::<tcp::Header>() as u8,
            end: length,
            found: false,
        })
    }

    /// Looks at one option, until it is the one or there is none.
    #[inline(always)]
    pub fn step(&mut self, frame: &Frame<'_>) -> ControlFlow<()> {
        const END: u8 = 0;
        const NO_OPERATION: u8 = 1;
        const MAXIMUM_SEGMENT_SIZE: u8 = 2;
        const LENGTH: u8 = 4;
        // The shortest option but for these two has two bytes, and all that is read of one lies before the options' end.
        if self.at >= self.end {
            return ControlFlow::Break(());
        }
        let at = self.upper + (self.at & 0x3f) as usize;
        let kind: u8 = match frame.read(at) {
            None | Some(END) => return ControlFlow::Break(()),
            Some(NO_OPERATION) => {
                self.at += 1;
                return ControlFlow::Continue(());
            }
            Some(kind) => kind,
        };
        let length: u8 = frame.read(at + 1).unwrap_or(0);
        let rest = self.end - self.at;
        if length < 2 || length > rest {
            return ControlFlow::Break(());
        }
        if kind == MAXIMUM_SEGMENT_SIZE {
            self.found = length == LENGTH;
            return ControlFlow::Break(());
        }
        self.at += length;
        ControlFlow::Continue(())
    }

    /// Searches to the end.
    #[inline(always)]
    pub fn through(mut self, frame: &Frame<'_>) -> Self {
        for _ in 0..Self::STEPS {
            if self.step(frame).is_break() {
                break;
            }
        }
        self
    }

    /// Where in the segment the option starts.
    #[inline(always)]
    fn found(self) -> Option<usize> {
        self.found.then_some((self.at & 0x3f) as usize)
    }
}

/// Lowers the option that starts at `option` in the segment.
#[inline(always)]
fn lower(frame: &Frame<'_>, upper: usize, option: usize, limit: u16) -> Option<Announced> {
    const CHECKSUM: usize = 16;
    let at = upper + option + 2;
    let old: [u8; 2] = frame.read(at)?;
    if u16::from_be_bytes(old) <= limit {
        return Some(Announced::NoMore);
    }
    let new = limit.to_be_bytes();
    let change = Change::of(
        u16::from_le_bytes(old) as u64,
        u16::from_le_bytes(new) as u64,
    );
    let change = if option.is_multiple_of(2) {
        change
    } else {
        change.at_odd_place()
    };
    let checksum = frame.read(upper + CHECKSUM)?;
    frame.write(at, new)?;
    frame.write(upper + CHECKSUM, change.mend(checksum))?;
    Some(Announced::More)
}

#[cfg(test)]
mod tests;
