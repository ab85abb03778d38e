//! Picking: from a record and a flow to a destination number.
//!
//! A pick sees the world through [`Tables`]: BPF maps in the kernel, slices and atomics on the host.

use core::ops::ControlFlow;

use crate::record::{Code, NONE, Record, found};
use crate::{dh, least, locality, mh, sequence, sh, twos, walk};

/// What a pick can read.
pub trait Tables: Sized {
    /// The word at `index` of the arena in which records live; `None` past its end.
    fn word(&self, index: u32) -> Option<u64>;

    /// Adds one to the word at `index`, atomically, and returns what it was: the step of a sequence's cursor.
    fn advance(&self, index: u32) -> Option<u64>;

    /// Replaces the word at `index` by `new` if it is `old`, atomically; says whether it was.
    fn replace(&self, index: u32, old: u64, new: u64) -> bool;

    /// What counts towards a destination now.
    fn live(&self, destination: u32) -> Option<Load>;

    /// Whose destination a number is now. What `lblc` and `lblcr` remember may be out of date.
    fn standing(&self, destination: u32) -> Option<Standing>;

    /// Word `word`, below [`LOCALITY_WORDS`](crate::LOCALITY_WORDS), of a slot of the locality cache.
    fn locality(&self, place: Place, word: u32) -> Option<u64>;

    /// Stores such a word, after everything stored before it.
    fn set_locality(&self, place: Place, word: u32, value: u64);

    /// Replaces such a word by `new` if it is `old`, atomically; says whether it was.
    fn replace_locality(&self, place: Place, word: u32, old: u64, new: u64) -> bool;

    /// A random number, each as likely as any other (`bpf_get_prandom_u32`).
    fn random(&self) -> u32;

    /// Calls `scan.step(self, i)` for each `i` in `0..count` until a step breaks off: `bpf_loop` in the kernel, a plain loop
    /// on the host. `count` is at most 4096.
    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S);
}

/// Connections of a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// In an active state.
    pub active: u32,
    /// In any other.
    pub inactive: u32,
    /// It has so many that it takes no new ones. Never set for a destination without an upper threshold.
    pub overloaded: bool,
}

/// What a destination number stands for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The number of its service.
    pub service: u32,
    /// Its weight, 0 when it is quiesced.
    pub weight: u32,
    /// Its service has it, and packets can be sent to it.
    pub available: bool,
}

/// A slot of the locality cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Number of the bucket, below [`LOCALITY_BUCKETS`](crate::LOCALITY_BUCKETS).
    pub bucket: u32,
    /// Number of the slot in it, below [`LOCALITY_SLOTS`](crate::LOCALITY_SLOTS).
    pub slot: u32,
}

/// The body of a loop that [`Tables::scan`] runs.
///
/// In the kernel it lies on the stack, where the verifier wants every store aligned, and the compiler joins neighbouring stores of
/// constants. So fields that begin with a constant are 64-bit words.
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
    /// The VIP, as a number like `client`.
    pub vip: u32,
    /// The VIP as it lies in memory (16 bytes in network order, IPv4 as IPv4-mapped IPv6).
    pub vip_words: [u64; 2],
    /// The service's number.
    pub service: u32,
    /// The tick now, of 2²⁶ ns each.
    pub tick: u32,
    /// A hash of the whole flow that outsiders cannot predict, for [`stateless`](crate::stateless) forwarding.
    pub hash: u32,
}

/// The destination that IPVS would give a new connection now, by the record whose first word is at index `record`; `None` when
/// IPVS would refuse it.
///
/// A call moves cursors on and writes to the locality cache, as placing a connection does.
#[inline(always)]
pub fn pick<T: Tables>(tables: &T, record: u32, flow: &Flow) -> Option<u32> {
    pick_by(tables, record, flow, method(tables, record)?)
}

/// How a record's scheduler comes to its choices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// A sequence that is written down (`rr`, `wrr`).
    Sequence,
    /// A walk over a list of which some may be overloaded (`rr`, `wrr`).
    Walk,
    /// A look at all (`lc`, `wlc`, `sed`, `nq`, `fo`, `ovf`).
    Least,
    /// What the VIP had before (`lblc`, `lblcr`).
    Locality,
    /// A table (`dh`, `sh`, `mh`).
    Table,
    /// Two at random (`twos`).
    Random,
}

/// The method of the record whose first word is at index `record`; `None` if it is of no scheduler.
#[inline(always)]
pub fn method<T: Tables>(tables: &T, record: u32) -> Option<Method> {
    let record = Record::open(tables, record)?;
    Some(match record.code() {
        Code::RR | Code::WRR if record.walks() => Method::Walk,
        Code::RR | Code::WRR => Method::Sequence,
        Code::LBLC | Code::LBLCR => Method::Locality,
        Code::DH | Code::SH | Code::MH => Method::Table,
        Code::TWOS => Method::Random,
        Code::LC | Code::WLC | Code::SED | Code::NQ | Code::FO | Code::OVF => Method::Least,
        _ => return None,
    })
}

/// [`pick`], of a record of that method: for a program that has a function for each, because one for all is too much for the
/// verifier.
#[inline(always)]
pub fn pick_by<T: Tables>(tables: &T, record: u32, flow: &Flow, method: Method) -> Option<u32> {
    let record = Record::open(tables, record)?;
    found(match method {
        Method::Sequence => sequence::pick(tables, record).unwrap_or(NONE),
        Method::Walk => walk::pick(tables, record),
        Method::Least => least::pick(tables, record, least_code(record)),
        Method::Locality => locality::pick(tables, record, flow),
        Method::Table => match record.code() {
            Code::DH => dh::pick(tables, record, flow),
            Code::SH => sh::pick(tables, record, flow),
            _ => mh::pick(tables, record, flow),
        },
        Method::Random => twos::pick(tables, record),
    })
}

/// The scheduler by which a record is looked at whole: `wlc` where it is the second choice.
#[inline(always)]
fn least_code(record: Record) -> u8 {
    match record.code() {
        Code::LBLC | Code::LBLCR => Code::WLC,
        code => code,
    }
}

/// The first part of [`Method::Locality`]: what the VIP has, if it takes connections. The second is [`Method::Least`], for when
/// it has nothing or that [has to give way](has_to_give_way), the third [`remember`].
#[inline(always)]
pub fn known<T: Tables>(tables: &T, record: u32, flow: &Flow) -> Option<u32> {
    found(locality::known(tables, Record::open(tables, record)?, flow))
}

/// What follows upon [`known`]: a VIP that had several destinations for long loses one.
#[inline(always)]
pub fn shrink<T: Tables>(tables: &T, record: u32, flow: &Flow) {
    if let Some(record) = Record::open(tables, record) {
        locality::shrink(tables, record, flow);
    }
}

/// Whether a destination that a VIP has is so loaded, and another one so idle, that the VIP gets another.
#[inline(always)]
pub fn has_to_give_way<T: Tables>(tables: &T, record: u32, destination: u32) -> bool {
    Record::open(tables, record)
        .is_none_or(|record| locality::has_to_give_way(tables, record, destination))
}

/// The third part of [`Method::Locality`]: the VIP has this destination now.
#[inline(always)]
pub fn remember<T: Tables>(tables: &T, record: u32, flow: &Flow, destination: u32) {
    if let Some(record) = Record::open(tables, record) {
        locality::remember(tables, record, flow, destination);
    }
}
