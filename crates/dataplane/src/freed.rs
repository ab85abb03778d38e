//! Numbers of destinations that were given back, while what is remembered of fragments and localities may still lead to them.
//!
//! ```text
//! destination freed ─▶ give_back ─┐
//! daemon starts ─▶ all unused ────┴▶ the next sweep, or a destination that takes one of them ─▶ forget: both tables, once
//! ```
//!
//! A search of the tables takes as long for one number as for all, and thousands may be given back at once. Until then a way leads to
//! a destination that has no next hop, which no packet is sent to.

use std::collections::BTreeSet;

use crate::{fragments, locality, maps::Maps};

/// The numbers.
#[derive(Debug, Default)]
pub(crate) struct Freed(BTreeSet<u32>);

impl Freed {
    /// Any of these may be among them: an earlier daemon gave them back.
    pub(crate) fn unknown(numbers: impl Iterator<Item = u32>) -> Self {
        Self(numbers.collect())
    }

    pub(crate) fn give_back(&mut self, number: u32) {
        self.0.insert(number);
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.0.contains(&number)
    }

    /// Forgets all that leads to any of them.
    pub(crate) fn forget(&mut self, maps: &Maps) {
        if self.0.is_empty() {
            return;
        }
        let is_freed = |number| self.0.contains(&number);
        fragments::forget(maps, is_freed);
        locality::forget(maps, is_freed);
        self.0.clear();
    }
}
