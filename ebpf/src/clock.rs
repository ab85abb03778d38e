//! The one place where the clock is read.

use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;

use crate::{constants, maps};

/// Now, in ticks (see `dray_abi::TICK_SHIFT`).
#[inline(always)]
pub(crate) fn now() -> u32 {
    if constants::own_clock() != 0 {
        return maps::settings().map_or(0, |settings| settings.clock);
    }
    // SAFETY: a helper without arguments. It is precise to a timer interrupt, and far cheaper than a precise one.
    dray_abi::ticks_of_nanoseconds(unsafe { bpf_ktime_get_coarse_ns() })
}
