//! Listing connections and templates.

use std::net::SocketAddr;

use dray_abi::{Meta, Slot4, Slot6, duration_of_ticks};
use dray_model::{Connection, DestinationId, Template};
use dray_packet::state::State;

use crate::{
    KernelDataPlane,
    maps::Maps,
    slots::{self, Place},
    wire,
};

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
    let slots6 = (0..maps.connections6.len())
        .filter_map(|bucket| maps.connections6.read(bucket))
        .flatten();
    slots4
        .map(Row::from)
        .chain(slots6.map(Row::from))
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

/// The connection that was seen at this place, if there is one: slots for replies hold none. What it says is true as long as
/// the slot says what was seen.
pub(crate) fn connection_at(
    maps: &Maps,
    place: Place,
    seen: Meta,
    tick: u32,
) -> Option<Connection> {
    let (bucket, slot) = slots::split(place.reference)?;
    let row: Row = match place.family {
        4 => {
            let slot: Slot4 = maps
                .connections4
                .read_part(bucket, slot * size_of::<Slot4>())?;
            slot.into()
        }
        _ => {
            let slot: Slot6 = maps
                .connections6
                .read_part(bucket, slot * size_of::<Slot6>())?;
            slot.into()
        }
    };
    Row { meta: seen, ..row }.connection(maps, tick)
}

/// The template that was seen at this place, as [`connection_at`].
pub(crate) fn template_at(maps: &Maps, reference: u32, seen: Meta, tick: u32) -> Option<Template> {
    let (bucket, slot) = slots::split(reference)?;
    let offset = slot * size_of::<dray_abi::Template>();
    let slot: dray_abi::Template = maps.templates.read_part(bucket, offset)?;
    let seen = dray_abi::Template {
        meta: seen.0,
        ..slot
    };
    template(tick, &seen)
}

/// A slot of either family.
struct Row {
    meta: Meta,
    key: [u64; 5],
    family: u8,
    since: u32,
    names: [u8; 3],
}

impl From<Slot4> for Row {
    fn from(slot: Slot4) -> Self {
        Self {
            meta: Meta(slot.meta),
            key: wire::whole_key(&slot.key),
            family: 4,
            since: slot.since,
            names: slot.template,
        }
    }
}

impl From<Slot6> for Row {
    fn from(slot: Slot6) -> Self {
        Self {
            meta: Meta(slot.meta),
            key: slot.key,
            family: 6,
            since: slot.since,
            names: slot.template,
        }
    }
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
    let port = if slots::is_retired(meta) {
        u16::MAX
    } else {
        port
    };
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
