//! Listing connections and templates.

use std::net::SocketAddr;

use dray_abi::{Meta, duration_of_ticks};
use dray_model::{Connection, DestinationId, ServiceAddress, Template};
use dray_packet::state::State;

use crate::{KernelDataPlane, wire};

/// Connections that `keep` accepts.
pub(crate) fn connections(
    plane: &KernelDataPlane,
    keep: &dyn Fn(&Connection) -> bool,
    limit: usize,
) -> Vec<Connection> {
    let tick = plane.tick();
    let maps = &plane.maps;
    let slots4 = (0..maps.connections4.len())
        .filter_map(|bucket| maps.connections4.read(bucket))
        .flatten();
    let of4 = slots4.filter_map(|slot| {
        connection(tick, Meta(slot.meta), slot.since, || {
            wire::endpoints4(&slot.key)
        })
    });
    let slots6 = (0..maps.connections6.len())
        .filter_map(|bucket| maps.connections6.read(bucket))
        .flatten();
    let of6 = slots6.filter_map(|slot| {
        connection(tick, Meta(slot.meta), slot.since, || {
            wire::endpoints6(&slot.key)
        })
    });
    of4.chain(of6)
        .filter(|connection| keep(connection))
        .take(limit)
        .collect()
}

/// Templates, those that nobody may find any more among them, as in IPVS's listing.
pub(crate) fn templates(plane: &KernelDataPlane, limit: usize) -> Vec<Template> {
    let tick = plane.tick();
    let maps = &plane.maps;
    let slots = (0..maps.templates.len())
        .filter_map(|bucket| maps.templates.read(bucket))
        .flatten();
    slots
        .filter_map(|slot| template(tick, &slot))
        .take(limit)
        .collect()
}

fn connection(
    tick: u32,
    meta: Meta,
    since: u32,
    endpoints: impl FnOnce() -> Option<(SocketAddr, ServiceAddress)>,
) -> Option<Connection> {
    if !meta.is_live() {
        return None;
    }
    let (client, service) = endpoints()?;
    let state = State::from_number(meta.state())?;
    Some(Connection {
        service,
        client,
        destination: DestinationId(meta.destination()),
        state: state.name(),
        expires: left(tick, meta),
        age: duration_of_ticks(tick.wrapping_sub(since)),
    })
}

fn template(tick: u32, slot: &dray_abi::Template) -> Option<Template> {
    let meta = Meta(slot.meta);
    if !meta.is_live() {
        return None;
    }
    let (client, vip, port, protocol) = wire::template_endpoints(&slot.key);
    // IPVS gives one that nobody may find any more a port that no packet asks for.
    let retired = meta.flags() & Meta::RETIRED != 0;
    let port = if retired { u16::MAX } else { port };
    let assured = meta.state() & dray_abi::Template::ASSURED != 0;
    Some(Template {
        protocol,
        client,
        vip,
        port,
        destination: DestinationId(meta.destination()),
        state: if assured { "ASSURED" } else { "NONE" },
        expires: left(tick, meta),
        children: slot.children,
    })
}

/// Nothing when its time is over: it is still there until it is swept, as in IPVS's own listing.
fn left(tick: u32, meta: Meta) -> std::time::Duration {
    let ticks = if meta.is_over(tick) {
        0
    } else {
        meta.over().wrapping_sub(tick)
    };
    duration_of_ticks(ticks)
}
