//! Writing a sequence down.

use alloc::vec::Vec;

/// A sequence to be put into a record.
#[derive(Default)]
pub(crate) struct Sequence {
    pub(crate) period: u64,
    pub(crate) runs: Vec<Run>,
    /// The entries of all runs, as positions in the list.
    pub(crate) order: Vec<u16>,
}

/// A row of laps over the same entries.
pub(crate) struct Run {
    /// The turn it begins with.
    pub(crate) start: u64,
    /// Where its entries begin in the order.
    pub(crate) first: u32,
    /// Number of its entries.
    pub(crate) lap: u32,
}

impl Sequence {
    /// Adds `laps` laps over the entries at `positions`.
    pub(crate) fn push(&mut self, laps: u64, positions: &[u16]) {
        self.runs.push(Run {
            start: self.period,
            first: self.order.len() as u32,
            lap: positions.len() as u32,
        });
        self.order.extend_from_slice(positions);
        self.period += laps * positions.len() as u64;
    }
}
