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

use crate::record::{Code, Record, Takes};
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

#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record) -> Option<u32> {
    let mut destination = None;
    for _ in 0..ATTEMPTS {
        let before = record.cursor(tables)?;
        let (cursor, picked) = next(tables, record, Cursor::from_word(before))?;
        destination = picked;
        if cursor.word() == before || record.move_cursor(tables, before, cursor.word()) {
            break;
        }
    }
    destination
}

/// The pick that follows at `cursor`, and where that leaves the cursor.
#[inline(always)]
fn next<T: Tables>(tables: &T, record: Record, cursor: Cursor) -> Option<(Cursor, Option<u32>)> {
    let len = record.list_len();
    let rest = len.saturating_sub(cursor.place);
    if record.code() == Code::RR {
        let mut lap = Lap::new(record, cursor.place, len, 0);
        tables.scan(len, &mut lap);
        return Some(lap.end(cursor.current).unwrap_or((cursor, None)));
    }

    let (step, top) = record.laps(tables)?;
    let step = NonZero::new(step)?;
    // What is left of the lap; the rest of the list is looked at for the heaviest.
    let mut lap = Lap::new(record, cursor.place, rest, cursor.current);
    tables.scan(len, &mut lap);
    if let Some(end) = lap.end(cursor.current) {
        return Some(end);
    }
    let from_head = cursor.place == 0;
    let last_lap = cursor.current <= step.get();
    let Some(heaviest) = NonZero::new(lap.heaviest) else {
        // Nobody takes connections. IPVS ends where it began if the lap was the last one and begun before, else at the head.
        let cursor = match !from_head && last_lap {
            true => cursor,
            false => Cursor {
                place: 0,
                current: top,
            },
        };
        return Some((cursor, None));
    };
    let following = match (from_head, last_lap) {
        (true, _) => cursor.current,
        (false, true) => top,
        (false, false) => cursor.current.wrapping_sub(step.get()),
    };
    let current = lower(following, heaviest.get(), step);
    let mut lap = Lap::new(record, 0, len, current);
    tables.scan(len, &mut lap);
    // Who took connections a moment ago may not do so now.
    Some(lap.end(current).unwrap_or((cursor, None)))
}

/// The first of `current`, `current - step` and so on that is not above `heaviest`.
#[inline(always)]
fn lower(current: u32, heaviest: u32, step: NonZero<u32>) -> u32 {
    let above = current.saturating_sub(heaviest);
    current.wrapping_sub(above.div_ceil(step.get()).wrapping_mul(step.get()))
}

/// A scan of the whole list from some place on, and on from its head.
struct Lap {
    record: Record,
    first: u32,
    /// How many entries may be picked; the others are only looked at.
    reach: u32,
    /// What is lighter is not picked.
    current: u32,
    /// The weight of the heaviest that takes connections; 0 for none.
    heaviest: u32,
    /// 1 + the position of the entry that is picked; 0 for none.
    place: u32,
    destination: u32,
}

impl Lap {
    #[inline(always)]
    const fn new(record: Record, first: u32, reach: u32, current: u32) -> Self {
        Self {
            record,
            first,
            reach,
            current,
            heaviest: 0,
            place: 0,
            destination: 0,
        }
    }

    /// Where a pick with this current weight leaves the cursor, and who it is; `None` without one.
    #[inline(always)]
    fn end(&self, current: u32) -> Option<(Cursor, Option<u32>)> {
        let cursor = Cursor {
            place: self.place,
            current,
        };
        (self.place != 0).then_some((cursor, Some(self.destination)))
    }
}

impl<T: Tables> Scan<T> for Lap {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let len = self.record.list_len();
        let along = self.first.wrapping_add(index);
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
        if index < self.reach && weight >= self.current {
            self.place = position.wrapping_add(1);
            self.destination = entry.destination();
            return ControlFlow::Break(());
        }
        self.heaviest = self.heaviest.max(weight);
        ControlFlow::Continue(())
    }
}
