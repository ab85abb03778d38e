//! Listing connections and templates.

use std::net::SocketAddr;

use dray_abi::{Meta, duration_of_ticks};
use dray_model::{Connection, DestinationId, Template};
use dray_packet::state::State;

use crate::{KernelDataPlane, maps::Maps, wire};

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
    let of4 = slots4.map(|slot| Row {
        meta: Meta(slot.meta),
        key: wire::whole_key(&slot.key),
        family: 4,
        since: slot.since,
        names: slot.template,
    });
    let slots6 = (0..maps.connections6.len())
        .filter_map(|bucket| maps.connections6.read(bucket))
        .flatten();
    let of6 = slots6.map(|slot| Row {
        meta: Meta(slot.meta),
        key: slot.key,
        family: 6,
        since: slot.since,
        names: slot.template,
    });
    of4.chain(of6)
        .filter_map(|row| row.connection(maps, tick))
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

/// A slot of either family.
struct Row {
    meta: Meta,
    key: [u64; 5],
    family: u8,
    since: u32,
    names: [u8; 3],
}

impl Row {
    /// The connection in it, if there is one: slots for replies hold none.
    fn connection(&self, maps: &Maps, tick: u32) -> Option<Connection> {
        if !self.meta.is_live() {
            return None;
        }
        let state = State::from_number(self.meta.state())?;
        let (client, service) = wire::endpoints(&self.key, self.family)?;
        Some(Connection {
            service,
            client,
            destination: DestinationId(self.meta.destination()),
            local: self.local(maps, client),
            state: state.name(),
            expires: left(tick, self.meta),
            age: duration_of_ticks(tick.wrapping_sub(self.since)),
        })
    }

    /// Whom the real server sees in place of the client: who its replies go to, if that is not the client.
    fn local(&self, maps: &Maps, client: SocketAddr) -> Option<SocketAddr> {
        if self.meta.flags() & Meta::TRANSLATED == 0 {
            return None;
        }
        let [low, middle, high] = self.names;
        let translation = maps
            .translation(u32::from_le_bytes([low, middle, high, 0]))?
            .entry;
        if (translation.client_family, translation.client) != (self.family, self.key) {
            return None;
        }
        let (_, seen) = wire::endpoints(&translation.server, translation.server_family)?;
        Some(SocketAddr::new(seen.vip, seen.port)).filter(|seen| *seen != client)
    }
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
