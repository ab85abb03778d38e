//! The data plane in the kernel, behind the model's port.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use aya::maps::MapError;
use dray_abi::{Identity, REASONS_PER_CPU, Reason, SLOTS_PER_BUCKET, Service};
use dray_model::{
    Action, Actual, Connection, Counters, DataPlane, DataPlaneError, DestinationId, HopId,
    InterfaceStatus, Live, LocalAddresses, MarkRule, Part, Policy, ReasonCount, Room, ServiceId,
    Sweep, Template,
};

use crate::{
    arena::Arena, drop_entries::Dice, freed::Freed, maps::Maps, policy, ports::Ports,
    published::Published, sweep::Leftovers, wire,
};

/// The data plane in the kernel.
pub struct KernelDataPlane {
    pub(crate) maps: Maps,
    pub(crate) identity: Identity,
    pub(crate) ports: Ports,
    pub(crate) arena: Arena,
    /// The services that packets can find, and where their records lie.
    pub(crate) published: Published,
    /// Next hops given back since the last grace period: packets may still be reading them.
    pub(crate) freed_hops: BTreeSet<HopId>,
    /// Destinations given back, to which something may still lead.
    pub(crate) freed: Freed,
    /// Whether a record was replaced since the last grace period: packets may still pick from the old one.
    pub(crate) records_replaced: bool,
    /// Which part of the connection tables the next sweep looks at.
    pub(crate) next_part: u32,
    /// What sweeps are to end because its real server was removed.
    pub(crate) leftovers: Leftovers,
    /// What the defences leave to chance.
    pub(crate) dice: Dice,
}

/// Kernel memory of the tables that grow with the connections, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableBytes {
    /// The IPv4 connection table.
    pub ipv4: u64,
    /// The IPv6 connection table.
    pub ipv6: u64,
    /// The table of persistence templates.
    pub templates: u64,
    /// The table of translations.
    pub translations: u64,
}

impl KernelDataPlane {
    /// Puts one together around opened maps; [`DataPlane::observe`] finds what is in them.
    pub(crate) fn assemble(maps: Maps, identity: Identity, ports: Ports) -> Self {
        Self {
            arena: Arena::new(identity.words, Vec::new()),
            maps,
            // The table's secret is as good as any other number that nobody knows.
            dice: Dice::new(identity.hash_key.multipliers[0]),
            identity,
            ports,
            published: Published::default(),
            freed_hops: BTreeSet::new(),
            freed: Freed::default(),
            records_replaced: false,
            next_part: 0,
            leftovers: Leftovers::default(),
        }
    }

    pub(crate) fn maps(&self) -> &Maps {
        &self.maps
    }

    /// Connections of each family that the tables were made for.
    pub fn max_connections(&self) -> u64 {
        self.identity.connections
    }

    /// Slots of the table of translations. When more than half of them are taken, some new connections find none.
    pub fn translation_slots(&self) -> u64 {
        u64::from(self.identity.translation_buckets) * SLOTS_PER_BUCKET as u64
    }

    /// Kernel memory of the tables that grow with the connections.
    pub fn table_bytes(&self) -> TableBytes {
        let bytes = |buckets: u32, bucket: usize| u64::from(buckets) * bucket as u64;
        let Identity {
            buckets4,
            buckets6,
            template_buckets,
            translation_buckets,
            ..
        } = self.identity;
        TableBytes {
            ipv4: bytes(buckets4, size_of::<dray_abi::Bucket4>()),
            ipv6: bytes(buckets6, size_of::<dray_abi::Bucket6>()),
            templates: bytes(template_buckets, size_of::<dray_abi::TemplateBucket>()),
            translations: bytes(
                translation_buckets,
                size_of::<dray_abi::TranslationBucket>(),
            ),
        }
    }

    /// Ends every connection and template at once. For benchmarks.
    pub fn forget_connections(&mut self) {
        self.maps.connections4.clear();
        self.maps.connections6.clear();
        self.maps.templates.clear();
        self.maps.translations.clear();
        for number in 0..self.maps.live.len() {
            let live = self.maps.live.read(number).unwrap_or_default();
            let none = dray_abi::Live {
                upper: live.upper,
                lower: live.lower,
                ..Default::default()
            };
            self.maps.live.write(number, none);
        }
    }

    /// Makes it as it is when it is made, but for its ports. No packet may be under way.
    pub(crate) fn clear(&mut self) -> Result<(), MapError> {
        self.maps.clear()?;
        self.arena = Arena::new(self.identity.words, Vec::new());
        self.published = Published::default();
        self.freed_hops.clear();
        self.freed = Freed::default();
        self.records_replaced = false;
        self.next_part = 0;
        self.leftovers = Leftovers::default();
        Ok(())
    }
}

impl DataPlane for KernelDataPlane {
    fn observe(&mut self) -> Result<Actual, DataPlaneError> {
        crate::observe::observe(self)
    }

    fn room(&self) -> Room {
        // Number 0 is "none".
        Room {
            services: self.identity.services.saturating_sub(1),
            destinations: self.identity.destinations.saturating_sub(1),
            hops: self.identity.hops.saturating_sub(1),
        }
    }

    fn apply(&mut self, action: &Action) -> Result<(), DataPlaneError> {
        crate::apply::apply(self, action)
    }

    fn cursor(&self, service: ServiceId) -> u64 {
        let Some((start, _)) = self.published.record(service) else {
            return 0;
        };
        let word = self.maps.records.word(start + dray_sched::CURSOR, 0);
        word.map_or(0, |cursor| cursor.load(Ordering::Acquire))
    }

    fn live(&self, destination: DestinationId) -> Live {
        let live = self.maps.live.read(destination.0).unwrap_or_default();
        let (active, inactive) = dray_abi::Live::split(live.active_inactive);
        Live {
            active,
            inactive,
            persistent: live.persistent,
            overloaded: live.overloaded != 0,
        }
    }

    fn counters(&self, destination: DestinationId) -> Counters {
        let connections = self
            .maps
            .live
            .read(destination.0)
            .map_or(0, |live| live.connections);
        let mut total = Counters {
            connections,
            ..Counters::default()
        };
        for processor in 0..self.identity.processors {
            let index = processor * self.identity.destinations + destination.0;
            let counters = self.maps.counters.read(index).unwrap_or_default();
            total.packets += counters.packets;
            total.bytes += counters.bytes;
            total.reply_packets += counters.reply_packets;
            total.reply_bytes += counters.reply_bytes;
        }
        total
    }

    fn refused(&self, service: ServiceId) -> u64 {
        let word = self
            .maps
            .services
            .word(service.0, std::mem::offset_of!(Service, refused));
        word.map_or(0, |refused| refused.load(Ordering::Relaxed))
    }

    fn set_policy(&mut self, policy: &Policy) {
        self.maps.store_policy(&policy::settings(policy));
    }

    fn set_mark_rules(&mut self, rules: &[MarkRule]) -> Result<(), DataPlaneError> {
        crate::marks::set(self, rules)
    }

    fn set_local_addresses(&mut self, locals: &LocalAddresses) -> Result<(), DataPlaneError> {
        crate::locals::set(self, locals)
    }

    fn sweep(&mut self, parts: u32) -> Sweep {
        crate::sweep::sweep(self, parts)
    }

    fn drop_entries(&mut self) -> u64 {
        crate::drop_entries::drop_entries(self)
    }

    fn end_connections(&mut self, part: Part, which: &dyn Fn(&Connection) -> bool) -> u64 {
        crate::end_entries::end_connections(self, part, which)
    }

    fn end_templates(&mut self, part: Part, which: &dyn Fn(&Template) -> bool) -> u64 {
        crate::end_entries::end_templates(self, part, which)
    }

    fn connections(&self, keep: &dyn Fn(&Connection) -> bool, limit: usize) -> Vec<Connection> {
        crate::connections::connections(self, keep, limit)
    }

    fn templates(&self, limit: usize) -> Vec<Template> {
        crate::connections::templates(self, limit)
    }

    fn reasons(&self) -> Vec<ReasonCount> {
        let count = |reason: Reason| {
            let of_processor = |processor| {
                self.maps
                    .reasons
                    .read(processor * REASONS_PER_CPU + reason as u32)
            };
            (0..self.identity.processors).filter_map(of_processor).sum()
        };
        Reason::ALL
            .iter()
            .map(|reason| ReasonCount {
                name: reason.name(),
                verdict: wire::verdict(reason.verdict()),
                meaning: reason.meaning(),
                packets: count(*reason),
            })
            .collect()
    }

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        self.ports.status()
    }
}
