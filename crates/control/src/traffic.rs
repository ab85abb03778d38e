//! What destinations and services have had, and how fast: the estimators of all of them.
//!
//! A service's numbers are the sums of its destinations', those that are gone among them. Each estimator
//! ticks once in [`PERIOD`](crate::PERIOD); the ticks of different services are spread over it, so that
//! reading the counters of a big configuration never holds the task up.

use std::collections::BTreeMap;

use dray_model::{Counters, DataPlane, DestinationId, Live, ServiceIdentity};

use crate::{
    apply::Freed,
    rates::{Estimator, Rates},
    snapshot::Traffic,
    view::View,
};

/// The estimators. Those of destinations found at the start begin with what they had then; new ones
/// begin with nothing.
#[derive(Debug, Default)]
pub(crate) struct Book {
    destinations: BTreeMap<DestinationId, Estimator>,
    services: BTreeMap<ServiceIdentity, ServicePage>,
}

#[derive(Debug)]
struct ServicePage {
    /// What destinations had that are no more.
    gone: Counters,
    /// Runs on what was counted since the start.
    estimator: Estimator,
}

impl Default for ServicePage {
    fn default() -> Self {
        Self {
            gone: Counters::default(),
            estimator: Estimator::starting_at(Counters::default()),
        }
    }
}

impl Book {
    pub(crate) fn adopt<D: DataPlane>(dataplane: &D, view: &View) -> Self {
        let ids = view.destinations().keys();
        let destinations = ids
            .map(|id| (*id, Estimator::starting_at(dataplane.counters(*id))))
            .collect();
        Self {
            destinations,
            services: BTreeMap::new(),
        }
    }

    /// A tick of every service whose number is `slice` modulo `slices`, and of their destinations.
    pub(crate) fn tick<D: DataPlane>(
        &mut self,
        dataplane: &D,
        view: &View,
        slice: u32,
        slices: u32,
    ) {
        let present = view
            .services()
            .iter()
            .map(|(service, present)| (*service, present.id));
        let retired = view.retired().iter().map(|(service, id)| (*service, *id));
        for (service, id) in present.chain(retired) {
            if id.0 % slices == slice {
                self.tick_service(dataplane, view, service);
            }
        }
    }

    fn tick_service<D: DataPlane>(&mut self, dataplane: &D, view: &View, service: ServiceIdentity) {
        let page = self.services.entry(service).or_default();
        let mut total = page.estimator.last();
        for (_, id) in view.destinations_of(service) {
            let estimator = self
                .destinations
                .entry(id)
                .or_insert(Estimator::starting_at(Counters::default()));
            let now = dataplane.counters(id);
            total = plus(total, minus(now, estimator.last()));
            *estimator = estimator.tick(now);
        }
        page.estimator = page.estimator.tick(total);
    }

    /// Takes over what a freed destination had into the sum of its service.
    pub(crate) fn close(&mut self, freed: &Freed) {
        self.destinations.remove(&freed.id);
        let page = self.services.entry(freed.service).or_default();
        page.gone = plus(page.gone, freed.counters);
    }

    /// Forgets a service that is no more.
    pub(crate) fn forget(&mut self, service: ServiceIdentity) {
        self.services.remove(&service);
    }

    /// What a destination has had.
    pub(crate) fn destination<D: DataPlane>(&self, dataplane: &D, id: DestinationId) -> Traffic {
        Traffic {
            live: dataplane.live(id),
            counters: dataplane.counters(id),
            rates: rates(self.destinations.get(&id)),
        }
    }

    /// What a service has had without its present destinations: what those had that are gone, and how
    /// fast the sum of all grows.
    pub(crate) fn service(&self, service: ServiceIdentity) -> Traffic {
        let page = self.services.get(&service);
        Traffic {
            live: Live::default(),
            counters: page.map(|page| page.gone).unwrap_or_default(),
            rates: rates(page.map(|page| &page.estimator)),
        }
    }
}

impl Traffic {
    /// Adds the connections and counters of a part; the rates are estimated for the whole.
    pub(crate) fn add(&mut self, part: &Self) {
        let Live {
            active,
            inactive,
            persistent,
            overloaded: _,
        } = part.live;
        self.live.active = self.live.active.saturating_add(active);
        self.live.inactive = self.live.inactive.saturating_add(inactive);
        self.live.persistent = self.live.persistent.saturating_add(persistent);
        self.counters = plus(self.counters, part.counters);
    }
}

fn rates(estimator: Option<&Estimator>) -> Rates {
    estimator.map(Estimator::rates).unwrap_or_default()
}

fn plus(a: Counters, b: Counters) -> Counters {
    Counters {
        connections: a.connections.wrapping_add(b.connections),
        packets: a.packets.wrapping_add(b.packets),
        bytes: a.bytes.wrapping_add(b.bytes),
        reply_packets: a.reply_packets.wrapping_add(b.reply_packets),
        reply_bytes: a.reply_bytes.wrapping_add(b.reply_bytes),
    }
}

fn minus(a: Counters, b: Counters) -> Counters {
    Counters {
        connections: a.connections.wrapping_sub(b.connections),
        packets: a.packets.wrapping_sub(b.packets),
        bytes: a.bytes.wrapping_sub(b.bytes),
        reply_packets: a.reply_packets.wrapping_sub(b.reply_packets),
        reply_bytes: a.reply_bytes.wrapping_sub(b.reply_bytes),
    }
}
