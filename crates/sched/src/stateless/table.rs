//! Filling the table of stateless forwarding.

use alloc::vec::Vec;

use crate::build::Entry;
use crate::maglev::{Table, Walk};
use crate::record::Listed;

/// A Maglev table over the usable entries, with shares by weight; empty when there are none.
///
/// Directors whose lists have another order fill it alike, because the claims go by address.
pub(crate) fn table(list: &[Listed], addresses: &[Entry]) -> Vec<u16> {
    let size = size(list.len());
    let usable = || {
        list.iter()
            .zip(addresses)
            .enumerate()
            .filter(|(_, (entry, _))| entry.usable())
    };
    let Some(greatest) = usable().map(|(_, (entry, _))| entry.weight()).max() else {
        return Vec::new();
    };
    let greatest = u64::from(greatest);
    let mut claims: Vec<_> = usable()
        .map(|(position, (entry, address))| Claim {
            position: position as u16,
            weight: u64::from(entry.weight()),
            // Half of what a slot costs: this rounds the shares to the nearest slot.
            credit: greatest / 2,
            walk: Walk::of(address, size),
        })
        .collect();
    claims.sort_unstable_by_key(|claim| {
        let entry = &addresses[usize::from(claim.position)];
        (entry.address, entry.port, entry.destination)
    });

    let mut table = Table::new(size);
    loop {
        for claim in &mut claims {
            claim.credit += claim.weight;
            if claim.credit < greatest {
                continue;
            }
            claim.credit -= greatest;
            table.claim(&mut claim.walk, claim.position);
            if table.is_full() {
                return table.into_slots();
            }
        }
    }
}

/// A destination that claims slots. Each lap adds its weight to its credit, and a slot costs the greatest weight: so a lap gives
/// the heaviest one slot, and the others as often as their weight says.
struct Claim {
    position: u16,
    weight: u64,
    credit: u64,
    walk: Walk,
}

/// The table's size for a list of `len` destinations: 40 slots for each, as far as the sizes go. With those a destination that goes
/// takes hardly more than a twentieth of the others' flows to another place (measured; with 8 slots it takes a tenth).
///
/// It goes by the whole list, not by the usable part, because another size moves almost every flow, and a real server that goes
/// and comes must not do that.
fn size(len: usize) -> u32 {
    const SIZES: [u32; 7] = [251, 509, 1021, 2039, 4093, 8191, 16381];
    let fits = |size: &u32| *size as usize >= len * 40;
    SIZES.into_iter().find(fits).unwrap_or(16381)
}
