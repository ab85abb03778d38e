//! Sequences: the picks of `rr` and `wrr`, written down once.
//!
//! Their picks repeat after a *period* of turns: for `wrr` the sum of the weights over their greatest common divisor, far too
//! many to write down one by one. But `wrr` makes its turns in laps over the list, each taking the entries whose weight
//! reaches the lap's current weight, and consecutive laps mostly take the same entries. A *run* is such a row of
//! equal laps: it has the turn it begins with, and its entries once, in list order. `rr` is one run of one lap.
//!
//! ```text
//!   A 5, B 2, C 2   turns   0 1 2  3 4 5 6 7 8      (list A, B, C)
//!                           A A A  A B C A B C
//!                   runs    [A]    [A B C]
//! ```

#[cfg(feature = "host")]
mod order;

use core::num::NonZero;

use crate::Tables;
use crate::record::Record;
#[cfg(feature = "host")]
pub(crate) use order::Sequence;

/// The destination whose turn it is; the turn is then over.
#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record) -> Option<u32> {
    let (period, runs) = record.sequence(tables)?;
    let period = NonZero::new(period)?;
    let turn = record.advance(tables)? % period;
    let run = find(tables, record, runs, turn)?;
    let since = turn.wrapping_sub(record.run_start(tables, run)?);
    let (first, lap) = record.run_order(tables, run)?;
    let place = (since % NonZero::new(u64::from(lap))?) as u32;
    let entry = record.ordered(tables, runs, first.wrapping_add(place))?;
    Some(entry.destination())
}

/// Halvings that bring 4096 runs down to one.
const HALVINGS: u32 = 12;

/// The run that `turn` is in: the last one that does not begin after it.
#[inline(always)]
fn find<T: Tables>(tables: &T, record: Record, runs: u32, turn: u64) -> Option<u32> {
    let (mut low, mut high) = (0, runs);
    for _ in 0..HALVINGS {
        let half = high.wrapping_sub(low) / 2;
        if half == 0 {
            break;
        }
        let middle = low.wrapping_add(half);
        if record.run_start(tables, middle)? <= turn {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}
