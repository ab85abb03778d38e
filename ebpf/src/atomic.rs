//! Atomic operations on map memory. `core::sync::atomic` has no read-modify-write for this target, though its
//! instruction set does (ISA v3); the compiler's intrinsics become exactly those instructions.

use core::intrinsics::{AtomicOrdering, atomic_cxchg, atomic_xadd, atomic_xchg};

/// One aligned word as it is now: packets on other processors may be writing it.
///
/// # Safety
/// `word` points into a map's value and is aligned.
#[inline(always)]
pub(crate) unsafe fn load(word: *const u64) -> u64 {
    // SAFETY: the caller's.
    unsafe { word.read_volatile() }
}

/// Stores `value` after everything written before it.
///
/// # Safety
/// As for [`load`].
#[inline(always)]
pub(crate) unsafe fn store(word: *mut u64, value: u64) {
    // SAFETY: the caller's.
    let _ = unsafe { atomic_xchg::<u64, { AtomicOrdering::AcqRel }>(word, value) };
}

/// Replaces `old` by `new`; says whether `old` was still there.
///
/// # Safety
/// As for [`load`].
#[inline(always)]
pub(crate) unsafe fn replace(word: *mut u64, old: u64, new: u64) -> bool {
    // SAFETY: the caller's.
    unsafe {
        atomic_cxchg::<u64, { AtomicOrdering::AcqRel }, { AtomicOrdering::Acquire }>(word, old, new)
            .1
    }
}

/// Adds `value`, wrapping; returns what was there.
///
/// # Safety
/// As for [`load`].
#[inline(always)]
pub(crate) unsafe fn add(word: *mut u64, value: u64) -> u64 {
    // SAFETY: the caller's.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::AcqRel }>(word, value) }
}

/// As [`add`], for a word of 32 bits.
///
/// # Safety
/// As for [`load`].
#[inline(always)]
pub(crate) unsafe fn add32(word: *mut u32, value: u32) -> u32 {
    // SAFETY: the caller's.
    unsafe { atomic_xadd::<u32, u32, { AtomicOrdering::AcqRel }>(word, value) }
}
