//! Reading the data plane back, as a new daemon does that adopts one.

use std::collections::BTreeMap;

use dray_abi::{Service, ServiceKey};
use dray_model::{
    Actual, ActualDestination, ActualService, DataPlaneError, DestinationId, HopId, Mac, NextHop,
    Record, ServiceId,
};

use crate::{KernelDataPlane, arena::Arena, wire};

pub(crate) fn observe(plane: &mut KernelDataPlane) -> Result<Actual, DataPlaneError> {
    let hops = hops(plane);
    let destinations = destinations(plane)?;
    let mut services = BTreeMap::new();
    let mut records = BTreeMap::new();
    for entry in plane.maps.service_index.iter() {
        let (key, number) = entry.map_err(|error| DataPlaneError::System {
            what: "read the service map".to_owned(),
            source: Box::new(error),
        })?;
        let key: ServiceKey = zerocopy::transmute!(key);
        let address = wire::service_address(&key)
            .ok_or_else(|| damaged(format!("service {number} is of protocol {}", key.protocol)))?;
        let service: Service = plane
            .maps
            .services
            .read(number)
            .ok_or_else(|| damaged(format!("there is no service {number}")))?;
        let start = u32::try_from(service.record).unwrap_or(u32::MAX);
        let record = record(plane, start)
            .ok_or_else(|| damaged(format!("the record of {address} is not whole")))?;
        records.insert(ServiceId(number), (start, record.0.len() as u32));
        services.insert(
            address,
            ActualService {
                id: ServiceId(number),
                record,
            },
        );
    }
    plane.arena = Arena::new(plane.identity.words, records.values().copied().collect());
    plane.records = records;
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
        let service = wire::service_address(&info.service)
            .ok_or_else(|| damaged(format!("destination {number} belongs to no service")))?;
        let hop = plane
            .maps
            .destinations
            .read(number)
            .map_or(0, |destination| destination.hop);
        let hop = (hop != 0).then_some(HopId(hop));
        found.insert(
            DestinationId(number),
            ActualDestination {
                service,
                real: wire::address(info.real),
                hop,
            },
        );
    }
    Ok(found)
}

fn hops(plane: &KernelDataPlane) -> BTreeMap<HopId, NextHop> {
    let mut found = BTreeMap::new();
    for number in 1..plane.maps.hops.len() {
        let hop = plane.maps.hops.read(number).unwrap_or_default();
        if hop.used == 0 {
            continue;
        }
        let next_hop = NextHop {
            interface: plane
                .maps
                .ports
                .read(hop.port)
                .map_or(0, |port| port.interface),
            vlan: u16::try_from(hop.vlan).ok().filter(|vlan| *vlan != 0),
            source: Mac(hop.source),
            destination: Mac(hop.destination),
        };
        found.insert(HopId(number), next_hop);
    }
    found
}

fn damaged(what: String) -> DataPlaneError {
    DataPlaneError::Damaged(what)
}
