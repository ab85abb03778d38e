//! `rr` and `wrr` over a list in which some destinations may be overloaded: a walk, as IPVS does it.
//!
//! Which destination is next cannot be written down here, because the overloaded ones are passed over. So a pick scans the
//! list, and moves the cursor by compare-and-swap.
//!
//! `wrr` goes from lap to lap with a current weight that falls by a step, from the greatest one to 1, and then begins again. A lap
//! takes what is not lighter than its current weight. IPVS tries lap after lap; here the first lap that can take anybody is
//! computed from the heaviest destination that takes connections.

use core::num::NonZero;
use core::ops::ControlFlow;

use crate::record::{Code, NONE, Record, Takes};
use crate::{Scan, Tables};

/// How often a pick that another processor overtook begins anew. After that it leaves the cursor to the others.
const ATTEMPTS: u32 = 4;

/// Where a walk stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cursor {
    /// 1 + the position of the entry that was picked last; 0 at the head of the list.
    pub(crate) place: u32,
    /// The current weight of `wrr`; 0 for `rr`.
    pub(crate) current: u32,
}

impl Cursor {
    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> Self {
        Self {
            place: word as u32,
            current: (word >> 32) as u32,
        }
    }

    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        (self.current as u64) << 32 | self.place as u64
    }
}

/// The destination whose turn it is. The cursor moves on, except behind a pick that found none in a list of `rr`.
#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record) -> u32 {
    let mut destination = NONE;
    for _ in 0..ATTEMPTS {
        let Some(before) = record.cursor(tables) else {
            return NONE;
        };
        let turn = next(tables, record, Cursor::from_word(before));
        destination = turn.destination;
        let after = turn.cursor.word();
        if after == before || record.move_cursor(tables, before, after) {
            break;
        }
    }
    destination
}

/// A pick, and where it leaves the cursor.
struct Turn {
    cursor: Cursor,
    destination: u32,
}

#[inline(always)]
fn next<T: Tables>(tables: &T, record: Record, cursor: Cursor) -> Turn {
    let len = record.list_len();
    if record.code() == Code::RR {
        return Lap::run(tables, record, cursor, len).turn_or(cursor);
    }
    let (step, top) = record.laps(tables);
    // Only what is left of this lap can be picked; the whole list tells who is the heaviest.
    let lap = Lap::run(tables, record, cursor, len.saturating_sub(cursor.place));
    if lap.destination() != NONE {
        return lap.turn_or(cursor);
    }
    let last_lap = cursor.current <= step.get();
    if lap.heaviest == 0 {
        // Nobody takes connections. IPVS ends at the head of the list, unless it began in the last lap and behind the head: then it
        // comes round to where it began.
        let cursor = if last_lap && cursor.place != 0 {
            cursor
        } else {
            Cursor {
                place: 0,
                current: top,
            }
        };
        return lap.turn_or(cursor);
    }
    let following = if last_lap {
        top
    } else {
        cursor.current.wrapping_sub(step.get())
    };
    let head = Cursor {
        place: 0,
        current: lower(following, lap.heaviest as u32, step),
    };
    // Who took connections a moment ago may not do so now: then there is no pick, and nothing changes.
    Lap::run(tables, record, head, len).turn_or(cursor)
}

/// The first of `current`, `current - step` and so on that is not above `heaviest`.
#[inline(always)]
fn lower(current: u32, heaviest: u32, step: NonZero<u32>) -> u32 {
    let above = current.saturating_sub(heaviest);
    current.wrapping_sub(above.div_ceil(step.get()).wrapping_mul(step.get()))
}

/// A scan of the whole list from the cursor on, and on from the head.
struct Lap {
    record: Record,
    from: Cursor,
    /// How many entries may be picked; the others are only looked at.
    reach: u32,
    /// The weight of the heaviest that takes connections; 0 for none.
    heaviest: u64,
    /// Of the entry that is picked: 1 + its position in the upper half, its destination in the lower one.
    picked: u64,
}

impl Lap {
    #[inline(always)]
    fn run<T: Tables>(tables: &T, record: Record, from: Cursor, reach: u32) -> Self {
        let mut lap = Self {
            record,
            from,
            reach,
            heaviest: 0,
            picked: 0,
        };
        tables.scan(record.list_len(), &mut lap);
        lap
    }

    #[inline(always)]
    const fn destination(&self) -> u32 {
        self.picked as u32
    }

    /// The pick, or none, which leaves the cursor at `otherwise`.
    #[inline(always)]
    fn turn_or(&self, otherwise: Cursor) -> Turn {
        let picked = Cursor {
            place: (self.picked >> 32) as u32,
            current: self.from.current,
        };
        let destination = self.destination();
        Turn {
            cursor: if destination == NONE {
                otherwise
            } else {
                picked
            },
            destination,
        }
    }
}

impl<T: Tables> Scan<T> for Lap {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let len = self.record.list_len();
        let along = self.from.place.wrapping_add(index);
        let position = if along < len {
            along
        } else {
            along.wrapping_sub(len)
        };
        let Some(entry) = self.record.entry(tables, position) else {
            return ControlFlow::Break(());
        };
        if !Takes::Now.connections(tables, entry) {
            return ControlFlow::Continue(());
        }
        let weight = entry.last_weight();
        if index < self.reach && weight >= self.from.current {
            let place = u64::from(position.wrapping_add(1));
            self.picked = place << 32 | u64::from(entry.destination());
            return ControlFlow::Break(());
        }
        self.heaviest = self.heaviest.max(u64::from(weight));
        ControlFlow::Continue(())
    }
}
