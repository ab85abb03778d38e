//! Persistence by call: what tells sessions apart is the Call-ID of a SIP message over UDP.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::{helpers::bpf_loop, programs::XdpContext};
use dray_packet::sip::CallId;

use crate::{constants, frame, icmp::Message, maps, own};

/// Bytes of a UDP header.
const UDP_HEADER: usize = 8;

/// How far into a message its Call-ID is looked for, in bytes.
const REACH: u32 = 1460;

/// Looks for the Call-ID in the packet at `offset`, and leaves it in the scratch memory: 1 if there is one, else 0.
#[inline(never)]
pub(crate) fn read<P: Message>(context: &XdpContext, offset: usize) -> u32 {
    let context = own(context);
    let Ok((_, transport)) = P::header(context, offset) else {
        return 0;
    };
    let [_, _, _, _, _, _, _, _, first, second, _] = constants::hash_key().multipliers;
    let mut search = Search {
        context,
        payload: transport.offset + UDP_HEADER,
        call: CallId::new([first, second]),
    };
    // SAFETY: `step` takes what is passed here, which lives until the helper returns.
    unsafe { bpf_loop(REACH, step as *mut c_void, (&raw mut search).cast(), 0) };
    let (Some([low, high]), Ok(scratch)) = (search.call.found(), maps::scratch()) else {
        return 0;
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time.
    unsafe { (*scratch).session = [1, low, high] };
    1
}

struct Search<'a> {
    context: &'a XdpContext,
    payload: usize,
    call: CallId,
}

extern "C" fn step(index: u64, search: *mut c_void) -> i64 {
    // SAFETY: the `search` of `read`, which nobody else uses meanwhile.
    let search = unsafe { &mut *search.cast::<Search<'_>>() };
    let number = index as u32;
    // The bounds are the verifier's, which does not know how often the helper calls.
    if search.payload > 2048 || number >= REACH {
        return 1;
    }
    let Some(byte) = frame(search.context).read::<u8>(search.payload + number as usize) else {
        return 1;
    };
    (search.call.step(number, byte) == ControlFlow::Break(())) as i64
}
