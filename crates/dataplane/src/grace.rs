//! Grace periods: waiting until no packet can still be reading what was reachable a moment ago.

use std::{thread, time::Duration};

/// Returns when every run of a program that began before the call has ended.
///
/// `membarrier(MEMBARRIER_CMD_GLOBAL)` waits for an RCU grace period (`kernel/sched/membarrier.c`), and XDP
/// programs run inside RCU read-side sections. With one processor it returns at once, and rightly so:
/// programs are not preempted. Kernels that keep processors tick-free (`nohz_full`) refuse it; a packet's
/// run lasts microseconds there as anywhere, so a long sleep does.
#[expect(
    unsafe_code,
    reason = "neither rustix nor nix has membarrier's global command"
)]
pub(crate) fn wait() {
    const GLOBAL: libc::c_int = 1;
    // SAFETY: membarrier takes numbers only.
    let outcome = unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
    if outcome != 0 {
        thread::sleep(Duration::from_secs(1));
    }
}
