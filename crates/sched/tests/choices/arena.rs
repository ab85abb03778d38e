//! The tables of a pick, in host memory.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use dray_sched::{CURSOR, Scan, Tables};

/// One record, and the counters of all destinations.
#[derive(Default)]
pub(crate) struct Arena {
    words: Vec<AtomicU64>,
    /// (active, inactive) of destination number = index
    pub(crate) live: Vec<(u32, u32)>,
}

impl Arena {
    /// Where the record begins: not at 0, so that a pick that forgets to add its index is found out.
    pub(crate) const RECORD: u32 = 3;

    pub(crate) fn publish(&mut self, record: &[u64]) {
        let padding = [u64::MAX; Self::RECORD as usize];
        let words = padding.iter().chain(record);
        self.words = words.map(|word| AtomicU64::new(*word)).collect();
    }

    /// The record as it was published, and its cursor now.
    pub(crate) fn record(&self) -> Option<(Vec<u64>, u64)> {
        let words: Vec<u64> = self
            .words
            .iter()
            .skip(Self::RECORD as usize)
            .map(|word| word.load(Ordering::Relaxed))
            .collect();
        let cursor = *words.get(CURSOR as usize)?;
        Some((words, cursor))
    }
}

impl Tables for Arena {
    fn word(&self, index: u32) -> Option<u64> {
        let word = self.words.get(index as usize)?;
        Some(word.load(Ordering::Relaxed))
    }

    fn advance(&self, index: u32) -> Option<u64> {
        let word = self.words.get(index as usize)?;
        Some(word.fetch_add(1, Ordering::Relaxed))
    }

    fn live(&self, destination: u32) -> Option<(u32, u32)> {
        self.live.get(destination as usize).copied()
    }

    fn scan<S: Scan<Self>>(&self, count: u32, scan: &mut S) {
        for index in 0..count {
            if let ControlFlow::Break(()) = scan.step(self, index) {
                break;
            }
        }
    }
}
