//! Carrying out one action. Each checks everything that can fail before it writes anything.

use std::{collections::btree_map::Entry, mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Counters, Destination, DestinationInfo, Hop, Live, Service};
use dray_model::{
    Action, ActualDestination, DataPlane as _, DataPlaneError, DestinationId, HopId, NextHop,
    Record, ServiceAddress, ServiceId,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

use crate::{KernelDataPlane, grace, wire};

/// What to do when something outgrows the maps.
const START_AGAIN: &str =
    "to make it larger, end it (`dray stop --withdraw`) and start the daemon again";

pub(crate) fn apply(plane: &mut KernelDataPlane, action: &Action) -> Result<(), DataPlaneError> {
    match action {
        Action::WriteHop { id, hop } => write_hop(plane, *id, hop),
        Action::AddDestination { id, destination } => add_destination(plane, *id, destination),
        Action::SetHop { id, hop } => set_hop(plane, *id, *hop),
        Action::Publish {
            id,
            address,
            record,
        } => publish(plane, *id, address, record),
        Action::Withdraw { id, address } => withdraw(plane, *id, address),
        Action::FreeDestination { id } => free_destination(plane, *id),
        Action::FreeHop { id } => {
            free_hop(plane, *id);
            Ok(())
        }
    }
}

fn write_hop(plane: &mut KernelDataPlane, id: HopId, hop: &NextHop) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.maps.hops.len(), "another next hop")?;
    let port = plane.ports.port_of(hop.interface).ok_or_else(|| {
        DataPlaneError::Damaged(format!(
            "next hop {id} leaves by interface {}, which is no port",
            hop.interface
        ))
    })?;
    if plane.freed_hops.contains(&id) {
        wait_for_packets(plane);
    }
    plane.maps.hops.write(
        id.0,
        Hop {
            destination: hop.destination.0,
            source: hop.source.0,
            port,
            vlan: hop.vlan.map_or(0, u32::from),
            used: 1,
            reserved: [0; 2],
        },
    );
    Ok(())
}

fn add_destination(
    plane: &mut KernelDataPlane,
    id: DestinationId,
    destination: &ActualDestination,
) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.identity.destinations, "another destination")?;
    plane.maps.live.write(id.0, Live::default());
    for processor in 0..plane.identity.processors {
        plane.maps.counters.write(
            processor * plane.identity.destinations + id.0,
            Counters::default(),
        );
    }
    plane.maps.destination_info.write(
        id.0,
        DestinationInfo {
            real: wire::address_bytes(destination.real),
            service: wire::service_key(&destination.service),
            used: 1,
            reserved: [0; 2],
        },
    );
    set_hop(plane, id, destination.hop)
}

fn set_hop(
    plane: &mut KernelDataPlane,
    id: DestinationId,
    hop: Option<HopId>,
) -> Result<(), DataPlaneError> {
    let entry = Destination {
        hop: hop.map_or(0, |hop| hop.0),
        reserved: 0,
    };
    let word = plane
        .maps
        .destinations
        .word(id.0, 0)
        .ok_or_else(|| DataPlaneError::Damaged(format!("there is no destination {id}")))?;
    // The hop was written before: a packet that reads its number finds it whole.
    word.store(word_of(entry.as_bytes()), Ordering::Release);
    Ok(())
}

fn publish(
    plane: &mut KernelDataPlane,
    id: ServiceId,
    address: &ServiceAddress,
    record: &Record,
) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.maps.services.len(), "another virtual service")?;
    let length = u32::try_from(record.0.len()).unwrap_or(u32::MAX);
    let start = take_words(plane, length)?;
    for (word, index) in record.0.iter().zip(start..) {
        plane.maps.records.write(index, *word);
    }
    let service = plane.maps.services.word(id.0, offset_of!(Service, record));
    let Some(published) = service else {
        return Err(DataPlaneError::Damaged(format!("there is no service {id}")));
    };
    match plane.records.entry(id) {
        Entry::Occupied(mut old) => {
            // From this store on every packet sees the new record, whole.
            published.store(u64::from(start), Ordering::Release);
            let (old_start, old_length) = old.insert((start, length));
            plane.arena.retire(old_start, old_length);
            plane.records_replaced = true;
        }
        Entry::Vacant(new) => {
            if let Some(refused) = plane.maps.services.word(id.0, offset_of!(Service, refused)) {
                refused.store(0, Ordering::Relaxed);
            }
            published.store(u64::from(start), Ordering::Release);
            let key = key_bytes(address);
            if let Err(error) = plane.maps.service_index.insert(key, id.0, 0) {
                plane.arena.retire(start, length);
                return Err(system(format!("add {address} to the service map"), error));
            }
            new.insert((start, length));
        }
    }
    Ok(())
}

fn withdraw(
    plane: &mut KernelDataPlane,
    id: ServiceId,
    address: &ServiceAddress,
) -> Result<(), DataPlaneError> {
    plane
        .maps
        .service_index
        .remove(&key_bytes(address))
        .map_err(|error| system(format!("take {address} out of the service map"), error))?;
    // Packets that found the service just before still pick from its record, which stays until they are done.
    if let Some((start, length)) = plane.records.remove(&id) {
        plane.arena.retire(start, length);
        plane.records_replaced = true;
    }
    Ok(())
}

fn free_destination(plane: &mut KernelDataPlane, id: DestinationId) -> Result<(), DataPlaneError> {
    if plane.records_replaced {
        wait_for_packets(plane);
    }
    if plane.live(id).total() != 0 {
        return Err(DataPlaneError::Damaged(format!(
            "destination {id} still has connections"
        )));
    }
    set_hop(plane, id, None)?;
    plane
        .maps
        .destination_info
        .write(id.0, DestinationInfo::default());
    Ok(())
}

fn free_hop(plane: &mut KernelDataPlane, id: HopId) {
    // Packets may be reading the addresses still: only the mark of use goes now.
    let (Some(hop), Some(word)) = (
        plane.maps.hops.read(id.0),
        plane.maps.hops.word(id.0, offset_of!(Hop, vlan)),
    ) else {
        return;
    };
    word.store(u64::from(hop.vlan), Ordering::Relaxed);
    plane.freed_hops.insert(id);
}

fn take_words(plane: &mut KernelDataPlane, length: u32) -> Result<u32, DataPlaneError> {
    if let Some(start) = plane.arena.take(length) {
        return Ok(start);
    }
    wait_for_packets(plane);
    plane.arena.take(length).ok_or(DataPlaneError::Full {
        what: "another scheduling record",
        room: u64::from(plane.identity.words),
        cure: START_AGAIN,
    })
}

/// Waits until no packet can be reading anything that was given back, and makes that free.
fn wait_for_packets(plane: &mut KernelDataPlane) {
    grace::wait();
    plane.arena.reclaim();
    plane.freed_hops.clear();
    plane.records_replaced = false;
}

fn check_room(index: u32, entries: u32, what: &'static str) -> Result<(), DataPlaneError> {
    if index < entries {
        return Ok(());
    }
    Err(DataPlaneError::Full {
        what,
        room: u64::from(entries),
        cure: START_AGAIN,
    })
}

fn key_bytes(address: &ServiceAddress) -> crate::maps::KeyBytes {
    zerocopy::transmute!(wire::service_key(address))
}

fn word_of(bytes: &[u8]) -> u64 {
    u64::read_from_bytes(bytes).unwrap_or_default()
}

fn system(what: String, source: aya::maps::MapError) -> DataPlaneError {
    DataPlaneError::System {
        what,
        source: Box::new(source),
    }
}
