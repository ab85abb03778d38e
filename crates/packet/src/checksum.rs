//! The Internet checksum (RFC 1071), changed in place where it can be (RFC 1624).
//!
//! One's complement sums do not mind the order of bytes: words are read lowest byte first, as the machine has them, and so is
//! the result written.

use core::ops::ControlFlow;

use crate::Frame;

/// A sum of bytes that is not yet folded to 16 bits. Parts must begin at even places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// Of these words, as they lie in memory.
    #[inline(always)]
    pub const fn of<const N: usize>(words: [[u8; 4]; N]) -> Self {
        let mut sum = 0;
        let mut at = 0;
        while at < N {
            sum += u32::from_le_bytes(words[at]) as u64;
            at += 1;
        }
        Self(sum)
    }

    /// Of the pseudo-header that checksums of the transport layer begin with (RFC 9293 section 3.1, RFC 8200 section 8.1):
    /// source and destination as words, first byte lowest, and the bytes that the IP packet carries. That of IPv6 has the
    /// same numbers at other even places.
    #[inline(always)]
    pub const fn pseudo_header<const N: usize>(
        addresses: [u64; N],
        protocol: u8,
        length: u16,
    ) -> Self {
        let [high, low] = length.to_be_bytes();
        let mut sum = u32::from_le_bytes([0, protocol, high, low]) as u64;
        let mut at = 0;
        while at < N {
            sum += halves(addresses[at]);
            at += 1;
        }
        Self(sum)
    }

    /// Of words whose lowest byte is the first.
    #[inline(always)]
    pub const fn of_words<const N: usize>(words: [u32; N]) -> Self {
        let mut sum = 0;
        let mut at = 0;
        while at < N {
            sum += words[at] as u64;
            at += 1;
        }
        Self(sum)
    }

    /// Of both.
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The checksum that makes what was summed right, as it lies in the packet.
    #[inline(always)]
    pub const fn checksum(self) -> [u8; 2] {
        (!self.folded()).to_le_bytes()
    }

    /// Whether what was summed, its checksum included, is right.
    #[inline(always)]
    pub const fn is_right(self) -> bool {
        self.folded() == 0xffff
    }

    /// The sum in 16 bits.
    #[inline(always)]
    pub const fn folded(self) -> u16 {
        let sum = (self.0 & 0xffff_ffff) + (self.0 >> 32);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        (sum + (sum >> 16)) as u16
    }
}

/// What the bytes under a checksum change by, for mending it without the other bytes (RFC 1624, equation 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change(u64);

impl Change {
    /// From `old` to `new`: four or eight bytes at an even place, first byte lowest.
    #[inline(always)]
    pub const fn of(old: u64, new: u64) -> Self {
        Self(halves(!old) + halves(new))
    }

    /// Bytes that were not there.
    #[inline(always)]
    pub const fn inserted(sum: Sum) -> Self {
        Self(sum.0)
    }

    /// Both.
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The same at an odd place.
    #[inline(always)]
    pub const fn at_odd_place(self) -> Self {
        Self(Sum(self.0).folded().swap_bytes() as u64)
    }

    /// The same in 16 bits.
    #[inline(always)]
    pub const fn folded(self) -> Folded {
        Folded(Sum(self.0).folded())
    }

    /// The checksum after the change, as it lies in the packet.
    #[inline(always)]
    pub const fn mend(self, checksum: [u8; 2]) -> [u8; 2] {
        self.folded().mend(checksum)
    }
}

/// A [`Change`] in 16 bits: it can be kept for all packets that it is one of, and mending by it costs least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded(u16);

impl Folded {
    /// That of these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[inline(always)]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// What the change back is.
    #[inline(always)]
    pub const fn back(self) -> Self {
        Self(!self.0)
    }

    /// The checksum after the change, as it lies in the packet.
    #[inline(always)]
    pub const fn mend(self, checksum: [u8; 2]) -> [u8; 2] {
        let sum = !u16::from_le_bytes(checksum) as u32 + self.0 as u32;
        (!(sum + (sum >> 16)) as u16).to_le_bytes()
    }
}

/// The two 32-bit words of eight bytes, added up.
#[inline(always)]
const fn halves(word: u64) -> u64 {
    (word & 0xffff_ffff) + (word >> 32)
}

/// A UDP checksum as it is sent: 0 would say that there is none (RFC 768).
#[inline(always)]
pub const fn not_zero(checksum: [u8; 2]) -> [u8; 2] {
    match checksum {
        [0, 0] => [0xff; 2],
        other => other,
    }
}

/// A sum over part of a frame in steps of eight bytes, so that the kernel's loop helper can drive it as well as a loop.
#[derive(Clone, Copy, Debug)]
pub struct Summing {
    sum: u64,
    start: usize,
    end: usize,
    failed: bool,
}

impl Summing {
    /// How far from the start of a frame a sum may reach.
    const LIMIT: usize = 0x7fff;
    const WORD: usize = size_of::<u64>();

    /// Of `length` bytes at `offset`, of at least eight.
    #[inline(always)]
    pub const fn new(offset: usize, length: usize) -> Self {
        Self {
            sum: 0,
            start: offset,
            end: offset + length,
            failed: length < Self::WORD,
        }
    }

    /// Steps that so many bytes take.
    #[inline(always)]
    pub const fn steps(length: usize) -> u32 {
        length.div_ceil(Self::WORD) as u32
    }

    /// Adds the word of that number. Where a word is comes from its number alone, because the verifier follows whatever else
    /// changes from step to step.
    #[inline(always)]
    pub fn step(&mut self, number: u32, frame: &Frame<'_>) -> ControlFlow<()> {
        let at = self.start + number as usize * Self::WORD;
        if self.failed || at >= self.end {
            return ControlFlow::Break(());
        }
        let rest = self.end - at;
        // The last word is read where it ends, and what was added before is shifted out.
        let (from, added) = if rest < Self::WORD {
            (self.end - Self::WORD, Self::WORD - rest)
        } else {
            (at, 0)
        };
        let word = if from > Self::LIMIT {
            None
        } else {
            frame.read(from).map(u64::from_le_bytes)
        };
        let Some(word) = word else {
            self.failed = true;
            return ControlFlow::Break(());
        };
        let word = word >> (8 * (added & 7));
        self.sum += (word & 0xffff_ffff) + (word >> 32);
        ControlFlow::Continue(())
    }

    /// The sum, if all bytes were there.
    #[inline(always)]
    pub fn sum(&self) -> Option<Sum> {
        (!self.failed).then_some(Sum(self.sum))
    }
}

/// An IPv4 header's TTL, protocol and checksum, as one word whose lowest byte is the first, after the TTL went down by one.
///
/// The TTL is the lowest byte, so that the half with the checksum, its complement, goes up by one, and by the carry
/// once more.
#[inline(always)]
pub const fn after_ttl_decrement(word: u32) -> u32 {
    const ONE: u32 = 1 << 16;
    /// From this checksum on there is a carry.
    const LAST: u32 = 0xfffe << 16;
    let carry = if word >= LAST { ONE } else { 0 };
    word.wrapping_add(ONE - 1).wrapping_add(carry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Frame, sample::plain_sum};

    fn sum_of(bytes: &mut [u8], offset: usize, length: usize) -> Option<Sum> {
        let frame = Frame::from(bytes);
        let mut summing = Summing::new(offset, length);
        for number in 0..Summing::steps(length) {
            if summing.step(number, &frame).is_break() {
                break;
            }
        }
        summing.sum()
    }

    proptest! {
        #[test]
        fn a_sum_in_steps_is_the_plain_one(mut bytes in prop::collection::vec(any::<u8>(), 8..1400), offset in 0..70usize) {
            let offset = offset.min(bytes.len() - 8);
            let length = bytes.len() - offset;
            let expected = plain_sum(&bytes[offset..]);
            let sum = sum_of(&mut bytes, offset, length).unwrap();
            prop_assert_eq!(sum.checksum(), (!expected).to_be_bytes());
            prop_assert_eq!(sum.is_right(), expected == 0xffff);
        }

        #[test]
        fn parts_at_even_places_add_up(words in any::<[[u8; 4]; 7]>(), mut rest in prop::collection::vec(any::<u8>(), 8..50)) {
            let length = rest.len();
            let sum = Sum::of(words).and(sum_of(&mut rest, 0, length).unwrap());
            let mut all = words.concat();
            all.extend(&rest);
            prop_assert_eq!(sum.checksum(), (!plain_sum(&all)).to_be_bytes());
        }
    }

    proptest! {
        #[test]
        fn a_mended_checksum_is_the_one_from_scratch(
            mut bytes in prop::collection::vec(any::<u8>(), 8..60),
            new in any::<[u8; 8]>(),
            at in any::<prop::sample::Index>(),
        ) {
            prop_assume!(bytes.iter().any(|byte| *byte != 0) && new != [0; 8]);
            let at = at.index(bytes.len() - 7);
            let checksum = (!plain_sum(&bytes)).to_be_bytes();
            let old: [u8; 8] = bytes[at..at + 8].try_into().unwrap();
            bytes[at..at + 8].copy_from_slice(&new);
            let change = Change::of(u64::from_le_bytes(old), u64::from_le_bytes(new));
            let change = if at.is_multiple_of(2) { change } else { change.at_odd_place() };
            prop_assert_eq!(change.mend(checksum), (!plain_sum(&bytes)).to_be_bytes());
        }

        #[test]
        fn a_change_back_mends_what_the_change_did(bytes in prop::collection::vec(any::<u8>(), 8..60), new in any::<[u8; 8]>()) {
            prop_assume!(bytes[..8].iter().any(|byte| *byte != 0) && new != [0; 8]);
            let checksum = (!plain_sum(&bytes)).to_be_bytes();
            let old: [u8; 8] = bytes[..8].try_into().unwrap();
            let change = Change::of(u64::from_le_bytes(old), u64::from_le_bytes(new)).folded();
            let kept = Folded::from_bits(change.bits());
            prop_assert_eq!(kept.back().mend(kept.mend(checksum)), checksum);
        }

        #[test]
        fn inserted_words_count_like_changed_ones(words in any::<[[u8; 4]; 2]>(), mut bytes in prop::collection::vec(any::<u8>(), 8..60)) {
            prop_assume!(bytes.iter().any(|byte| *byte != 0));
            let checksum = (!plain_sum(&bytes)).to_be_bytes();
            bytes.splice(4..4, words.concat());
            let change = Change::inserted(Sum::of(words)).and(Change::of(7, 7));
            prop_assert_eq!(change.mend(checksum), (!plain_sum(&bytes)).to_be_bytes());
        }

        #[test]
        fn a_pseudo_header_is_the_same_for_both_families(addresses in any::<[u64; 4]>(), protocol in any::<u8>(), length in any::<u16>()) {
            let mut bytes = addresses.map(u64::to_le_bytes).concat();
            bytes.extend(u32::from(length).to_be_bytes());
            bytes.extend([0, 0, 0, protocol]);
            let sum = Sum::pseudo_header(addresses, protocol, length);
            prop_assert_eq!(sum.checksum(), (!plain_sum(&bytes)).to_be_bytes());
            let mut bytes = addresses[0].to_le_bytes().to_vec();
            bytes.extend([0, protocol]);
            bytes.extend(length.to_be_bytes());
            let sum = Sum::pseudo_header([addresses[0]], protocol, length);
            prop_assert_eq!(sum.checksum(), (!plain_sum(&bytes)).to_be_bytes());
        }
    }

    #[test]
    fn only_no_checksum_at_all_is_sent_otherwise() {
        assert_eq!(not_zero([0, 0]), [0xff, 0xff]);
        assert_eq!(not_zero([0, 1]), [0, 1]);
        assert_eq!(not_zero([0xff, 0xff]), [0xff, 0xff]);
    }

    #[test]
    fn bytes_that_the_frame_does_not_have_give_no_sum() {
        let mut bytes = [1; 20];
        assert!(sum_of(&mut bytes, 4, 16).is_some());
        assert!(sum_of(&mut bytes, 4, 17).is_none());
        assert!(sum_of(&mut bytes, 40_000, 8).is_none());
        assert!(sum_of(&mut bytes, 0, 7).is_none());
    }

    /// RFC 1071 over one TTL/protocol word and the rest of the header summed up in `rest`.
    fn from_scratch(ttl: u8, rest: u16) -> u16 {
        let sum = u32::from(ttl) << 8 | 6;
        let sum = sum + u32::from(rest);
        !((sum & 0xffff) + (sum >> 16)) as u16
    }

    #[test]
    fn it_agrees_with_a_checksum_from_scratch_for_every_rest_of_the_header() {
        for ttl in [1, 2, 64, 128, 255] {
            for rest in 0..=u16::MAX {
                let [high, low] = from_scratch(ttl, rest).to_be_bytes();
                let word = u32::from_le_bytes([ttl, 6, high, low]);
                let [hops, protocol, high, low] = after_ttl_decrement(word).to_le_bytes();
                assert_eq!((hops, protocol), (ttl - 1, 6));
                let after = u16::from_be_bytes([high, low]);
                let right = from_scratch(ttl - 1, rest);
                // 0x0000 and 0xffff are the same number in one's complement.
                assert_eq!(after % 0xffff, right % 0xffff, "ttl {ttl} rest {rest:#x}");
            }
        }
    }
}
