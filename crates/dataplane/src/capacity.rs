//! How large the maps of a fresh data plane are made.

use dray_abi::{MAX_DESTINATION, SLOTS_PER_BUCKET, SLOTS_PER_CONNECTION};
use dray_model::{Desired, Scheduler};

/// Entries of the maps. Kernel memory, in bytes: for each connection that there is room for, 96 for IPv4, 192 for IPv6
/// and 48 for templates; 256 for each translation, 128 for each hop; 96 for each destination and 32 more for each
/// processor, 32 for each service, 8 for each word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections of each family.
    pub connections: u32,
    /// Connections of both families together whose addresses are changed (NAT, FULLNAT).
    pub translations: u32,
    /// Virtual services.
    pub services: u32,
    /// Destinations.
    pub destinations: u32,
    /// Words of scheduling records.
    pub words: u32,
    /// Next hops.
    pub hops: u32,
}

impl Capacity {
    /// Room for this configuration, and for it to grow to twice its size.
    pub fn of(desired: &Desired) -> Self {
        let reals: usize = desired
            .services
            .iter()
            .map(|service| service.reals.len())
            .sum();
        let words: usize = desired
            .services
            .iter()
            .map(|service| record_words(service.scheduler, service.reals.len()))
            .sum();
        Self {
            connections: desired.director.max_connections.get(),
            translations: desired.director.max_translations.get(),
            services: room(desired.services.len(), 4096, u32::MAX >> 1),
            destinations: room(reals, 16_384, MAX_DESTINATION + 1),
            // Twice, because a record lies beside the one that it replaces until no packet reads that.
            words: room(words * 2, 1 << 20, 1 << 30),
            hops: room(reals, 16_384, 1 << 24),
        }
    }

    /// Buckets of a connection table.
    pub(crate) fn buckets(&self) -> u32 {
        let slots = u64::from(self.connections) * u64::from(SLOTS_PER_CONNECTION);
        slots
            .div_ceil(SLOTS_PER_BUCKET as u64)
            .try_into()
            .unwrap_or(u32::MAX)
    }

    /// Buckets of the table of persistence templates, which has a quarter of a connection table's slots: a template
    /// stands for a client, and clients have more connections than one.
    pub(crate) fn template_buckets(&self) -> u32 {
        self.buckets().div_ceil(4).min(MOST_BUCKETS_NAMED)
    }

    /// Buckets of the table of translations. A new one takes a slot of two buckets: with half of the slots taken, about
    /// one in a thousand finds both full.
    pub(crate) fn translation_buckets(&self) -> u32 {
        self.translations
            .saturating_mul(SLOTS_PER_TRANSLATION)
            .div_ceil(SLOTS_PER_BUCKET as u32)
            .clamp(LEAST_TRANSLATION_BUCKETS, MOST_BUCKETS_NAMED)
    }
}

/// Connections name their templates and translations by 24 bits.
const MOST_BUCKETS_NAMED: u32 = 0xff_ffff / SLOTS_PER_BUCKET as u32;
/// Slots for each translation that the table is made for.
const SLOTS_PER_TRANSLATION: u32 = 2;
/// So that even the smallest table has some buckets to choose from.
const LEAST_TRANSLATION_BUCKETS: u32 = 8;

fn room(wanted: usize, least: u32, most: u32) -> u32 {
    let doubled = (wanted * 2).next_power_of_two();
    u32::try_from(doubled)
        .unwrap_or(u32::MAX)
        .clamp(least, most)
}

/// Words of a service's record, roughly: head, list, and the table of its scheduler.
fn record_words(scheduler: Scheduler, reals: usize) -> usize {
    let table = match scheduler {
        Scheduler::MaglevHash(_) => 4093 / 4,
        _ => (8 * reals).max(251) / 4,
    };
    16 + 2 * reals + table
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: Capacity = Capacity {
        connections: 1024,
        translations: 1024,
        services: 1,
        destinations: 1,
        words: 1,
        hops: 1,
    };

    fn translation_buckets(translations: u32) -> u32 {
        let capacity = Capacity {
            translations,
            ..CAPACITY
        };
        capacity.translation_buckets()
    }

    #[test]
    fn every_translation_has_two_slots() {
        assert_eq!(translation_buckets(1024), 256);
        assert_eq!(translation_buckets(1025), 257);
        assert_eq!(translation_buckets(8_000_000), 2_000_000);
    }

    #[test]
    fn the_smallest_table_of_translations_has_some_buckets() {
        assert_eq!(translation_buckets(1), 8);
    }

    #[test]
    fn every_template_and_translation_can_be_named_by_24_bits() {
        let largest = Capacity {
            connections: u32::MAX,
            translations: u32::MAX,
            ..CAPACITY
        };
        for buckets in [largest.template_buckets(), largest.translation_buckets()] {
            let last = u64::from(buckets) * SLOTS_PER_BUCKET as u64;
            assert!(last <= 0xff_ffff, "{last}");
        }
    }
}
