//! Answers to the senders of packets that cannot be forwarded. What is written, and to whom, is `dray_packet::answer`'s matter;
//! here is how a frame is changed in the kernel, and how many answers there may be.

use core::{ffi::c_void, ops::ControlFlow};

use aya_ebpf::{
    helpers::{
        bpf_get_smp_processor_id, bpf_loop, bpf_xdp_adjust_head, bpf_xdp_adjust_tail,
        generated::bpf_xdp_get_buff_len,
    },
    programs::XdpContext,
};
use dray_abi::{ANSWERS, REASONS_PER_CPU, Reason, Settings};
use dray_packet::{
    Frame, Refusal, Upper,
    answer::{self, Answer, Buffer, Silence},
    checksum::{Sum, Summing},
    ipv6,
};

use crate::{extension, frame, maps};

/// The longest link layer: two VLAN tags.
pub(crate) const LONGEST_LINK: usize = 22;

/// Ticks that answers are counted in together, a power of two.
const WINDOW: u32 = 16;

/// Whether the sender of a packet that stops for this reason may get an answer.
#[inline(always)]
pub(crate) fn is_due(stopped: Reason) -> bool {
    matches!(
        stopped,
        Reason::NoDestination | Reason::TimeToLive | Reason::TooBig
    )
}

/// Makes the frame an answer to the sender of a packet that stops for this reason. Gives the reason that the packet is to be
/// counted under now; one with the verdict "forward" means that the frame goes back as an answer.
///
/// `link` is the link layer's length, `mtu` the largest packet that fits where that is the reason. Nothing of the frame may
/// have been changed.
#[inline(always)]
pub(crate) fn answer(
    context: &XdpContext,
    stopped: Reason,
    link: usize,
    mtu: u32,
    tick: u32,
) -> Reason {
    Reason::from_number(write(context, stopped as u32, link, mtu, tick)).unwrap_or(stopped)
}

/// Reasons as numbers, because what a function may take and return here are registers.
#[inline(never)]
fn write(context: &XdpContext, stopped: u32, link: usize, mtu: u32, tick: u32) -> u32 {
    let stopped = Reason::from_number(stopped).unwrap_or(Reason::NoDestination);
    let Ok(port) = maps::port() else {
        return silent(stopped) as u32;
    };
    if link > LONGEST_LINK {
        return silent(stopped) as u32;
    }
    let mut buffer = Xdp {
        context,
        tick,
        limit: port.settings.answers,
    };
    let [a, b, c, d, e, f, _, _] = port.mac.to_le_bytes();
    let own = [a, b, c, d, e, f];
    let options = port.settings.options;
    let answer = match stopped {
        Reason::NoDestination if options & Settings::REFUSE_SILENTLY != 0 => {
            return Reason::NoDestination as u32;
        }
        Reason::NoDestination if options & Settings::REFUSE_BY_RESET != 0 => Answer::Reset,
        Reason::NoDestination => Answer::PortUnreachable,
        Reason::TimeToLive => Answer::TimeExceeded,
        Reason::TooBig => Answer::TooBig(mtu),
        other => return other as u32,
    };
    let reason = match answer::answer(&mut buffer, link, own, answer) {
        Ok(Answer::PortUnreachable) => Reason::Unreachable,
        Ok(Answer::TimeExceeded) => Reason::TimeExceeded,
        Ok(Answer::TooBig(_)) => Reason::TooBig,
        Ok(Answer::Reset) => Reason::Reset,
        Err(Silence::Unanswerable) => silent(stopped),
        Err(Silence::Exceeded) => Reason::AnswersExceeded,
        Err(Silence::NoRoom) => Reason::NoRoom,
    };
    reason as u32
}

/// What a packet is counted under that stops and is not answered.
#[inline(always)]
fn silent(stopped: Reason) -> Reason {
    match stopped {
        Reason::TooBig => Reason::NeedsFragmenting,
        other => other,
    }
}

/// The frame at hand.
struct Xdp<'a> {
    context: &'a XdpContext,
    tick: u32,
    /// Answers in one window; 0 for no limit.
    limit: u32,
}

impl Buffer for Xdp<'_> {
    #[inline(always)]
    fn frame(&mut self) -> Frame<'_> {
        frame(self.context)
    }

    #[inline(always)]
    fn length(&self) -> usize {
        // SAFETY: the helper gets the context that the kernel gave.
        unsafe { bpf_xdp_get_buff_len(self.context.ctx) as usize }
    }

    #[inline(always)]
    fn cut(&mut self, length: usize) -> Option<()> {
        let surplus = length as i64 - self.length() as i64;
        // SAFETY: as above; frames are taken anew after it.
        (surplus == 0 || unsafe { bpf_xdp_adjust_tail(self.context.ctx, surplus as i32) } == 0)
            .then_some(())
    }

    #[inline(always)]
    fn prepend(&mut self, bytes: usize) -> Option<()> {
        // SAFETY: as above.
        (unsafe { bpf_xdp_adjust_head(self.context.ctx, -(bytes as i32)) } == 0).then_some(())
    }

    #[inline(always)]
    fn header6(&mut self, offset: usize) -> Result<(ipv6::Packet, Upper), Refusal> {
        extension::header(self.context, offset)
    }

    #[inline(always)]
    fn sum(&mut self, offset: usize, length: usize) -> Option<Sum> {
        sum(self.context, offset, length)
    }

    #[inline(always)]
    fn permit(&mut self) -> bool {
        // SAFETY: a helper without arguments.
        let processor = unsafe { bpf_get_smp_processor_id() as u32 };
        let index = processor
            .wrapping_mul(REASONS_PER_CPU)
            .wrapping_add(ANSWERS);
        let Some(word) = maps::REASONS.get_ptr_mut(index) else {
            return false;
        };
        let window = self.tick & !(WINDOW - 1);
        // SAFETY: an entry of this processor's own, which nothing else writes while the program runs.
        let before = unsafe { *word };
        let made = if (before >> 32) as u32 == window {
            before as u32
        } else {
            0
        };
        if self.limit != 0 && made >= self.limit {
            return false;
        }
        // SAFETY: as above.
        unsafe { *word = (window as u64) << 32 | made.saturating_add(1) as u64 };
        true
    }
}

/// A sum over the frame, and the frame by its context: the pointers to its ends do not go through the loop's helper.
struct Job<'a> {
    context: &'a XdpContext,
    summing: Summing,
}

/// The sum of `length` bytes at `offset` in the frame.
#[inline(always)]
pub(crate) fn sum(context: &XdpContext, offset: usize, length: usize) -> Option<Sum> {
    let mut job = Job {
        context,
        summing: Summing::new(offset, length),
    };
    // SAFETY: `step` takes what is passed here, which lives until the helper returns.
    unsafe {
        bpf_loop(
            Summing::steps(length),
            step as *mut c_void,
            (&raw mut job).cast(),
            0,
        )
    };
    job.summing.sum()
}

extern "C" fn step(index: u64, job: *mut c_void) -> i64 {
    // SAFETY: the `job` of `sum`, which nobody else uses meanwhile.
    let job = unsafe { &mut *job.cast::<Job<'_>>() };
    let frame = frame(job.context);
    (job.summing.step(index as u32, &frame) == ControlFlow::Break(())) as i64
}
