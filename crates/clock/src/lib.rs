//! The clock of a kernel that runs as a program: waits pass at once, work takes hardly any time.
//!
//! User-Mode-Linux takes its time from the host, by three calls of the C library. This library is loaded before that
//! one (`LD_PRELOAD`) and answers them:
//!
//! ```text
//! clock_gettime   guest's time = what waits skipped + the host's time ÷ SLOWDOWN
//! timer_settime   the guest's next event; the host's timer is set to SLOWDOWN times as long
//! timer_gettime   asked by the kernel when it is idle, before it sleeps until that event:
//!                 skip to the event, let the host's timer fire now
//! ```
//!
//! So a scenario that waits for minutes is played in no time, and a busy host does not make the guest late: timeouts
//! come out alike each time. The kernel's own `time-travel` mode would do the same, but Debian's is built without.
//!
//! Its start is not slowed down: there the kernel measures how fast it can compute, for a given time.
//!
//! The guest must not wait for the outside while it is idle: it would wait for hours in a moment.

#![expect(unsafe_code, reason = "functions of the C library are replaced")]

use std::{
    ffi::{c_int, c_long},
    mem,
    sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed},
};

use libc::{clockid_t, itimerspec, timer_t, timespec};

/// How many times slower than the host's the guest's time goes while it works.
const SLOWDOWN: i64 = 20;

/// For how long, in nanoseconds of the host's time, the guest's goes like the host's.
const START: i64 = 2 * SECOND;

const SECOND: i64 = 1_000_000_000;

/// The host's time, in nanoseconds, when the guest's began. 0 before.
static BEGINNING: AtomicI64 = AtomicI64::new(0);
/// The sum of all waits that were skipped, in nanoseconds.
static SKIPPED: AtomicI64 = AtomicI64::new(0);
/// The guest's time of its next event, in nanoseconds.
static EVENT: AtomicI64 = AtomicI64::new(0);
/// The time between this and further events, if they are periodic, in nanoseconds.
static PERIOD: AtomicI64 = AtomicI64::new(0);

/// The guest's time on the monotonic clock; the host's on the others.
///
/// # Safety
/// As for the C library's: `time` is valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    if clock == libc::CLOCK_MONOTONIC {
        // SAFETY: the caller says so.
        unsafe { time.write(as_timespec(guest_now())) };
        return 0;
    }
    // SAFETY: the caller's promise is that of the system call.
    c_int::try_from(unsafe { host_time(clock, time) }).unwrap_or(-1)
}

/// Sets the guest's next event.
///
/// # Safety
/// As for the C library's: `timer` was made by `timer_create`, `new` is valid for reads, `old` for writes or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_settime(
    timer: timer_t,
    flags: c_int,
    new: *const itimerspec,
    old: *mut itimerspec,
) -> c_int {
    // SAFETY: the caller says so.
    let wanted = unsafe { *new };
    let (value, period) = (
        as_nanoseconds(wanted.it_value),
        as_nanoseconds(wanted.it_interval),
    );
    EVENT.store(guest_now().saturating_add(value), Relaxed);
    PERIOD.store(period, Relaxed);
    // SAFETY: the caller's promises, passed on.
    unsafe { set_host_timer(timer, flags, value.saturating_mul(slowdown()), old) }
}

/// Skips to the guest's next event, which is then now.
///
/// # Safety
/// As for the C library's: `timer` was made by `timer_create`, `left` is valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_gettime(timer: timer_t, left: *mut itimerspec) -> c_int {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = next(&NEXT, c"timer_gettime");
    // SAFETY: that is the type of the C library's function of this name.
    let host: unsafe extern "C" fn(timer_t, *mut itimerspec) -> c_int =
        unsafe { mem::transmute(next) };
    // SAFETY: the caller's promises, passed on.
    let status = unsafe { host(timer, left) };
    // SAFETY: the call wrote it, or the caller did.
    let armed = status == 0 && as_nanoseconds(unsafe { (*left).it_value }) > 0;
    if armed {
        let now = guest_now();
        let mut event = EVENT.load(Relaxed);
        let period = PERIOD.load(Relaxed);
        if event < now && period > 0 {
            event += (now - event).div_euclid(period) * period + period;
        }
        SKIPPED.fetch_add((event - now).max(0), Relaxed);
        // SAFETY: the timer is the caller's; no old value is asked for.
        unsafe { set_host_timer(timer, 0, 1, std::ptr::null_mut()) };
    }
    status
}

/// Sets the host's timer to `value`, in the host's nanoseconds, and to the guest's period.
///
/// # Safety
/// `timer` was made by `timer_create`, `old` is valid for writes or null.
unsafe fn set_host_timer(timer: timer_t, flags: c_int, value: i64, old: *mut itimerspec) -> c_int {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = next(&NEXT, c"timer_settime");
    // SAFETY: that is the type of the C library's function of this name.
    let host: unsafe extern "C" fn(timer_t, c_int, *const itimerspec, *mut itimerspec) -> c_int =
        unsafe { mem::transmute(next) };
    let new = itimerspec {
        it_value: as_timespec(value),
        it_interval: as_timespec(PERIOD.load(Relaxed).saturating_mul(slowdown())),
    };
    // SAFETY: the caller's promises, and a value of our own.
    unsafe { host(timer, flags, &raw const new, old) }
}

/// The guest's time, in nanoseconds.
fn guest_now() -> i64 {
    let passed = passed();
    SKIPPED.load(Relaxed) + passed.min(START) + (passed - START).max(0) / SLOWDOWN
}

/// How many times slower than the host's the guest's time goes now.
fn slowdown() -> i64 {
    if passed() < START { 1 } else { SLOWDOWN }
}

/// The host's time since the guest's began, in nanoseconds.
fn passed() -> i64 {
    let mut time = as_timespec(0);
    // SAFETY: `time` is ours.
    unsafe { host_time(libc::CLOCK_MONOTONIC, &raw mut time) };
    let now = as_nanoseconds(time);
    match BEGINNING.compare_exchange(0, now, Relaxed, Relaxed) {
        Ok(_) => 0,
        Err(beginning) => now - beginning,
    }
}

/// The host's time.
///
/// # Safety
/// `time` is valid for writes.
unsafe fn host_time(clock: clockid_t, time: *mut timespec) -> c_long {
    // SAFETY: the caller says that it may be written.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) }
}

/// The C library's function of that name; found once.
fn next(found: &AtomicUsize, name: &std::ffi::CStr) -> usize {
    match found.load(Relaxed) {
        0 => {
            // SAFETY: the name ends with a zero.
            let next = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) } as usize;
            if next == 0 {
                // Nothing can be said from here, and nothing be done without it.
                std::process::abort();
            }
            found.store(next, Relaxed);
            next
        }
        next => next,
    }
}

fn as_nanoseconds(time: timespec) -> i64 {
    time.tv_sec
        .saturating_mul(SECOND)
        .saturating_add(time.tv_nsec)
}

fn as_timespec(nanoseconds: i64) -> timespec {
    timespec {
        tv_sec: nanoseconds / SECOND,
        tv_nsec: nanoseconds % SECOND,
    }
}
