//! How large the maps of a fresh data plane are made.

use dray_abi::{MAX_DESTINATION, SLOTS_PER_BUCKET, SLOTS_PER_CONNECTION};
use dray_model::{Desired, Scheduler};

/// Entries of the maps. Kernel memory, in bytes: for each connection that there is room for, 96 for IPv4, 192 for IPv6
/// and 48 for templates; 96 for each destination and 32 more for each processor, 32 for each service, 8 for each word,
/// 32 for each hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections of each family.
    pub connections: u32,
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
    /// stands for a client, and clients have more connections than one. A connection names its template by 24 bits.
    pub(crate) fn template_buckets(&self) -> u32 {
        const MOST: u32 = 0xff_ffff / SLOTS_PER_BUCKET as u32;
        self.buckets().div_ceil(4).min(MOST)
    }
}

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
