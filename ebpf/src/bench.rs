//! Programs of the benchmark: what the director's program is measured with and against.
//!
//! `BPF_PROG_TEST_RUN` does not restore the packet between two runs, so `restore` does, gives it its length again, chooses the flow,
//! and hands over to the program under test by a tail call. `null` gives the price of all that; `lookup` is the unit
//! that prices are told in.
#![no_std]
#![no_main]

use aya_ebpf::{
    bindings::xdp_action,
    helpers::{bpf_xdp_adjust_head, bpf_xdp_get_buff_len},
    macros::{map, xdp},
    maps::{Array, HashMap, ProgramArray},
    programs::XdpContext,
};
use dray_packet::Frame;

/// Bytes of the frame that are restored: all headers of the longest.
const HEADERS: usize = 80;

/// The frame's headers, and how flows are made of them. User space writes; `restore` moves `next`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plan {
    headers: [[u8; 16]; HEADERS / 16],
    /// Number of the next flow.
    next: u32,
    /// One less than the number of flows, a power of two.
    mask: u32,
    /// Where the last four bytes of the client's address lie.
    address: u32,
    /// Where the client's port lies.
    port: u32,
    /// 1: flows in an order that looks random and visits each once; 0: one after another.
    shuffled: u32,
    /// Bytes of the whole frame.
    length: u32,
}

#[map]
static PLAN: Array<Plan> = Array::with_max_entries(1, 0);
#[map]
static UNDER_TEST: ProgramArray = ProgramArray::with_max_entries(1, 0);
#[map]
static FLOWS: HashMap<[u8; 12], u64> = HashMap::with_max_entries(1, 0);

/// Restores the headers, makes the next flow's out of them, and runs the program under test.
#[xdp(frags)]
pub fn restore(context: XdpContext) -> u32 {
    if prepare(&context).is_some() {
        // SAFETY: the program takes the same context; on failure it simply does not run.
        unsafe { UNDER_TEST.tail_call(&context, 0) };
    }
    xdp_action::XDP_ABORTED
}

/// Does nothing.
#[xdp(frags)]
pub fn null(_context: XdpContext) -> u32 {
    xdp_action::XDP_TX
}

/// One hit in a kernel hash map by a 12-byte key (addresses and ports of IPv4). A flow that is not there yet is
/// put there, so that a first round fills the map.
#[xdp(frags)]
pub fn lookup(context: XdpContext) -> u32 {
    let Some(key) = frame(&context).read::<[u8; 12]>(26) else {
        return xdp_action::XDP_ABORTED;
    };
    if FLOWS.get_ptr(key).is_some() {
        return xdp_action::XDP_TX;
    }
    let _ = FLOWS.insert(key, 1, 0);
    xdp_action::XDP_PASS
}

#[inline(always)]
fn prepare(context: &XdpContext) -> Option<()> {
    let plan = PLAN.get_ptr_mut(0)?;
    // SAFETY: the map's one value; the benchmark runs on one processor at a time.
    let plan = unsafe { &mut *plan };
    // What the last run put in front goes. The helpers are called in any case, so that their price is the null program's too.
    // SAFETY: they get the context that the kernel gave; the frame is taken after them.
    unsafe {
        let surplus = bpf_xdp_get_buff_len(context.ctx) as i32 - plan.length as i32;
        if bpf_xdp_adjust_head(context.ctx, surplus) != 0 {
            return None;
        }
    }
    let frame = frame(context);
    frame.write(0, plan.headers)?;
    let flow = plan.next;
    plan.next = flow.wrapping_add(1) & plan.mask;
    // An odd factor permutes the numbers below a power of two.
    let flow = if plan.shuffled != 0 {
        flow.wrapping_mul(0x9e37_79b1) & plan.mask
    } else {
        flow
    };
    // 2^14 ports of each client, from 16384 on.
    let port = (flow & 0x3fff) as u16 | 0x4000;
    let (address, at) = (plan.address as usize, plan.port as usize);
    if address > HEADERS || at > HEADERS {
        return None;
    }
    frame.write(address, (0x0a80_0001 + (flow >> 14)).to_be_bytes())?;
    frame.write(at, port.to_be_bytes())
}

#[inline(always)]
fn frame(context: &XdpContext) -> Frame<'_> {
    // SAFETY: the kernel gives data..data_end to this run of the program alone.
    unsafe { Frame::from_raw(context.data() as *mut u8, context.data_end() as *mut u8) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
