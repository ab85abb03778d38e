//! `twos`: two destinations are drawn by weight, and the less loaded one is taken ("the power of two choices").
//!
//! All arithmetic is the kernel's, in signed 32-bit numbers that wrap. It draws from 0 to the sum of all weights, both included, so the
//! first of the list is drawn a little more often than its weight says.

use core::ops::ControlFlow;

use crate::least::overhead;
use crate::record::{Listed, NONE, Record};
use crate::{Load, Scan, Tables};

#[inline(always)]
pub(crate) fn pick<T: Tables>(tables: &T, record: Record) -> u32 {
    let mut sum = Sum {
        record,
        weights: 0,
        last: u64::from(NONE),
    };
    tables.scan(record.list_len(), &mut sum);
    let last = sum.last as u32;
    if last == NONE {
        return NONE;
    }
    let range = sum.weights.wrapping_add(1) as u32;
    let one = Choice::drawn(below(range, tables.random()), last);
    let other = Choice::drawn(below(range, tables.random()), NONE);
    let mut draw = Draw { record, one, other };
    tables.scan(record.list_len(), &mut draw);

    let Draw { one, other, .. } = draw;
    let other_is_better = other.destination as u32 != NONE
        && product(other.weight, one.overhead) > product(one.weight, other.overhead);
    let better = if other_is_better { other } else { one };
    better.destination as u32
}

#[inline(always)]
const fn product(one: i64, other: i64) -> i32 {
    (one as i32).wrapping_mul(other as i32)
}

/// A number below `range`, made from a random one as the kernel does it (`prandom_u32_max`).
#[inline(always)]
const fn below(range: u32, random: u32) -> i32 {
    ((random as u64).wrapping_mul(range as u64) >> 32) as i32
}

/// An entry that takes connections, and what it has.
#[inline(always)]
fn candidate<T: Tables>(tables: &T, record: Record, index: u32) -> Option<(Listed, Load)> {
    let entry = record.entry(tables, index).filter(|entry| entry.usable())?;
    let load = tables.live(entry.destination())?;
    (!load.overloaded).then_some((entry, load))
}

/// The sum of all weights, and the last destination of the list.
struct Sum {
    record: Record,
    /// As 32 bits.
    weights: u64,
    last: u64,
}

impl<T: Tables> Scan<T> for Sum {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        if let Some((entry, _)) = candidate(tables, self.record, index) {
            self.weights = self.weights.wrapping_add(u64::from(entry.last_weight()));
            self.last = u64::from(entry.destination());
        }
        ControlFlow::Continue(())
    }
}

/// Walks to the two destinations.
struct Draw {
    record: Record,
    one: Choice,
    other: Choice,
}

impl<T: Tables> Scan<T> for Draw {
    #[inline(always)]
    fn step(&mut self, tables: &T, index: u32) -> ControlFlow<()> {
        let Some((entry, load)) = candidate(tables, self.record, index) else {
            return ControlFlow::Continue(());
        };
        let overhead = overhead(self.record, load) as i32;
        self.one.pass(entry, overhead);
        self.other.pass(entry, overhead);
        if self.one.is_made() && self.other.is_made() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Choice {
    /// Weights still to be passed by.
    left: i32,
    destination: u64,
    /// That of the destination; `NOT_MADE` before.
    weight: i64,
    overhead: i64,
}

impl Choice {
    const NOT_MADE: i64 = -1;

    /// `otherwise` is the choice if the walk ends without one.
    #[inline(always)]
    const fn drawn(left: i32, otherwise: u32) -> Self {
        Self {
            left,
            destination: otherwise as u64,
            weight: Self::NOT_MADE,
            overhead: 0,
        }
    }

    #[inline(always)]
    const fn is_made(&self) -> bool {
        self.weight != Self::NOT_MADE
    }

    #[inline(always)]
    const fn pass(&mut self, entry: Listed, overhead: i32) {
        let weight = entry.last_weight();
        self.left = self.left.wrapping_sub(weight as i32);
        if self.left <= 0 && !self.is_made() {
            self.destination = entry.destination() as u64;
            self.weight = weight as i64;
            self.overhead = overhead as i64;
        }
    }
}
