//! IPv6 extension headers, away from the usual packet's way: walked by the kernel's loop helper, because the verifier follows each
//! way through a loop that is written out.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::{helpers::bpf_loop, programs::XdpContext};
use dray_packet::{
    Refusal, Upper,
    ipv6::{self, Walk},
};

use crate::{frame, maps};

/// The header of the IPv6 packet at `offset`, and what it carries.
#[inline(always)]
pub(crate) fn header(
    context: &XdpContext,
    offset: usize,
) -> Result<(ipv6::Packet, Upper), Refusal> {
    ipv6::header_by(&frame(context), offset, |walk| drive(context, walk))
}

/// Walks to the end.
#[inline(always)]
pub(crate) fn drive(context: &XdpContext, walk: Walk) -> Walk {
    let Ok(scratch) = maps::scratch() else {
        return walk;
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time; `walk_on` reads it and writes it again.
    unsafe {
        (*scratch).walk.write(walk);
        walk_on(context);
        (*scratch).walk.assume_init()
    }
}

#[inline(never)]
fn walk_on(context: &XdpContext) {
    let Ok(scratch) = maps::scratch() else {
        return;
    };
    // SAFETY: as above: `drive` has written it.
    let walk = unsafe { (*scratch).walk.assume_init() };
    let mut job = Job { context, walk };
    // SAFETY: `step` takes what is passed here, which lives until the helper returns.
    unsafe { bpf_loop(Walk::STEPS, step as *mut c_void, (&raw mut job).cast(), 0) };
    // SAFETY: as above.
    unsafe { (*scratch).walk.write(job.walk) };
}

/// A walk, and the frame by its context: the pointers to its ends do not go through the loop's helper.
struct Job<'a> {
    context: &'a XdpContext,
    walk: Walk,
}

extern "C" fn step(_index: u64, job: *mut c_void) -> i64 {
    // SAFETY: the `job` of `drive`, which nobody else uses meanwhile.
    let job = unsafe { &mut *job.cast::<Job<'_>>() };
    let frame = frame(job.context);
    (job.walk.step(&frame) == ControlFlow::Break(())) as i64
}
