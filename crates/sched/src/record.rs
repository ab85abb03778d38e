//! The record of a virtual service: what its scheduler needs, in 64-bit words of a big arena.
//!
//! ```text
//!          63            48 47            32 31            16 15      8 7       0
//!         ┌────────────────────────────────┬────────────────┬─────────┬─────────┐
//! word 0  │        words of the record     │  entries (n)   │  flags  │  code   │
//!         ├────────────────────────────────┼────────────────┴─────────┴─────────┤
//! word 1  │                0               │        slots of the table          │
//!         ├────────────────────────────────┴────────────────────────────────────┤
//! word 2  │                               cursor                                │
//!         ├────────────────┬────────────────────────────────────────────────────┤
//! word 3  │      mark      │                       start                        │
//!         ├────────────────┼────────────────────────────────────────────────────┤
//! word 4  │      runs      │                       period                       │
//!         ╞════════════════╧═══════════════╤═══════════╤═╤═╤═╤══════════════════╡
//! list    │          last weight           │      0    │l│q│e│    destination   │  n words
//!         ├────────────────────────────────┴───────────┴─┴─┴─┴──────────────────┤
//! runs    │                   first turn of the run                             │  2 words a run
//!         ├────────────────────────────────┬────────────────────────────────────┤
//!         │        entries a lap           │      first in the order            │
//!         ├────────────────┬───────────────┴┬────────────────┬──────────────────┤
//! order   │   position 3   │   position 2   │   position 1   │    position 0    │
//!         ├────────────────┼────────────────┼────────────────┼──────────────────┤
//! table   │     slot 3     │     slot 2     │     slot 1     │      slot 0      │  to the end
//!         └────────────────┴────────────────┴────────────────┴──────────────────┘
//! ```
//!
//! - *code*: the scheduler ([`Code`]); *flags*: bit 0 fallback, bit 1 port (`sh` and `mh`), bit 2 an active connection weighs 257
//!   ([`Overhead::Total`](crate::Overhead)), bit 3 `rr` or `wrr` walks.
//! - *list*: the destinations in IPVS's order, newest first. `e`: eligible (a neighbour is known; the others keep their place in
//!   the list and are otherwise as if they were not there). `q`: quiesced, the weight is 0 now. The *last weight* is
//!   the latest that was not 0, which is the weight of whatever is not quiesced. `l`: limited, there is an upper threshold.
//! - *cursor*: the turn of the next pick; the only word that changes in a published record. *start*: where it began. *mark*: 1 +
//!   the position of the entry that `rr` had picked last when the record was built, 0 for none.
//! - In a walk (`walk.rs`) there are no runs and no order. The cursor has the current weight of `wrr` in its upper half, and in its lower
//!   one 1 + the position of the entry that was picked last; word 3 is 0; word 4 has the step and the greatest current weight.
//! - *runs* and *order*: see `sequence.rs`. *table*: positions in the list by hash, [`EMPTY`] where there is none; the scheduler's
//!   own (`dh`, `sh`, `mh`) or that of stateless forwarding.

#[cfg(feature = "host")]
mod codec;

#[cfg(feature = "host")]
pub use codec::{DecodeError, Decoded, DecodedEntry, decode, slots};
#[cfg(feature = "host")]
pub(crate) use codec::{Draft, Past, PastTurns};

use core::num::NonZero;

use crate::Tables;
#[cfg(feature = "host")]
use crate::build::Entry;

/// Offset of the cursor in a record, in words.
pub const CURSOR: u32 = 2;

/// The highest destination number.
pub const MAX_DESTINATION: u32 = 0xff_ffff;

/// Length in words of the record that begins with the word `header`.
#[inline(always)]
pub const fn record_len(header: u64) -> u32 {
    (header >> 32) as u32
}

/// Whether records that begin with these words are of one scheduler, whatever its flags: if not, what the old one remembered in the
/// locality cache has ended.
pub const fn same_scheduler(one: u64, other: u64) -> bool {
    one as u8 == other as u8
}

/// A slot of a table that no destination has.
#[cfg(feature = "host")]
pub(crate) const EMPTY: u16 = u16::MAX;

/// Words before the list.
pub(crate) const HEAD_WORDS: u32 = 5;

const TABLE: u32 = 1;
#[cfg(feature = "host")]
const START: u32 = 3;
const SEQUENCE: u32 = 4;

const FALLBACK: u64 = 1 << 8;
const PORT: u64 = 1 << 9;
const TOTAL: u64 = 1 << 10;
const WALK: u64 = 1 << 11;

/// The numbers of the schedulers. Published records carry them: a number is never given anew.
pub(crate) struct Code;

impl Code {
    pub(crate) const RR: u8 = 1;
    pub(crate) const WRR: u8 = 2;
    pub(crate) const WLC: u8 = 3;
    pub(crate) const SH: u8 = 4;
    pub(crate) const MH: u8 = 5;
    pub(crate) const LC: u8 = 6;
    pub(crate) const SED: u8 = 7;
    pub(crate) const NQ: u8 = 8;
    pub(crate) const LBLC: u8 = 9;
    pub(crate) const LBLCR: u8 = 10;
    pub(crate) const DH: u8 = 11;
    pub(crate) const FO: u8 = 12;
    pub(crate) const OVF: u8 = 13;
    pub(crate) const TWOS: u8 = 14;
}

/// A record in the arena: where it is, and its first word.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    index: u32,
    header: u64,
}

impl Record {
    #[inline(always)]
    pub(crate) fn open<T: Tables>(tables: &T, index: u32) -> Option<Self> {
        let header = tables.word(index)?;
        Some(Self { index, header })
    }

    #[inline(always)]
    pub(crate) const fn code(self) -> u8 {
        self.header as u8
    }

    /// Whether a client whose destination takes no connections goes to another one (`sh-fallback`, `mh-fallback`).
    #[inline(always)]
    pub(crate) const fn fallback(self) -> bool {
        self.header & FALLBACK != 0
    }

    /// Whether the client's port is hashed too (`sh-port`, `mh-port`).
    #[inline(always)]
    pub(crate) const fn port(self) -> bool {
        self.header & PORT != 0
    }

    /// Whether an active connection weighs 257 (`Overhead::Total`), not 256.
    #[inline(always)]
    pub(crate) const fn counts_total(self) -> bool {
        self.header & TOTAL != 0
    }

    /// Whether `rr` or `wrr` walks over the list, instead of going by a sequence.
    #[inline(always)]
    pub(crate) const fn walks(self) -> bool {
        self.header & WALK != 0
    }

    #[inline(always)]
    pub(crate) const fn list_len(self) -> u32 {
        (self.header >> 16) as u16 as u32
    }

    /// The entry at `position` of the list; `None` past its end, and so for an empty slot.
    #[inline(always)]
    pub(crate) fn entry<T: Tables>(self, tables: &T, position: u32) -> Option<Listed> {
        if position >= self.list_len() {
            return None;
        }
        self.word(tables, HEAD_WORDS.wrapping_add(position))
            .map(Listed)
    }

    /// Number of slots of the table.
    #[inline(always)]
    pub(crate) fn table_len<T: Tables>(self, tables: &T) -> Option<u32> {
        self.word(tables, TABLE).map(|word| word as u32)
    }

    /// The entry in `slot` of the table, which has `table_len` slots; `None` when the slot is empty.
    #[inline(always)]
    pub(crate) fn slot<T: Tables>(self, tables: &T, table_len: u32, slot: u32) -> Option<Listed> {
        let table = record_len(self.header).wrapping_sub(table_len.div_ceil(PER_WORD));
        let position = self.packed(tables, table, slot)?;
        self.entry(tables, position)
    }

    /// Number of turns of the sequence, and of its runs.
    #[inline(always)]
    pub(crate) fn sequence<T: Tables>(self, tables: &T) -> Option<(u64, u32)> {
        let word = self.word(tables, SEQUENCE)?;
        Some((word & LOW_48, (word >> 48) as u32))
    }

    /// The first turn of run number `run`.
    #[inline(always)]
    pub(crate) fn run_start<T: Tables>(self, tables: &T, run: u32) -> Option<u64> {
        self.word(tables, self.run(run))
    }

    /// Where the entries of run number `run` begin in the order, and how many a lap has.
    #[inline(always)]
    pub(crate) fn run_order<T: Tables>(self, tables: &T, run: u32) -> Option<(u32, u32)> {
        let word = self.word(tables, self.run(run).wrapping_add(1))?;
        Some((word as u32, (word >> 32) as u32))
    }

    /// The entry at place `index` of the order of a sequence of `runs` runs.
    #[inline(always)]
    pub(crate) fn ordered<T: Tables>(self, tables: &T, runs: u32, index: u32) -> Option<Listed> {
        let position = self.packed(tables, self.run(runs), index)?;
        self.entry(tables, position)
    }

    /// Of a walk: by how much the current weight falls from lap to lap, and that of the first lap.
    #[inline(always)]
    pub(crate) fn laps<T: Tables>(self, tables: &T) -> (NonZero<u32>, u32) {
        let word = self.word(tables, SEQUENCE).unwrap_or(0);
        let step = NonZero::new((word >> 32) as u32).unwrap_or(NonZero::<u32>::MIN);
        (step, word as u32)
    }

    /// Of a walk: where its cursor is.
    #[inline(always)]
    pub(crate) fn cursor<T: Tables>(self, tables: &T) -> Option<u64> {
        self.word(tables, CURSOR)
    }

    /// Of a walk: moves its cursor, if it is still where it was; says whether it was.
    #[inline(always)]
    pub(crate) fn move_cursor<T: Tables>(self, tables: &T, old: u64, new: u64) -> bool {
        tables.replace(self.index.wrapping_add(CURSOR), old, new)
    }

    /// Steps the cursor and returns the turn that this pick has.
    #[inline(always)]
    pub(crate) fn advance<T: Tables>(self, tables: &T) -> Option<u64> {
        tables.advance(self.index.wrapping_add(CURSOR))
    }

    #[inline(always)]
    const fn run(self, run: u32) -> u32 {
        HEAD_WORDS
            .wrapping_add(self.list_len())
            .wrapping_add(run.wrapping_mul(2))
    }

    /// Number `index` of the 16-bit values packed from word `start` on.
    #[inline(always)]
    fn packed<T: Tables>(self, tables: &T, start: u32, index: u32) -> Option<u32> {
        let word = self.word(tables, start.wrapping_add(index / PER_WORD))?;
        Some((word >> (index % PER_WORD * 16)) as u16 as u32)
    }

    #[inline(always)]
    fn word<T: Tables>(self, tables: &T, offset: u32) -> Option<u64> {
        tables.word(self.index.wrapping_add(offset))
    }
}

/// 16-bit values in a word.
const PER_WORD: u32 = 4;

const LOW_48: u64 = (1 << 48) - 1;

/// One destination of the list, as the record holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listed(u64);

impl Listed {
    const ELIGIBLE: u64 = 1 << 24;
    const QUIESCED: u64 = 1 << 25;
    const LIMITED: u64 = 1 << 26;

    #[inline(always)]
    pub(crate) const fn destination(self) -> u32 {
        self.0 as u32 & MAX_DESTINATION
    }

    /// Takes new connections: eligible, and not quiesced.
    #[inline(always)]
    pub(crate) const fn usable(self) -> bool {
        self.0 & (Self::ELIGIBLE | Self::QUIESCED) == Self::ELIGIBLE
    }

    /// Has an upper threshold, and so may be overloaded.
    #[inline(always)]
    pub(crate) const fn limited(self) -> bool {
        self.0 & Self::LIMITED != 0
    }

    /// The latest weight that was not 0; 0 if there was none.
    #[inline(always)]
    pub(crate) const fn last_weight(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// No destination has this number. A search that found none leaves it. With an `Option` half of the answer would be undefined, and
/// the kernel's verifier refuses a program that keeps what is undefined on the stack.
pub(crate) const NONE: u32 = 0;

/// What a search found.
#[inline(always)]
pub(crate) const fn found(destination: u32) -> Option<u32> {
    match destination {
        NONE => None,
        destination => Some(destination),
    }
}

/// Which entries a search is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Those that take connections now: usable, and not overloaded.
    Now,
    /// The usable ones, overloaded or not: for choices that have to come out alike for every packet of a connection.
    Always,
}

impl Takes {
    #[inline(always)]
    pub(crate) fn connections<T: Tables>(self, tables: &T, entry: Listed) -> bool {
        entry.usable() && !(self == Self::Now && entry.limited() && overloaded(tables, entry))
    }
}

#[inline(always)]
fn overloaded<T: Tables>(tables: &T, entry: Listed) -> bool {
    tables
        .live(entry.destination())
        .is_some_and(|load| load.overloaded)
}

#[cfg(feature = "host")]
impl Listed {
    /// `before` is the last weight up to now, of a destination that was in the list already.
    pub(crate) const fn new(entry: &Entry, before: u32) -> Self {
        let (last_weight, quiesced) = match entry.weight {
            0 => (before, Self::QUIESCED),
            weight => (weight, 0),
        };
        let eligible = if entry.eligible { Self::ELIGIBLE } else { 0 };
        let limited = if entry.limited { Self::LIMITED } else { 0 };
        Self(entry.destination as u64 | eligible | quiesced | limited | (last_weight as u64) << 32)
    }

    /// A neighbour is known.
    pub(crate) const fn eligible(self) -> bool {
        self.0 & Self::ELIGIBLE != 0
    }

    /// The weight now: 0 when quiesced.
    pub(crate) const fn weight(self) -> u32 {
        if self.0 & Self::QUIESCED == 0 {
            self.last_weight()
        } else {
            0
        }
    }
}
