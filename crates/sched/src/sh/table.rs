//! Filling the buckets.

use alloc::vec::Vec;

use super::BUCKETS;
use crate::record::{EMPTY, Listed};

/// Deals the buckets out over the list, again and again: to each destination as many in a row as its weight, and one to a
/// quiesced one.
pub(crate) fn table(list: &[Listed]) -> Vec<u16> {
    let mut table: Vec<u16> = list
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.eligible())
        .flat_map(|(position, entry)| {
            let buckets = entry.weight().clamp(1, BUCKETS) as usize;
            core::iter::repeat_n(position as u16, buckets)
        })
        .take(BUCKETS as usize)
        .collect();
    if table.is_empty() {
        table.push(EMPTY);
    }
    table.into_iter().cycle().take(BUCKETS as usize).collect()
}
