//! How much of the tables is taken.

use dray_abi::Meta;

use crate::{KernelDataPlane, slots};

/// Slots that are taken: by what lives, by what is over and not swept yet, and by what is being written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Connections of both families.
    pub connections: u64,
    /// Return slots of translated connections, which lie in the same tables.
    pub returns: u64,
    /// Translations.
    pub translations: u64,
    /// Persistence templates.
    pub templates: u64,
}

impl KernelDataPlane {
    /// Counts what is taken; looks at every slot.
    pub fn occupancy(&self) -> Occupancy {
        let maps = &self.maps;
        let of4 = slots::connections(&maps.connections4, 0..maps.connections4.len());
        let of6 = slots::connections(&maps.connections6, 0..maps.connections6.len());
        let mut found = Occupancy {
            templates: taken(
                slots::templates(&maps.templates, 0..maps.templates.len()).map(|slot| slot.meta()),
            ),
            translations: taken(maps.translation_metas()),
            ..Occupancy::default()
        };
        for meta in of4.chain(of6).map(|slot| slot.meta()) {
            if slots::is_return(meta) {
                found.returns += 1;
            } else if !meta.is_free() {
                found.connections += 1;
            }
        }
        found
    }
}

fn taken(metas: impl Iterator<Item = Meta>) -> u64 {
    metas.filter(|meta| !meta.is_free()).count() as u64
}
