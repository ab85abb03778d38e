//! Counting. Packets are counted for each processor apart, connections by atomic addition.

use aya_ebpf::helpers::bpf_get_smp_processor_id;
use dray_abi::{Counters, Live, Meta, REASONS_PER_CPU, Reason, Settings};
use dray_packet::state::is_active;

use crate::{atomic, constants, maps};

/// Counts a packet of `bytes` for a destination.
#[inline(always)]
pub(crate) fn count_packet(destination: u32, bytes: u64) {
    if let Some(counters) = counters(destination) {
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

/// Counts a reply of `bytes` from a destination.
#[inline(always)]
pub(crate) fn count_reply(destination: u32, bytes: u64) {
    if let Some(counters) = counters(destination) {
        // SAFETY: as in `count_packet`.
        unsafe {
            (*counters).reply_packets = (*counters).reply_packets.wrapping_add(1);
            (*counters).reply_bytes = (*counters).reply_bytes.wrapping_add(bytes);
        }
    }
}

/// Counts a connection that begins.
#[inline(always)]
pub(crate) fn begin_connection(destination: u32, state: u8) {
    dray_begin_connection(destination, state as u32);
}

/// Counts a connection that ends.
#[inline(always)]
pub(crate) fn end_connection(meta: Meta) {
    dray_end_connection(meta.destination(), meta.state() as u32);
}

// As in `schedule.rs`: with a symbol, so that they are verified once.

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_begin_connection(destination: u32, state: u32) -> u32 {
    let Some(live) = maps::LIVE.get_ptr_mut(destination) else {
        return 0;
    };
    let one = unit(state as u8);
    // SAFETY: words of a map's value, here and below.
    let before = unsafe {
        atomic::add(&raw mut (*live).connections, 1);
        atomic::add(&raw mut (*live).active_inactive, one)
    };
    bound(live, Live::total(before.wrapping_add(one)));
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_end_connection(destination: u32, state: u32) -> u32 {
    let Some(live) = maps::LIVE.get_ptr_mut(destination) else {
        return 0;
    };
    let one = 0u64.wrapping_sub(unit(state as u8));
    // SAFETY: words of a map's value, here and below.
    let before = unsafe { atomic::add(&raw mut (*live).active_inactive, one) };
    unbound(live, Live::total(before.wrapping_add(one)));
    0
}

/// Counts a connection's change of state.
#[inline(always)]
pub(crate) fn move_connection(destination: u32, from: u8, to: u8) {
    if is_active(from) == is_active(to) {
        return;
    }
    if let Some(live) = maps::LIVE.get_ptr_mut(destination) {
        let change = unit(to).wrapping_sub(unit(from));
        // SAFETY: a word of a map's value.
        unsafe { atomic::add(&raw mut (*live).active_inactive, change) };
    }
}

/// Counts a template that begins.
#[inline(always)]
pub(crate) fn begin_template(destination: u32, settings: &Settings) {
    let Some(live) = maps::LIVE.get_ptr_mut(destination) else {
        return;
    };
    // SAFETY: words of a map's value.
    let word = unsafe {
        atomic::add32(&raw mut (*live).persistent, 1);
        atomic::load(&raw const (*live).active_inactive)
    };
    // Linux 6.1.176 looks at the threshold for templates too, though they do not count.
    if settings.options & Settings::RULES_6_1_176 != 0 {
        bound(live, Live::total(word));
    }
}

/// Counts a template that ends.
#[inline(always)]
pub(crate) fn end_template(destination: u32) {
    if let Some(live) = maps::LIVE.get_ptr_mut(destination) {
        // SAFETY: a word of a map's value.
        unsafe { atomic::add32(&raw mut (*live).persistent, u32::MAX) };
    }
}

/// Marks the destination as overloaded if with its `total` connections it is.
#[inline(always)]
fn bound(live: *mut Live, total: u32) {
    // SAFETY: words of a map's value. Packets on two processors may both store: either value is of this moment.
    unsafe {
        let upper = (&raw const (*live).upper).read_volatile();
        if Live::overloaded_after_bind(total, upper, false) {
            (&raw mut (*live).overloaded).write_volatile(1);
        }
    }
}

/// Takes that mark away when it is no longer so.
#[inline(always)]
fn unbound(live: *mut Live, total: u32) {
    // SAFETY: as above.
    unsafe {
        if (&raw const (*live).overloaded).read_volatile() == 0 {
            return;
        }
        let upper = (&raw const (*live).upper).read_volatile();
        let lower = (&raw const (*live).lower).read_volatile();
        if !Live::overloaded_after_unbind(total, upper, lower, true) {
            (&raw mut (*live).overloaded).write_volatile(0);
        }
    }
}

#[inline(always)]
fn counters(destination: u32) -> Option<*mut Counters> {
    let index = processor()
        .wrapping_mul(constants::destination_room())
        .wrapping_add(destination);
    maps::COUNTERS.get_ptr_mut(index)
}

#[inline(always)]
fn unit(state: u8) -> u64 {
    Live::one(is_active(state))
}

#[inline(always)]
fn processor() -> u32 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_get_smp_processor_id() as u32 }
}
