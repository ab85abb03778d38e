//! A BPF array map in our own memory (`BPF_F_MMAPABLE`): reads and writes without system calls.

#![expect(unsafe_code, reason = "memory shared with programs in the kernel")]

use std::{
    io,
    marker::PhantomData,
    os::fd::BorrowedFd,
    ptr::NonNull,
    sync::atomic::{AtomicU32, AtomicU64},
};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An array of `T` that programs in the kernel share with us.
///
/// Values are copied in and out; single words can be had as atomics, which is how everything that packets
/// and we both write is reached.
pub(crate) struct Mapped<T> {
    base: NonNull<u8>,
    entries: u32,
    values: PhantomData<T>,
}

// SAFETY: the memory is shared with the kernel in any case; every access is volatile or atomic, and none
// hands out a reference to anything but an atomic.
unsafe impl<T> Send for Mapped<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Mapped<T> {}

impl<T: FromBytes + IntoBytes + Immutable> Mapped<T> {
    /// The kernel rounds values of arrays up to words; ours are whole words, so that there is no gap.
    const WHOLE_WORDS: () = assert!(size_of::<T>().is_multiple_of(8) && align_of::<T>() <= 8);

    /// Maps all `entries` of the array.
    pub(crate) fn new(map: BorrowedFd<'_>, entries: u32) -> io::Result<Self> {
        let () = Self::WHOLE_WORDS;
        let length = Self::bytes(entries);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                map,
                0,
            )?
        };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::Other)?;
        Ok(Self {
            base,
            entries,
            values: PhantomData,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.entries
    }

    /// The entry as it is now; `None` past the end. Packets may be writing it: words of it belong together
    /// only where the layout says so.
    pub(crate) fn read(&self, index: u32) -> Option<T> {
        // SAFETY: `at` checked the bounds; every bit pattern is a T.
        self.at(index)
            .map(|entry| unsafe { entry.cast::<T>().read_volatile() })
    }

    /// What lies at byte `offset` of the entry, a multiple of 8, as [`Self::read`] gives the whole.
    pub(crate) fn read_part<P: FromBytes>(&self, index: u32, offset: usize) -> Option<P> {
        const { assert!(align_of::<P>() <= 8) };
        let fits = offset.is_multiple_of(8) && offset + size_of::<P>() <= size_of::<T>();
        let entry = self.at(index).filter(|_| fits)?;
        // SAFETY: inside the entry and aligned, by the checks above; every bit pattern is a P.
        Some(unsafe { entry.add(offset).cast::<P>().read_volatile() })
    }

    /// Writes the entry; says whether there is one. No packet may be reading it.
    pub(crate) fn write(&self, index: u32, value: T) -> bool {
        // SAFETY: as in `read`.
        self.at(index)
            .map(|entry| unsafe { entry.cast::<T>().write_volatile(value) })
            .is_some()
    }

    /// Makes every entry zero, as it is when the map is made.
    pub(crate) fn clear(&self) {
        for index in 0..self.entries {
            self.write(index, T::new_zeroed());
        }
    }

    /// The word at byte `offset` (a multiple of 8) of the entry.
    pub(crate) fn word(&self, index: u32, offset: usize) -> Option<&AtomicU64> {
        debug_assert!(offset.is_multiple_of(8) && offset < size_of::<T>());
        let entry = self.at(index)?;
        // SAFETY: an aligned word inside the mapping, which lives as long as `self`.
        Some(unsafe { AtomicU64::from_ptr(entry.add(offset).cast::<u64>().as_ptr()) })
    }

    /// The half word at byte `offset` (a multiple of 4) of the entry, for what packets write as one.
    pub(crate) fn half(&self, index: u32, offset: usize) -> Option<&AtomicU32> {
        debug_assert!(offset.is_multiple_of(4) && offset < size_of::<T>());
        let entry = self.at(index)?;
        // SAFETY: as in `word`.
        Some(unsafe { AtomicU32::from_ptr(entry.add(offset).cast::<u32>().as_ptr()) })
    }

    fn at(&self, index: u32) -> Option<NonNull<u8>> {
        // SAFETY: inside the mapping.
        (index < self.entries).then(|| unsafe { self.base.add(index as usize * size_of::<T>()) })
    }

    fn bytes(entries: u32) -> usize {
        (entries as usize * size_of::<T>()).next_multiple_of(rustix::param::page_size())
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        let length =
            (self.entries as usize * size_of::<T>()).next_multiple_of(rustix::param::page_size());
        // SAFETY: our own mapping, whole, and nobody holds a reference into it any more.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), length) };
    }
}
