//! What became of a list of destinations: the edits that lead from one record's list to the next one's.
//!
//! IPVS is told of one edit at a time, and some schedulers remember across edits. The control plane changes a list as a whole.
//! Here the whole change is taken apart again.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::build::Entry;
use crate::record::Listed;

/// Where the entries of a list stood in the list before.
pub(crate) struct Lineage {
    /// For each entry of the new list its position in the old one; `None` for those added since.
    origins: Vec<Option<usize>>,
}

impl Lineage {
    /// IPVS adds at the head and moves nothing. So an entry that now stands before one that it stood behind was taken out and
    /// added again.
    pub(crate) fn trace(old: &[Listed], new: &[Entry]) -> Self {
        let positions: BTreeMap<u32, usize> = old
            .iter()
            .enumerate()
            .map(|(position, entry)| (entry.destination(), position))
            .collect();
        let mut end = old.len();
        let mut origins: Vec<_> = new
            .iter()
            .rev()
            .map(|entry| {
                let origin = *positions.get(&entry.destination)?;
                if origin >= end {
                    return None;
                }
                end = origin;
                Some(origin)
            })
            .collect();
        origins.reverse();
        Self { origins }
    }

    /// The new list as the record holds it: what stayed keeps its last weight.
    pub(crate) fn list(&self, old: &[Listed], new: &[Entry]) -> Vec<Listed> {
        new.iter()
            .zip(&self.origins)
            .map(|(entry, origin)| {
                let last_weight = origin.map_or(0, |origin| old[origin].last_weight());
                Listed::new(entry, last_weight)
            })
            .collect()
    }

    /// Where the entry at position `last` of the old list is now or, if it was taken out, the nearest one before it that was not.
    pub(crate) fn survivor(&self, old: &[Listed], new: &[Listed], last: usize) -> Option<usize> {
        self.origins.iter().zip(new).rposition(|(origin, entry)| {
            origin.is_some_and(|origin| origin <= last && old[origin].eligible())
                && entry.eligible()
        })
    }

    /// The edits as a scheduler sees them, to which only eligible entries exist.
    pub(crate) fn edits(&self, old: &[Listed], new: &[Listed]) -> Edits {
        let mut edits = Edits::default();
        for (entry, origin) in new.iter().zip(&self.origins).rev() {
            let Some(now) = weight(*entry) else {
                continue;
            };
            match origin.and_then(|origin| weight(old[origin])) {
                None => edits.added.push(now),
                Some(before) if before == now => edits.untouched.push(now),
                Some(before) => edits.changed.push((before, now)),
            }
        }
        edits
    }
}

fn weight(entry: Listed) -> Option<u32> {
    entry.eligible().then(|| entry.weight())
}

/// Edits by their weights, each kind from the oldest destination to the newest. What is in none of them was deleted.
#[derive(Default)]
pub(crate) struct Edits {
    /// (before, after)
    pub(crate) changed: Vec<(u32, u32)>,
    pub(crate) added: Vec<u32>,
    /// The weights that stay as they are.
    pub(crate) untouched: Vec<u32>,
}
