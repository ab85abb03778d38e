//! Carrying out one action. Each checks everything that can fail before it writes anything.

use std::{mem::offset_of, net::IpAddr, sync::atomic::Ordering};

use dray_abi::{Service, ServiceKey};
use dray_model::{
    Action, DataPlaneError, Hop, HopId, Record, ServiceId, ServiceIdentity, ServiceOptions,
};

use crate::{KernelDataPlane, destination, grace, locality, settings::OF_SERVICES, wire};

/// What to do when something outgrows the maps.
const START_AGAIN: &str =
    "to make it larger, end it (`dray stop --withdraw`) and start the daemon again";

pub(crate) fn apply(plane: &mut KernelDataPlane, action: &Action) -> Result<(), DataPlaneError> {
    match action {
        Action::WriteHop { id, hop } => write_hop(plane, *id, hop),
        Action::AddDestination { id, destination } => destination::add(plane, *id, destination),
        Action::SetDestination { id, destination } => destination::set(plane, *id, destination),
        Action::Publish {
            id,
            service,
            options,
            record,
        } => publish(plane, *id, service, options, record),
        Action::Withdraw { id, service } => withdraw(plane, *id, service),
        Action::FreeDestination { id } => destination::free(plane, *id),
        Action::FreeHop { id } => {
            free_hop(plane, *id);
            Ok(())
        }
    }
}

fn write_hop(plane: &mut KernelDataPlane, id: HopId, hop: &Hop) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.maps.hops.len(), "another next hop")?;
    let interface = hop.next.interface;
    let port = plane.ports.port_of(interface).ok_or_else(|| {
        DataPlaneError::Damaged(format!(
            "next hop {id} leaves by interface {interface}, which is no port"
        ))
    })?;
    let entry = wire::hop(hop, port);
    plane.require(wire::features_of(&entry))?;
    if plane.freed_hops.contains(&id) {
        wait_for_packets(plane);
    }
    plane.maps.hops.write(id.0, entry);
    Ok(())
}

fn publish(
    plane: &mut KernelDataPlane,
    id: ServiceId,
    identity: &ServiceIdentity,
    options: &ServiceOptions,
    record: &Record,
) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.maps.services.len(), "another virtual service")?;
    let length = u32::try_from(record.0.len()).unwrap_or(u32::MAX);
    let start = take_words(plane, length)?;
    for (word, index) in record.0.iter().zip(start..) {
        plane.maps.records.write(index, *word);
    }
    tell_destinations(plane, id, record);
    if plane.published.record(id).is_none() {
        if let Err(error) = add(plane, id, identity, (options, start)) {
            plane.arena.retire(start, length);
            return Err(error);
        }
    } else {
        store(plane, id, options, start);
    }
    if let Some((old_start, old_length)) = plane.published.insert(id, *identity, (start, length)) {
        let header = |start| plane.maps.records.read(start).unwrap_or_default();
        if !dray_sched::same_scheduler(header(old_start), header(start)) {
            locality::forget_service(&plane.maps, id);
        }
        plane.arena.retire(old_start, old_length);
        plane.records_replaced = true;
    }
    plane
        .maps
        .store_options(OF_SERVICES, plane.published.options());
    Ok(())
}

/// Tells the destinations of a record, which packets cannot see yet, which service they are of.
fn tell_destinations(plane: &KernelDataPlane, id: ServiceId, record: &Record) {
    // What cannot be read names no destinations.
    let list = dray_sched::decode(&record.0).map_or_else(|_| Vec::new(), |decoded| decoded.list);
    for entry in list {
        destination::set_service(plane, entry.destination, id);
    }
}

/// Makes a new service one that packets can find.
fn add(
    plane: &mut KernelDataPlane,
    id: ServiceId,
    identity: &ServiceIdentity,
    contents: (&ServiceOptions, u32),
) -> Result<(), DataPlaneError> {
    if let Some(refused) = plane.maps.services.word(id.0, offset_of!(Service, refused)) {
        refused.store(0, Ordering::Relaxed);
    }
    store(plane, id, contents.0, contents.1);
    let first_of = identity
        .address()
        .map(|address| address.vip)
        .filter(|vip| plane.published.services_of(*vip) == 0);
    if let Some(vip) = first_of {
        insert(plane, &wire::vip_key(vip), wire::VIP, vip)?;
    }
    let inserted = insert(plane, &wire::service_key(identity), id.0, identity);
    if inserted.is_err()
        && let Some(vip) = first_of
    {
        remove_vip(plane, vip);
    }
    inserted
}

/// Writes what packets read of a service: from the last store on they see the new record, whole.
fn store(plane: &KernelDataPlane, id: ServiceId, options: &ServiceOptions, record: u32) {
    let word = |offset| plane.maps.services.word(id.0, offset);
    if let Some(word) = word(offset_of!(Service, options)) {
        word.store(wire::service_options(options).0, Ordering::Release);
    }
    if let Some(word) = word(offset_of!(Service, record)) {
        word.store(u64::from(record), Ordering::Release);
    }
}

fn withdraw(
    plane: &mut KernelDataPlane,
    id: ServiceId,
    identity: &ServiceIdentity,
) -> Result<(), DataPlaneError> {
    plane
        .maps
        .service_index
        .remove(&key_bytes(&wire::service_key(identity)))
        .map_err(|error| system(format!("take {identity} out of the service map"), error))?;
    // Packets that found the service just before still pick from its record, which stays until they are done.
    if let Some((start, length)) = plane.published.remove(id) {
        plane.arena.retire(start, length);
        plane.records_replaced = true;
        locality::forget_service(&plane.maps, id);
    }
    if let Some(address) = identity.address()
        && plane.published.services_of(address.vip) == 0
    {
        remove_vip(plane, address.vip);
    }
    plane
        .maps
        .store_options(OF_SERVICES, plane.published.options());
    Ok(())
}

fn insert(
    plane: &mut KernelDataPlane,
    key: &ServiceKey,
    value: u32,
    what: impl std::fmt::Display,
) -> Result<(), DataPlaneError> {
    let inserted = plane.maps.service_index.insert(key_bytes(key), value, 0);
    inserted.map_err(|error| system(format!("add {what} to the service map"), error))
}

fn remove_vip(plane: &mut KernelDataPlane, vip: IpAddr) {
    // One that is not there needs no removal.
    let _ = plane
        .maps
        .service_index
        .remove(&key_bytes(&wire::vip_key(vip)));
}

fn free_hop(plane: &mut KernelDataPlane, id: HopId) {
    // Packets may be reading the addresses still: only the mark of use goes now.
    let Some(used) = plane.maps.hops.half(id.0, offset_of!(dray_abi::Hop, used)) else {
        return;
    };
    used.store(0, Ordering::Relaxed);
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
pub(crate) fn wait_for_packets(plane: &mut KernelDataPlane) {
    grace::wait();
    plane.arena.reclaim();
    plane.freed_hops.clear();
    plane.records_replaced = false;
}

pub(crate) fn check_room(
    index: u32,
    entries: u32,
    what: &'static str,
) -> Result<(), DataPlaneError> {
    if index < entries {
        return Ok(());
    }
    Err(DataPlaneError::Full {
        what,
        room: u64::from(entries),
        cure: START_AGAIN,
    })
}

fn key_bytes(key: &ServiceKey) -> crate::maps::KeyBytes {
    zerocopy::transmute!(*key)
}

fn system(what: String, source: aya::maps::MapError) -> DataPlaneError {
    DataPlaneError::System {
        what,
        source: Box::new(source),
    }
}
