//! Picking: from a record and a flow to a destination number.
//!
//! A pick sees the world through [`Tables`]: BPF maps in the kernel, slices and atomics on the host.

use core::ops::ControlFlow;

use crate::record::{Code, Record};
use crate::{mh, sequence, sh, wlc};

/// What a pick can read.
pub trait Tables: Sized {
    /// The word at `index` of the arena in which records live; `None` past its end.
    fn word(&self, index: u32) -> Option<u64>;

    /// Adds one to the word at `index`, atomically, and returns what it was: the step of a sequence's cursor.
    fn advance(&self, index: u32) -> Option<u64>;

    /// The connections that count towards a destination now: (active, inactive).
    fn live(&self, destination: u32) -> Option<(u32, u32)>;

    /// Calls `scan.step(self, i)` for each `i` in `0..count` until a step breaks off: `bpf_loop` in the kernel, a plain loop
    /// on the host. `count` is at most 4096.
    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S);
}

/// The body of a loop that [`Tables::scan`] runs.
pub trait Scan<T> {
    /// One round.
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()>;
}

/// What a pick may know of the connection to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The client's IPv4 address as a number (10.0.0.1 is `0x0a00_0001`), or the XOR of the four such words of its IPv6
    /// address.
    pub client: u32,
    /// The client's port as a number; 0 when the protocol has no ports.
    pub client_port: u16,
    /// A hash of the whole flow that outsiders cannot predict, for [`stateless`](crate::stateless) forwarding.
    pub hash: u32,
}

/// The destination that IPVS would give a new connection now, by the record whose first word is at index `record`; `None` when
/// IPVS would refuse it.
///
/// A sequence's cursor moves on with every call that finds a destination.
#[inline(always)]
pub fn pick<T: Tables>(tables: &T, record: u32, flow: &Flow) -> Option<u32> {
    let record = Record::open(tables, record)?;
    match record.code() {
        Code::RR | Code::WRR => sequence::pick(tables, record),
        Code::WLC => wlc::pick(tables, record),
        Code::SH => sh::pick(tables, record, flow),
        Code::MH => mh::pick(tables, record, flow),
        _ => None,
    }
}
