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
//! Schedulers come in five shapes:
//! - a *sequence* (`rr`, `wrr`): the order of picks repeats, so it is written down once, and a pick is a step of an
//!   atomic cursor;
//! - a *walk* (`rr`, `wrr` when a destination has an upper threshold, and so may have to be passed over): a pick scans the list from
//!   the cursor on;
//! - *live counters* (`lc`, `wlc`, `sed`, `nq`, `fo`, `ovf`, `twos`): a pick reads the connection counts of every destination;
//! - a *table* (`dh`, `sh`, `mh`): a pick is a hash and a look into a table;
//! - a *cache* (`lblc`, `lblcr`): a VIP keeps what live counters chose for it.
//!
//! Records are immutable once published, but for their cursor, so that no packet sees half a change. What counts towards a destination
//! changes under a pick all the time; a pick never waits, and tries again only a few times.
//!
//! The kernel half ([`pick`], [`stateless`], [`Tables`]) is what the XDP program is made of; host tests run the same code. It
//! allocates nothing, cannot panic and has no unbounded loop. The host half (feature `host`: `build`, `decode`) makes and
//! reads records. Start reading at `pick.rs`, then `record.rs`.
#![no_std]

#[cfg(feature = "host")]
extern crate alloc;

#[cfg(feature = "host")]
mod build;
mod dh;
mod hash;
#[cfg(feature = "host")]
mod kind;
mod least;
#[cfg(feature = "host")]
mod lineage;
mod locality;
#[cfg(feature = "host")]
mod maglev;
mod mh;
mod pick;
mod record;
#[cfg(feature = "host")]
mod rr;
mod sequence;
mod sh;
#[cfg(feature = "host")]
mod spread;
mod stateless;
#[cfg(feature = "host")]
mod turns;
mod twos;
mod walk;
#[cfg(feature = "host")]
mod wrr;

#[cfg(feature = "host")]
pub use build::{BuildError, Entry, MAX_LIST, MAX_WEIGHT, build};
#[cfg(feature = "host")]
pub use kind::{Kind, Overhead};
pub use locality::{
    LOCALITY_BUCKETS, LOCALITY_SLOTS, LOCALITY_TIME, LOCALITY_WORDS, locality_is_over,
    locality_service,
};
pub use pick::{
    Flow, Load, Method, Place, Scan, Standing, Tables, has_to_give_way, known, method, pick,
    pick_by, remember, shrink,
};
pub use record::{CURSOR, MAX_DESTINATION, record_len, same_scheduler};
#[cfg(feature = "host")]
pub use record::{DecodeError, Decoded, DecodedEntry, decode, slots};
pub use stateless::stateless;
