//! Reading the data plane back, as a new daemon does that adopts one.

use std::collections::BTreeMap;

use dray_abi::{Destination, Service, ServiceKey};
use dray_model::{
    Actual, ActualDestination, ActualService, DataPlaneError, DestinationId, Hop, HopId, Record,
    ServiceId, Thresholds,
};

use crate::{
    KernelDataPlane, arena::Arena, freed::Freed, published::Published, settings::OF_SERVICES, wire,
};

pub(crate) fn observe(plane: &mut KernelDataPlane) -> Result<Actual, DataPlaneError> {
    let hops = hops(plane)?;
    let destinations = destinations(plane)?;
    let mut services = BTreeMap::new();
    let mut published = Published::default();
    for entry in plane.maps.service_index.iter() {
        let (key, number) = entry.map_err(|error| DataPlaneError::System {
            what: "read the service map".to_owned(),
            source: Box::new(error),
        })?;
        let key: ServiceKey = zerocopy::transmute!(key);
        if wire::is_vip_key(&key) {
            continue;
        }
        let identity = wire::service_identity(&key)
            .ok_or_else(|| damaged(format!("service {number} is of protocol {}", key.protocol)))?;
        let service: Service = plane
            .maps
            .services
            .read(number)
            .ok_or_else(|| damaged(format!("there is no service {number}")))?;
        let start = u32::try_from(service.record).unwrap_or(u32::MAX);
        let record = record(plane, start)
            .ok_or_else(|| damaged(format!("the record of {identity} is not whole")))?;
        let id = ServiceId(number);
        let options = dray_abi::ServiceOptions(service.options);
        published.insert(id, identity, (start, record.0.len() as u32));
        services.insert(
            identity,
            ActualService {
                id,
                options: wire::options_of(options, identity.family()),
                record,
            },
        );
    }
    plane.arena = Arena::new(plane.identity.words, published.records().collect());
    plane.maps.store_options(OF_SERVICES, published.options());
    plane.published = published;
    let numbers = 1..plane.identity.destinations;
    let unused = numbers.filter(|number| !destinations.contains_key(&DestinationId(*number)));
    plane.freed = Freed::unknown(unused);
    Ok(Actual {
        services,
        destinations,
        hops,
    })
}

fn record(plane: &KernelDataPlane, start: u32) -> Option<Record> {
    let head = plane.maps.records.read(start).filter(|_| start != 0)?;
    let length = dray_sched::record_len(head);
    let end = start
        .checked_add(length)
        .filter(|end| *end <= plane.maps.records.len())?;
    (start..end)
        .map(|index| plane.maps.records.read(index))
        .collect::<Option<_>>()
        .map(Record)
}

fn destinations(
    plane: &KernelDataPlane,
) -> Result<BTreeMap<DestinationId, ActualDestination>, DataPlaneError> {
    let mut found = BTreeMap::new();
    for number in 1..plane.identity.destinations {
        let info = plane.maps.destination_info.read(number).unwrap_or_default();
        if info.used == 0 {
            continue;
        }
        let service = wire::service_identity(&info.service)
            .ok_or_else(|| damaged(format!("destination {number} belongs to no service")))?;
        let entry = plane.maps.destinations.read(number).unwrap_or_default();
        let forward = wire::forward(&entry, &info).ok_or_else(|| {
            damaged(format!(
                "destination {number} has the forwarding method {}, tunnel {}",
                entry.method(),
                info.tunnel
            ))
        })?;
        let live = plane.maps.live.read(number).unwrap_or_default();
        let destination = ActualDestination {
            service,
            real: wire::address(info.real),
            port: u16::from_be_bytes(entry.port),
            forward,
            hop: (entry.hop != 0).then_some(HopId(entry.hop)),
            weight: entry.weight,
            thresholds: Thresholds {
                upper: live.upper,
                lower: live.lower,
            },
            available: entry.flags & Destination::AVAILABLE != 0,
            local: entry.flags & Destination::LOCAL != 0,
        };
        found.insert(DestinationId(number), destination);
    }
    Ok(found)
}

fn hops(plane: &KernelDataPlane) -> Result<BTreeMap<HopId, Hop>, DataPlaneError> {
    let mut found = BTreeMap::new();
    for number in 1..plane.maps.hops.len() {
        let entry = plane.maps.hops.read(number).unwrap_or_default();
        if entry.used == 0 {
            continue;
        }
        let port = plane.maps.ports.read(entry.port).unwrap_or_default();
        let hop = wire::hop_of(&entry, port.interface)
            .ok_or_else(|| damaged(format!("next hop {number} makes no sense: {entry:?}")))?;
        found.insert(HopId(number), hop);
    }
    Ok(found)
}

fn damaged(what: String) -> DataPlaneError {
    DataPlaneError::Damaged(what)
}
