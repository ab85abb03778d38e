//! The maximum segment size that a SYN announces, lowered to what fits into the way to the real server. Few packets are SYNs, so
//! it is a function with a symbol, which costs the others nothing.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::{bindings::xdp_md, helpers::bpf_loop, programs::XdpContext};
use dray_packet::{
    Upper, ipv4,
    mss::{self, Announced, Search},
};

use crate::{answer::LONGEST_LINK, extension, frame};

/// Lowers what the SYN at `offset` announces to `limit` bytes.
#[inline(always)]
pub(crate) fn clamp(context: &XdpContext, offset: usize, limit: u32) {
    dray_clamp(context.ctx, offset as u32, limit);
}

/// 1 if it announced more, else 0: the kernel takes only functions that return a number.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_clamp(context: *mut xdp_md, offset: u32, limit: u32) -> u32 {
    let context = XdpContext::new(context);
    let offset = offset as usize;
    if offset > LONGEST_LINK {
        return 0;
    }
    let Some((length, upper)) = header(&context, offset) else {
        return 0;
    };
    let drive = |search| drive(&context, search);
    let end = offset + length as usize;
    let announced = mss::clamp_by(&frame(&context), upper.offset, end, limit as u16, drive);
    (announced == Announced::More) as u32
}

/// The packet's length, and what it carries.
#[inline(always)]
fn header(context: &XdpContext, offset: usize) -> Option<(u32, Upper)> {
    let version: u8 = frame(context).read(offset)?;
    if version >> 4 == 4 {
        let (packet, upper) = ipv4::header(&frame(context), offset).ok()?;
        Some((packet.length as u32, upper))
    } else {
        let (packet, upper) = extension::header(context, offset).ok()?;
        Some((packet.length, upper))
    }
}

/// A search for the option, and the frame by its context: the pointers to its ends do not go through the loop's helper.
struct Job<'a> {
    context: &'a XdpContext,
    search: Search,
}

/// Searches to the end.
#[inline(always)]
fn drive(context: &XdpContext, search: Search) -> Search {
    let mut job = Job { context, search };
    // SAFETY: `step` takes what is passed here, which lives until the helper returns.
    unsafe { bpf_loop(Search::STEPS, step as *mut c_void, (&raw mut job).cast(), 0) };
    job.search
}

extern "C" fn step(_index: u64, job: *mut c_void) -> i64 {
    // SAFETY: the `job` of `drive`, which nobody else uses meanwhile.
    let job = unsafe { &mut *job.cast::<Job<'_>>() };
    let frame = frame(job.context);
    (job.search.step(&frame) == ControlFlow::Break(())) as i64
}
