//! Listing connections.

use std::net::SocketAddr;

use dray_abi::{Meta, duration_of_ticks};
use dray_model::{Connection, DestinationId, ServiceAddress};
use dray_packet::tcp::State;

use crate::{KernelDataPlane, wire};

pub(crate) fn list(
    plane: &KernelDataPlane,
    keep: &dyn Fn(&Connection) -> bool,
    limit: usize,
) -> Vec<Connection> {
    let lister = Lister::new(plane);
    let buckets4 = (0..plane.maps.connections4.len())
        .filter_map(|bucket| plane.maps.connections4.read(bucket));
    let of4 = buckets4.flatten().filter_map(|slot| {
        lister.connection(slot.meta, slot.since, || wire::endpoints4(&slot.key))
    });
    let buckets6 = (0..plane.maps.connections6.len())
        .filter_map(|bucket| plane.maps.connections6.read(bucket));
    let of6 = buckets6.flatten().filter_map(|slot| {
        lister.connection(slot.meta, slot.since, || wire::endpoints6(&slot.key))
    });
    of4.chain(of6)
        .filter(|connection| keep(connection))
        .take(limit)
        .collect()
}

struct Lister {
    tick: u32,
    timeouts: [u32; 16],
}

impl Lister {
    fn new(plane: &KernelDataPlane) -> Self {
        Self {
            tick: plane.tick(),
            timeouts: plane.maps.settings().timeouts,
        }
    }

    fn connection(
        &self,
        meta: u64,
        since: u32,
        endpoints: impl FnOnce() -> Option<(SocketAddr, ServiceAddress)>,
    ) -> Option<Connection> {
        let meta = Meta(meta);
        if !meta.is_live() {
            return None;
        }
        let (client, service) = endpoints()?;
        let state = State::from_number(meta.state())?;
        let idle = self.tick.saturating_sub(meta.tick());
        // One whose time is over is still there until it is swept, as in IPVS's own listing.
        let left = self.timeouts[state as usize].saturating_sub(idle);
        Some(Connection {
            service,
            client,
            destination: DestinationId(meta.destination()),
            state: state.name(),
            expires: duration_of_ticks(left),
            age: duration_of_ticks(self.tick.saturating_sub(since)),
        })
    }
}
