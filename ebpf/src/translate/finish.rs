//! What few packets need after their addresses were changed, or in order to be: one function after another, so that each has the
//! stack for itself.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::xdp_md, programs::XdpContext};
use dray_abi::Reason;

use super::{Outcome, Sense, Step, Translated, done, job, sense, tell};
use crate::{
    fragment,
    link::Link,
    maps, mss, open,
    send::{self, Stop, Way},
};

/// What is left to do for a packet.
#[repr(C)]
pub(crate) struct Rest {
    /// [`Rest::CROSS`] and the like.
    todo: u32,
    /// The number of the real server's next hop.
    hop: u32,
    /// Where the datagram to be completed starts, and how many bytes it has.
    upper: u32,
    length: u32,
    way: MaybeUninit<Way>,
}

impl Rest {
    /// The packet becomes one of the other family.
    pub(super) const CROSS: u32 = 1;
    /// The datagram gets a checksum.
    pub(super) const COMPLETE: u32 = 1 << 1;
    /// The maximum segment size is lowered.
    pub(super) const CLAMP: u32 = 1 << 2;
    /// The real server is told the client's address.
    pub(super) const TELL: u32 = 1 << 3;
}

/// Sends the packet if that is all that is left to do.
#[inline(always)]
pub(super) fn step(
    context: &XdpContext,
    link: &Link,
    todo: u32,
    hop: u32,
    way: &Way,
) -> Result<Step, Stop> {
    if todo == 0 {
        return Ok(Step::Gone(send::leave(context, link, way)?));
    }
    let scratch = maps::scratch()?;
    // SAFETY: the processor's own memory, and it has one packet in hand at a time, here and below.
    unsafe {
        let rest = &raw mut (*scratch).rest;
        (*rest).todo = todo;
        (*rest).hop = hop;
        (&raw mut (*rest).way).write(MaybeUninit::new(*way));
    }
    Ok(Step::Unfinished)
}

/// Notes what part of the packet is a datagram to be completed; its IP header starts at `offset`.
#[inline(always)]
pub(super) fn datagram<P: Translated>(packet: &P, offset: usize) -> Result<(), Reason> {
    let upper = packet.upper(offset);
    let length = (offset + packet.length() as usize).saturating_sub(upper);
    segment(upper as u32, length as u32)
}

/// Notes where the datagram starts and how many bytes it has.
#[inline(always)]
pub(super) fn segment(upper: u32, length: u32) -> Result<(), Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    unsafe {
        (*scratch).rest.upper = upper;
        (*scratch).rest.length = length;
    }
    Ok(())
}

/// The datagram is to be completed, too.
#[inline(always)]
pub(super) fn complete_too(upper: u32, length: u32) -> Result<(), Reason> {
    segment(upper, length)?;
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    unsafe { (*scratch).rest.todo |= Rest::COMPLETE };
    Ok(())
}

/// Runs the functions that the packet needs.
#[inline(always)]
pub(super) fn finish<P: Translated>(context: *mut xdp_md, outcome: Outcome) -> Outcome {
    remember_fragments::<P>();
    if outcome.0 & Outcome::UNFINISHED == 0 {
        return outcome;
    }
    match transform::<P>(context) {
        Ok(()) => Outcome(dray_depart(context)),
        Err(reason) => Outcome::encode(Err(reason.into())),
    }
}

/// Remembers where the packet goes if it is the first of several fragments.
#[inline(always)]
fn remember_fragments<P: Translated>() {
    if let (Ok(job), Ok(arrival)) = (job(), open::arrival::<P>())
        && arrival.packet.has_fragments()
        && sense().translation != Sense::ONE_PACKET
    {
        fragment::remember(&arrival.packet, arrival.tick, job.destination, sense());
    }
}

#[inline(always)]
fn transform<P: Translated>(context: *mut xdp_md) -> Result<(), Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    let rest = unsafe { &raw const (*scratch).rest };
    // SAFETY: as above; volatile, because the functions that are called change it.
    let todo = || unsafe { (&raw const (*rest).todo).read_volatile() };
    let crosses = todo() & Rest::CROSS != 0;
    if crosses {
        done(P::cross(context))?;
    }
    if todo() & Rest::COMPLETE != 0 {
        // SAFETY: as above.
        let (upper, length) = unsafe { ((*rest).upper, (*rest).length) };
        done(if crosses {
            <P::Other as Translated>::complete(context, upper, length)
        } else {
            P::complete(context, upper, length)
        })?;
    }
    if todo() & (Rest::CLAMP | Rest::TELL) == 0 {
        return Ok(());
    }
    let link = job()?.link;
    // SAFETY: as above.
    let hop = maps::HOPS
        .get(unsafe { (*rest).hop })
        .ok_or(Reason::NoNextHop)?;
    if todo() & Rest::CLAMP != 0 {
        mss::clamp(&XdpContext::new(context), link.offset(), hop.mss);
    }
    if todo() & Rest::TELL == 0 {
        return Ok(());
    }
    let family = match (P::FAMILY, crosses) {
        (4, false) | (6, true) => 4,
        _ => 6,
    };
    tell::tell(context, &link, family, sense().translation, hop)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_depart(context: *mut xdp_md) -> u64 {
    Outcome::encode(depart(&XdpContext::new(context))).0
}

/// Sends the packet that waits.
#[inline(always)]
fn depart(context: &XdpContext) -> Result<Step, Stop> {
    let link = job()?.link;
    let scratch = maps::scratch()?;
    // SAFETY: as above; `step` has written it.
    let way = unsafe { (*scratch).rest.way.assume_init_ref() };
    Ok(Step::Gone(send::leave(context, &link, way)?))
}
