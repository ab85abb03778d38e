//! A frame's bytes, with every access checked against its end.

use core::marker::PhantomData;

use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

/// A frame's bytes, `start..end`.
///
/// Values are copied in and out, never borrowed: nothing can be held across a change of the frame's ends.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    start: *mut u8,
    end: *mut u8,
    bytes: PhantomData<&'a mut [u8]>,
}

impl<'a> Frame<'a> {
    /// The frame that lies at `start..end`.
    ///
    /// # Safety
    /// `start..end` is one allocation, readable and writable for `'a` through this value alone.
    #[inline(always)]
    #[expect(unsafe_code, reason = "the XDP context gives addresses, not a slice")]
    pub unsafe fn from_raw(start: *mut u8, end: *mut u8) -> Self {
        Self {
            start,
            end,
            bytes: PhantomData,
        }
    }

    /// The `T` at `offset`, if the frame reaches that far.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "the bounds check has to be in the form that the eBPF verifier follows"
    )]
    pub fn read<T: FromBytes + Unaligned + Copy>(&self, offset: usize) -> Option<T> {
        let at = self.at(offset, size_of::<T>())?;
        // SAFETY: `at` checked that `size_of::<T>()` bytes from there lie in the frame; every bit pattern is a T
        // (FromBytes) and any address will do (Unaligned).
        Some(unsafe { at.cast::<T>().read() })
    }

    /// Writes `value` at `offset`; `None` (and nothing written) if the frame does not reach that far.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "the bounds check has to be in the form that the eBPF verifier follows"
    )]
    pub fn write<T: IntoBytes + Immutable + Unaligned>(
        &self,
        offset: usize,
        value: T,
    ) -> Option<()> {
        let at = self.at(offset, size_of::<T>())?;
        // SAFETY: as in `read`; the bytes are ours to write by the contract of `from_raw`.
        unsafe { at.cast::<T>().write(value) };
        Some(())
    }

    /// Writes words at `offset` as they lie in memory, each by one store; `None` (and nothing written) if the frame does not
    /// reach that far.
    #[inline(always)]
    #[expect(
        unsafe_code,
        reason = "the bounds check has to be in the form that the eBPF verifier follows"
    )]
    pub fn write_words<const N: usize>(&self, offset: usize, words: [u32; N]) -> Option<()> {
        let at = self.at(offset, size_of::<[u32; N]>())?.cast::<u32>();
        for (index, word) in words.into_iter().enumerate() {
            // SAFETY: as in `write`; `N` words from `at` on lie in the frame.
            unsafe { at.wrapping_add(index).write_unaligned(word) };
        }
        Some(())
    }

    /// The `N` bytes at `offset`, if the frame reaches that far.
    #[inline(always)]
    pub fn part<const N: usize>(&self, offset: usize) -> Option<Part<'a, N>> {
        let start = self.at(offset, N)?;
        Some(Part {
            start,
            frame: PhantomData,
        })
    }

    /// Whether the frame has at least `length` bytes.
    #[inline(always)]
    pub fn reaches(&self, length: usize) -> bool {
        self.at(0, length).is_some()
    }

    #[inline(always)]
    fn at(&self, offset: usize, size: usize) -> Option<*mut u8> {
        let at = self.start.wrapping_add(offset);
        (at.wrapping_add(size) <= self.end).then_some(at)
    }
}

/// `N` bytes of a frame that are known to be there: a header, whose fields are loaded and stored one by one, without another
/// bounds check and each by one instruction.
#[derive(Clone, Copy)]
pub struct Part<'a, const N: usize> {
    start: *mut u8,
    frame: PhantomData<Frame<'a>>,
}

impl<'a, const N: usize> Part<'a, N> {
    /// Its first bytes.
    #[inline(always)]
    pub fn first<const M: usize>(self) -> Part<'a, M> {
        const { assert!(M <= N) };
        Part {
            start: self.start,
            frame: self.frame,
        }
    }

    /// The number at `AT`, first byte lowest.
    #[inline(always)]
    #[expect(unsafe_code, reason = "a checked pointer into the frame")]
    pub fn load<const AT: usize, T: Word>(self) -> T {
        const { assert!(AT + size_of::<T>() <= N) };
        // SAFETY: those bytes lie in the part, all of which lies in the frame; every bit pattern is a number.
        T::from_le(unsafe { self.start.wrapping_add(AT).cast::<T>().read_unaligned() })
    }

    /// Stores a number at `AT`, first byte lowest.
    #[inline(always)]
    #[expect(unsafe_code, reason = "a checked pointer into the frame")]
    pub fn store<const AT: usize, T: Word>(self, value: T) {
        const { assert!(AT + size_of::<T>() <= N) };
        let at = self.start.wrapping_add(AT).cast::<T>();
        // SAFETY: as in `load`; the bytes are ours to write by the contract of `Frame::from_raw`.
        unsafe { at.write_unaligned(value.to_le()) };
    }
}

/// A number that one instruction loads.
pub trait Word: Copy + FromBytes + IntoBytes + Immutable {
    /// From the order of bytes in memory that has the lowest one first; [`Word::to_le`] is the other way round.
    fn from_le(value: Self) -> Self;
    /// To that order.
    fn to_le(self) -> Self;
}

macro_rules! words {
    ($($word:ty),*) => {
        $(impl Word for $word {
            #[inline(always)]
            fn from_le(value: Self) -> Self {
                <$word>::from_le(value)
            }

            #[inline(always)]
            fn to_le(self) -> Self {
                <$word>::to_le(self)
            }
        })*
    };
}

words!(u8, u16, u32, u64);

impl<'a> From<&'a mut [u8]> for Frame<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        let range = bytes.as_mut_ptr_range();
        Self {
            start: range.start,
            end: range.end,
            bytes: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_only_when_it_lies_whole_in_the_frame() {
        let mut bytes = [1, 2, 3, 4];
        let frame = Frame::from(&mut bytes[..]);
        assert_eq!(frame.read::<[u8; 2]>(2), Some([3, 4]));
        assert_eq!(frame.read::<[u8; 2]>(3), None);
        assert_eq!(frame.read::<[u8; 5]>(0), None);
        assert!(frame.reaches(4) && !frame.reaches(5));
    }

    #[test]
    fn a_value_that_does_not_fit_is_not_written() {
        let mut bytes = [0; 3];
        let frame = Frame::from(&mut bytes[..]);
        assert_eq!(frame.write(1, [7u8, 8]), Some(()));
        assert_eq!(frame.write(2, [9u8, 9]), None);
        assert_eq!(bytes, [0, 7, 8]);
    }

    #[test]
    fn a_part_lies_whole_in_the_frame_and_has_its_lowest_byte_first() {
        let mut bytes = [0, 1, 2, 3, 4];
        let frame = Frame::from(&mut bytes[..]);
        assert!(frame.part::<4>(2).is_none());
        let part = frame.part::<4>(1).unwrap();
        assert_eq!(part.load::<0, u32>(), 0x0403_0201);
        assert_eq!(part.load::<1, u16>(), 0x0302);
        part.store::<2, u16>(0x0807);
        assert_eq!(bytes, [0, 1, 2, 7, 8]);
    }

    #[test]
    fn words_are_written_all_or_none() {
        let mut bytes = [0; 9];
        let frame = Frame::from(&mut bytes[..]);
        let words = [0x0403_0201_u32, 0x0807_0605].map(u32::from_le);
        assert_eq!(frame.write_words(2, words), None);
        assert_eq!(frame.write_words(1, words), Some(()));
        assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
