//! The actions on destinations.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Counters, Destination, DestinationInfo, Live, Settings};
use dray_model::{
    ActualDestination, DataPlane as _, DataPlaneError, DestinationId, ServiceId, Thresholds,
};

use crate::{
    KernelDataPlane,
    apply::{check_room, wait_for_packets},
    wire,
};

/// The number of no service: that of a destination that no record has named yet.
const NO_SERVICE: u32 = u32::MAX;

/// Writes a destination whose number is free.
pub(crate) fn add(
    plane: &mut KernelDataPlane,
    id: DestinationId,
    destination: &ActualDestination,
) -> Result<(), DataPlaneError> {
    check_room(id.0, plane.identity.destinations, "another destination")?;
    if plane.freed.contains(id.0) {
        plane.freed.forget(&plane.maps);
    }
    let Thresholds { upper, lower } = destination.thresholds;
    let live = Live {
        upper,
        lower,
        ..Live::default()
    };
    plane.maps.live.write(id.0, live);
    for processor in 0..plane.identity.processors {
        plane.maps.counters.write(
            processor * plane.identity.destinations + id.0,
            Counters::default(),
        );
    }
    let info = wire::info(destination);
    plane.maps.destination_info.write(id.0, info);
    store_half(plane, id.0, offset_of!(Destination, service), NO_SERVICE);
    store(plane, id, destination);
    Ok(())
}

/// Changes a destination that is there.
pub(crate) fn set(
    plane: &mut KernelDataPlane,
    id: DestinationId,
    destination: &ActualDestination,
) -> Result<(), DataPlaneError> {
    let before = plane.maps.destination_info.read(id.0).unwrap_or_default();
    let info = wire::info(destination);
    let same = before.used != 0 && before.real == info.real && before.service == info.service;
    if !same {
        return Err(DataPlaneError::Damaged(format!(
            "there is no destination {id} for {} of {}",
            destination.real, destination.service
        )));
    }
    plane.maps.destination_info.write(id.0, info);
    set_thresholds(plane, id, destination.thresholds);
    let before = plane.maps.destinations.read(id.0).unwrap_or_default();
    store(plane, id, destination);
    if before.flags & Destination::AVAILABLE != 0 && !destination.available {
        plane.leftovers.arise();
    }
    Ok(())
}

/// Frees the number of a destination that nothing names.
pub(crate) fn free(plane: &mut KernelDataPlane, id: DestinationId) -> Result<(), DataPlaneError> {
    if plane.records_replaced {
        wait_for_packets(plane);
    }
    let live = plane.live(id);
    if live.total() != 0 || live.persistent != 0 {
        return Err(DataPlaneError::Damaged(format!(
            "destination {id} still has connections or templates"
        )));
    }
    store_first_word(plane, id.0, &Destination::default());
    store_half(plane, id.0, offset_of!(Destination, weight), 0);
    plane
        .maps
        .destination_info
        .write(id.0, DestinationInfo::default());
    // Nothing may lead to the number when it is somebody else's.
    plane.freed.give_back(id.0);
    Ok(())
}

/// Tells a destination the number of its service.
pub(crate) fn set_service(plane: &KernelDataPlane, destination: u32, service: ServiceId) {
    let offset = offset_of!(Destination, service);
    store_half(plane, destination, offset, service.0);
}

/// What packets read of a destination. The next hop was written before: a packet that reads its number finds it whole.
fn store(plane: &KernelDataPlane, id: DestinationId, destination: &ActualDestination) {
    let entry = wire::destination(destination);
    store_half(plane, id.0, offset_of!(Destination, weight), entry.weight);
    store_first_word(plane, id.0, &entry);
}

/// Hop, flags and port, as one word.
fn store_first_word(plane: &KernelDataPlane, number: u32, entry: &Destination) {
    let [first, _]: [u64; 2] = zerocopy::transmute!(*entry);
    if let Some(word) = plane.maps.destinations.word(number, 0) {
        word.store(first, Ordering::Release);
    }
}

fn store_half(plane: &KernelDataPlane, number: u32, offset: usize, value: u32) {
    let half = plane.maps.destinations.half(number, offset);
    // Packets read it with each connection that they schedule: a store of what is there would cost them a miss.
    if let Some(half) = half.filter(|half| half.load(Ordering::Relaxed) != value) {
        half.store(value, Ordering::Release);
    }
}

fn set_thresholds(plane: &KernelDataPlane, id: DestinationId, thresholds: Thresholds) {
    let Thresholds { upper, lower } = thresholds;
    let before = plane.maps.live.read(id.0).unwrap_or_default();
    let half = |offset| plane.maps.live.half(id.0, offset);
    if let Some(half) = half(offset_of!(Live, upper)) {
        half.store(upper, Ordering::Release);
    }
    if let Some(half) = half(offset_of!(Live, lower)) {
        half.store(lower, Ordering::Release);
    }
    let old_rules = plane.maps.settings().options & Settings::RULES_6_1_176 != 0;
    let overloaded = Live::overloaded_after_edit(
        Live::total(before.active_inactive),
        before.upper,
        upper,
        lower,
        before.overloaded != 0,
        old_rules,
    );
    if let Some(half) = half(offset_of!(Live, overloaded)) {
        half.store(overloaded.into(), Ordering::Release);
    }
}
