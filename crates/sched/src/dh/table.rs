//! Filling the buckets.

use alloc::vec::Vec;

use super::BUCKETS;
use crate::record::{EMPTY, Listed};

/// Deals the buckets out over the list, again and again, one to each destination.
pub(crate) fn table(list: &[Listed]) -> Vec<u16> {
    let mut table: Vec<u16> = list
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.eligible())
        .map(|(position, _)| position as u16)
        .take(BUCKETS as usize)
        .collect();
    if table.is_empty() {
        table.push(EMPTY);
    }
    table.into_iter().cycle().take(BUCKETS as usize).collect()
}
