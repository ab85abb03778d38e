//! The one place where the clock is read.

use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use dray_abi::Settings;

use crate::constants;

/// Now, in ticks (see `dray_abi::TICK_SHIFT`).
#[inline(always)]
pub(crate) fn now(settings: &Settings) -> u32 {
    if constants::own_clock() != 0 {
        return settings.clock;
    }
    // SAFETY: a helper without arguments. It is precise to a timer interrupt, and far cheaper than a precise one.
    dray_abi::ticks_of_nanoseconds(unsafe { bpf_ktime_get_coarse_ns() })
}
