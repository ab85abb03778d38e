//! How much of a scheduler's table by hash names another real server.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use dray_model::{DestinationId, Service};
use dray_sched::{Entry, Kind, MAX_DESTINATION, build, slots};

use super::{MovedSlots, Present};
use crate::{
    plan::kind,
    view::{Listed, ServiceView},
};

/// Compares the table that packets go by with the one that they would. A new real server counts as one that is reached:
/// the way to it becomes known soon after.
pub(super) fn moved(present: &Present, after: &Service) -> Option<MovedSlots> {
    let service = present.service.as_ref()?;
    let wanted = kind(after.scheduler);
    if !goes_by_hash(wanted) || service.kind != Some(wanted) {
        return None;
    }
    let before = slots(&service.record.0);
    let record = build(
        wanted,
        service.overhead?,
        &list(present, service, after),
        None,
    )
    .ok()?;
    let then = slots(&record);
    if before.len() != then.len() {
        // Another size scatters all clients.
        let of = then.len() as u32;
        return Some(MovedSlots { moved: of, of });
    }
    let differing = before.iter().zip(&then).filter(|(one, other)| one != other);
    Some(MovedSlots {
        moved: differing.count() as u32,
        of: then.len() as u32,
    })
}

const fn goes_by_hash(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::DestinationHash | Kind::SourceHash { .. } | Kind::MaglevHash { .. }
    )
}

/// The list of the service as it would be: those that stay keep their places, new ones come first, the last of them before
/// the others.
fn list(present: &Present, service: &ServiceView, after: &Service) -> Vec<Entry> {
    let mut free = free_numbers(present);
    let mut new = Vec::new();
    let mut kept: BTreeMap<DestinationId, Entry> = BTreeMap::new();
    for real in &after.reals {
        let name = SocketAddr::new(real.address, real.port);
        let found = present.destinations.get(&name);
        let listed = found.and_then(|found| found.listed);
        let entry = Entry {
            destination: match found {
                Some(found) => found.id.0,
                None => free.next().unwrap_or(MAX_DESTINATION),
            },
            weight: u32::from(real.weight.value()),
            eligible: listed.is_none_or(|listed: Listed| listed.eligible),
            limited: real.thresholds.upper != 0,
            address: real.address,
            port: real.port,
        };
        match listed {
            Some(listed) => _ = kept.insert(listed.destination, entry),
            None => new.push(entry),
        }
    }
    let stay = service.list.iter();
    let stay = stay.filter_map(|listed| kept.get(&listed.destination).copied());
    new.into_iter().rev().chain(stay).collect()
}

/// Numbers that no destination of the service has: they only have to differ.
fn free_numbers(present: &Present) -> impl Iterator<Item = u32> {
    let taken: BTreeSet<u32> = present
        .destinations
        .values()
        .map(|real| real.id.0)
        .collect();
    (1..=MAX_DESTINATION).filter(move |number| !taken.contains(number))
}
