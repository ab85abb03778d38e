//! The clock that packets are timed by.

use rustix::time::{ClockId, clock_gettime};

/// Now, in ticks: the same clock as the program's `bpf_ktime_get_coarse_ns`.
pub(crate) fn now() -> u32 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    let nanoseconds = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
    dray_abi::ticks_of_nanoseconds(nanoseconds)
}
