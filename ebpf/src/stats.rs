//! Counting. Packets are counted for each processor apart, connections by atomic addition.

use aya_ebpf::helpers::bpf_get_smp_processor_id;
use dray_abi::{Live, Meta, REASONS_PER_CPU, Reason};
use dray_packet::tcp;

use crate::{atomic, constants, maps};

/// Counts a packet of `bytes` for a destination.
#[inline(always)]
pub(crate) fn count_packet(destination: u32, bytes: u64) {
    let index = processor()
        .wrapping_mul(constants::destination_room())
        .wrapping_add(destination);
    if let Some(counters) = maps::COUNTERS.get_ptr_mut(index) {
        // SAFETY: an entry of this processor's own, which nothing else writes while the program runs.
        unsafe {
            (*counters).packets = (*counters).packets.wrapping_add(1);
            (*counters).bytes = (*counters).bytes.wrapping_add(bytes);
        }
    }
}

/// Counts a packet under a reason.
#[inline(always)]
pub(crate) fn count_reason(reason: Reason) {
    let index = processor()
        .wrapping_mul(REASONS_PER_CPU)
        .wrapping_add(reason as u32);
    if let Some(count) = maps::REASONS.get_ptr_mut(index) {
        // SAFETY: as in `count_packet`.
        unsafe { *count = (*count).wrapping_add(1) };
    }
}

/// Counts a connection that begins.
#[inline(always)]
pub(crate) fn begin_connection(destination: u32, state: u8) {
    if let Some(live) = maps::LIVE.get_ptr_mut(destination) {
        // SAFETY: words of a map's value.
        unsafe {
            atomic::add(&raw mut (*live).active_inactive, unit(state));
            atomic::add(&raw mut (*live).connections, 1);
        }
    }
}

/// Counts a connection that ends.
#[inline(always)]
pub(crate) fn end_connection(meta: Meta) {
    add_live(meta.destination(), 0u64.wrapping_sub(unit(meta.state())));
}

/// Counts a connection's change of state.
#[inline(always)]
pub(crate) fn move_connection(destination: u32, from: u8, to: u8) {
    if tcp::is_active(from) != tcp::is_active(to) {
        add_live(destination, unit(to).wrapping_sub(unit(from)));
    }
}

#[inline(always)]
fn add_live(destination: u32, change: u64) {
    if let Some(live) = maps::LIVE.get_ptr_mut(destination) {
        // SAFETY: a word of a map's value.
        unsafe { atomic::add(&raw mut (*live).active_inactive, change) };
    }
}

#[inline(always)]
fn unit(state: u8) -> u64 {
    Live::one(tcp::is_active(state))
}

#[inline(always)]
fn processor() -> u32 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_get_smp_processor_id() as u32 }
}
