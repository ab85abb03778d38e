//! The maps, opened: the arrays in our memory, the two others by their handles.

use std::{io, mem::offset_of, os::fd::AsFd as _, sync::atomic::Ordering};

use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, MapError, xdp::DevMap},
};
use dray_abi::{
    Bucket4, Bucket6, Counters, Destination, DestinationInfo, Hop, Identity, Live, MAX_PORTS, Port,
    REASONS_PER_CPU, Service, ServiceKey, Settings, maps,
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
        maps::SERVICE_INDEX | maps::SERVICES => identity.services,
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

    /// What holds for the director as a whole, as packets that come in by the first port see it.
    pub(crate) fn settings(&self) -> Settings {
        self.ports.read(0).unwrap_or_default().settings
    }

    /// Sets the timeouts by state, in ticks, for every port.
    pub(crate) fn set_timeouts(&self, ticks: &[u32; 16]) {
        let base = offset_of!(Port, settings) + offset_of!(Settings, timeouts);
        for port in 0..self.ports.len() {
            for (pair, offset) in ticks.chunks_exact(2).zip((base..).step_by(8)) {
                if let Some(word) = self.ports.word(port, offset) {
                    word.store(
                        u64::from(pair[0]) | u64::from(pair[1]) << 32,
                        Ordering::Relaxed,
                    );
                }
            }
        }
    }

    /// Sets the clock of a private instance, in ticks.
    pub(crate) fn set_clock(&self, ticks: u32) {
        // `full` and `clock` are the two halves of a word.
        let offset = offset_of!(Port, settings) + offset_of!(Settings, full);
        for port in 0..self.ports.len() {
            if let Some(word) = self.ports.word(port, offset) {
                let full = word.load(Ordering::Relaxed) & u64::from(u32::MAX);
                word.store(full | u64::from(ticks) << 32, Ordering::Relaxed);
            }
        }
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
