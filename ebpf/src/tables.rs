//! The maps as the schedulers see them.

use core::ffi::c_void;

use aya_ebpf::helpers::bpf_loop;
use dray_abi::Live;
use dray_sched::{Scan, Tables};

use crate::{atomic, maps};

/// The arena of scheduling records, and the connections that count.
pub(crate) struct Arena;

impl Tables for Arena {
    #[inline(always)]
    fn word(&self, index: u32) -> Option<u64> {
        maps::RECORDS.get(index).copied()
    }

    #[inline(always)]
    fn advance(&self, index: u32) -> Option<u64> {
        let word = maps::RECORDS.get_ptr_mut(index)?;
        // SAFETY: a word of a map's value.
        Some(unsafe { atomic::add(word, 1) })
    }

    #[inline(always)]
    fn live(&self, destination: u32) -> Option<(u32, u32)> {
        let live = maps::LIVE.get_ptr(destination)?;
        // SAFETY: a word of a map's value.
        Some(Live::split(unsafe {
            atomic::load(&raw const (*live).active_inactive)
        }))
    }

    #[inline(always)]
    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        // SAFETY: `step::<S>` takes what is passed here, which lives until the helper returns.
        unsafe {
            bpf_loop(
                count,
                step::<S> as *mut c_void,
                core::ptr::from_mut(scan).cast(),
                0,
            )
        };
    }
}

extern "C" fn step<S: Scan<Arena>>(index: u64, scan: *mut c_void) -> i64 {
    // SAFETY: the `scan` of `Arena::scan`, which nobody else uses meanwhile.
    let scan = unsafe { &mut *scan.cast::<S>() };
    scan.step(&Arena, index as u32).is_break() as i64
}
