//! Filling the Maglev table.

use alloc::vec::Vec;

use super::SLOTS;
use crate::build::Entry;
use crate::maglev::{Table, Walk};
use crate::record::Listed;
use crate::spread::Spread;

/// Fills the table in laps over the list, in which each destination claims as many slots in a row as it has turns.
///
/// A quiesced destination keeps its slots, by its last weight. One that never had a weight has none.
pub(crate) fn table(list: &[Listed], addresses: &[Entry]) -> Vec<u16> {
    let places = || {
        let weighty = |entry: &Listed| entry.eligible() && entry.last_weight() > 0;
        list.iter()
            .enumerate()
            .filter(move |(_, entry)| weighty(entry))
    };
    let spread = Spread::of(places().map(|(_, entry)| entry.last_weight()));
    let mut walks: Vec<_> = places()
        .map(|(position, entry)| {
            let walk = Walk::of(&addresses[position], SLOTS);
            (position as u16, turns(entry.last_weight(), spread), walk)
        })
        .collect();

    let mut table = Table::new(SLOTS);
    while !walks.is_empty() {
        for (position, turns, walk) in &mut walks {
            for _ in 0..*turns {
                table.claim(walk, *position);
                if table.is_full() {
                    return table.into_slots();
                }
            }
        }
    }
    table.into_slots()
}

/// Turns of a destination in a lap: its weight over the greatest common divisor, with all of them halved until the greatest
/// fits into 6 bits (half of the kernel's table index), and at least 1.
fn turns(weight: u32, spread: Spread) -> u32 {
    const BITS: u32 = 6;
    let bits = u32::BITS - (spread.greatest / spread.divisor).leading_zeros();
    ((weight / spread.divisor) >> bits.saturating_sub(BITS)).max(1)
}
