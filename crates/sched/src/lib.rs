//! The schedulers: which real server gets a new connection. Exactly the choices of the Linux kernel's IPVS.
//!
//! The work is split in time. When something changes, the control plane *builds* a record for the virtual service: a run of
//! 64-bit words that holds its destinations in IPVS's order and, worked out beforehand, all that a pick would otherwise
//! have to compute. When a connection comes, the XDP program *picks* from the record.
//!
//! ```text
//!   list of destinations ──┐
//!   record before, cursor ─┴─ build ──▶ record ──▶ arena ──┐
//!                                                          ├─ pick ──▶ destination number
//!                      a connection's first packet ─ Flow ─┘
//! ```
//!
//! Schedulers come in three shapes:
//! - a *sequence* (`rr`, `wrr`): the order of picks repeats, so it is written down once, and a pick is a step of an
//!   atomic cursor;
//! - *live counters* (`wlc`): a pick reads the connection counts of every destination;
//! - a *table* (`sh`, `mh`): a pick is a hash and a look into a table.
//!
//! Records are immutable once published, but for their cursor, so that no packet sees half a change.
//!
//! The kernel half ([`pick`], [`stateless`], [`Tables`]) is what the XDP program is made of; host tests run the same code. It
//! allocates nothing, cannot panic and has no unbounded loop. The host half (feature `host`: `build`, `decode`) makes and
//! reads records. Start reading at `pick.rs`, then `record.rs`.
#![no_std]

#[cfg(feature = "host")]
extern crate alloc;

mod hash;
mod mh;
mod pick;
mod record;
mod sequence;
mod sh;
mod stateless;
mod wlc;

pub use pick::{Flow, Scan, Tables, pick};
pub use record::{CURSOR, MAX_DESTINATION, record_len};
pub use stateless::stateless;
