//! The maps, opened: the arrays in our memory, the two others by their handles.

use std::{io, os::fd::AsFd as _};

use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, MapError, xdp::DevMap},
};
use dray_abi::{
    Bucket4, Bucket6, Counters, Destination, DestinationInfo, FRAGMENT_BUCKETS, FragmentBucket,
    Hop, Identity, LOCAL_ADDRESSES, LOCALITY_BUCKETS, Live, LocalAddress, LocalityBucket,
    MAX_PORTS, Port, REASONS_PER_CPU, RULE_ROOM, Rule, Service, ServiceKey, Settings,
    TemplateBucket, TranslationBucket, maps,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::mapped::Mapped;

/// A map of the object cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapsError {
    /// The object has none of that name, or of another type.
    #[error("the eBPF object's map `{0}` is missing or of the wrong type")]
    Wrong(&'static str),
    /// It cannot be mapped into memory.
    #[error("failed to map `{name}` into memory")]
    Memory {
        /// Its name.
        name: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Key of the service index, as bytes.
pub(crate) type KeyBytes = [u8; size_of::<ServiceKey>()];

/// Every map.
pub(crate) struct Maps {
    pub(crate) connections4: Mapped<Bucket4>,
    pub(crate) connections6: Mapped<Bucket6>,
    pub(crate) templates: Mapped<TemplateBucket>,
    pub(crate) translations: Mapped<TranslationBucket>,
    pub(crate) locals: Mapped<LocalAddress>,
    pub(crate) fragments: Mapped<FragmentBucket>,
    pub(crate) locality: Mapped<LocalityBucket>,
    pub(crate) rules: Mapped<Rule>,
    pub(crate) service_index: HashMap<MapData, KeyBytes, u32>,
    pub(crate) services: Mapped<Service>,
    pub(crate) records: Mapped<u64>,
    pub(crate) destinations: Mapped<Destination>,
    pub(crate) destination_info: Mapped<DestinationInfo>,
    pub(crate) live: Mapped<Live>,
    pub(crate) counters: Mapped<Counters>,
    pub(crate) hops: Mapped<Hop>,
    pub(crate) ports: Mapped<Port>,
    pub(crate) egress: DevMap<MapData>,
    pub(crate) reasons: Mapped<u64>,
    pub(crate) identity: Mapped<Identity>,
}

/// How many entries a map has in a data plane of this identity.
pub(crate) fn entries(name: &str, identity: &Identity) -> u32 {
    match name {
        maps::CONNECTIONS4 => identity.buckets4,
        maps::CONNECTIONS6 => identity.buckets6,
        maps::TEMPLATES => identity.template_buckets,
        maps::TRANSLATIONS => identity.translation_buckets,
        maps::LOCALS => 2 * LOCAL_ADDRESSES,
        maps::FRAGMENTS => FRAGMENT_BUCKETS,
        maps::LOCALITY => LOCALITY_BUCKETS,
        maps::RULES => RULE_ROOM,
        // Each service may have a VIP of its own, which has an entry too.
        maps::SERVICE_INDEX => identity.services.saturating_mul(2),
        maps::SERVICES => identity.services,
        maps::RECORDS => identity.words,
        maps::DESTINATIONS | maps::DESTINATION_INFO | maps::LIVE => identity.destinations,
        maps::COUNTERS => identity.destinations.saturating_mul(identity.processors),
        maps::HOPS => identity.hops,
        maps::PORTS | maps::EGRESS => MAX_PORTS,
        maps::REASONS => REASONS_PER_CPU.saturating_mul(identity.processors),
        _ => 1,
    }
}

impl Maps {
    /// Takes them out of a loaded object.
    pub(crate) fn take(ebpf: &mut Ebpf, identity: &Identity) -> Result<Self, MapsError> {
        let service_index = take(ebpf, maps::SERVICE_INDEX)?;
        let egress = take(ebpf, maps::EGRESS)?;
        Ok(Self {
            connections4: array(ebpf, maps::CONNECTIONS4, identity)?,
            connections6: array(ebpf, maps::CONNECTIONS6, identity)?,
            templates: array(ebpf, maps::TEMPLATES, identity)?,
            translations: array(ebpf, maps::TRANSLATIONS, identity)?,
            locals: array(ebpf, maps::LOCALS, identity)?,
            fragments: array(ebpf, maps::FRAGMENTS, identity)?,
            locality: array(ebpf, maps::LOCALITY, identity)?,
            rules: array(ebpf, maps::RULES, identity)?,
            service_index: service_index
                .try_into()
                .map_err(|_: MapError| MapsError::Wrong(maps::SERVICE_INDEX))?,
            services: array(ebpf, maps::SERVICES, identity)?,
            records: array(ebpf, maps::RECORDS, identity)?,
            destinations: array(ebpf, maps::DESTINATIONS, identity)?,
            destination_info: array(ebpf, maps::DESTINATION_INFO, identity)?,
            live: array(ebpf, maps::LIVE, identity)?,
            counters: array(ebpf, maps::COUNTERS, identity)?,
            hops: array(ebpf, maps::HOPS, identity)?,
            ports: array(ebpf, maps::PORTS, identity)?,
            egress: egress
                .try_into()
                .map_err(|_: MapError| MapsError::Wrong(maps::EGRESS))?,
            reasons: array(ebpf, maps::REASONS, identity)?,
            identity: array(ebpf, maps::IDENTITY, identity)?,
        })
    }

    /// Empties all but the identity and what the ports are.
    pub(crate) fn clear(&mut self) -> Result<(), MapError> {
        let keys: Vec<KeyBytes> = self.service_index.keys().collect::<Result<_, _>>()?;
        for key in keys {
            self.service_index.remove(&key)?;
        }
        self.connections4.clear();
        self.connections6.clear();
        self.templates.clear();
        self.translations.clear();
        self.locals.clear();
        self.fragments.clear();
        self.locality.clear();
        self.rules.clear();
        self.services.clear();
        self.records.clear();
        self.destinations.clear();
        self.destination_info.clear();
        self.live.clear();
        self.counters.clear();
        self.hops.clear();
        self.reasons.clear();
        for index in 0..self.ports.len() {
            let port = Port {
                settings: Settings::default(),
                ..self.ports.read(index).unwrap_or_default()
            };
            self.ports.write(index, port);
        }
        Ok(())
    }
}

fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, MapsError> {
    ebpf.take_map(name).ok_or(MapsError::Wrong(name))
}

fn array<T: FromBytes + IntoBytes + Immutable>(
    ebpf: &mut Ebpf,
    name: &'static str,
    identity: &Identity,
) -> Result<Mapped<T>, MapsError> {
    let Map::Array(data) = take(ebpf, name)? else {
        return Err(MapsError::Wrong(name));
    };
    Mapped::new(data.fd().as_fd(), entries(name, identity))
        .map_err(|source| MapsError::Memory { name, source })
}
