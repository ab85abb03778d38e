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
    destinations: BTreeMap<DestinationId, DestinationPage>,
    services: BTreeMap<ServiceIdentity, ServicePage>,
}

#[derive(Debug)]
struct DestinationPage {
    estimator: Estimator,
    /// The counters when they were last zeroed.
    zeroed: Counters,
}

impl DestinationPage {
    const fn starting_at(counters: Counters) -> Self {
        Self {
            estimator: Estimator::starting_at(counters),
            zeroed: NOTHING,
        }
    }
}

const NOTHING: Counters = Counters {
    connections: 0,
    packets: 0,
    bytes: 0,
    reply_packets: 0,
    reply_bytes: 0,
};

#[derive(Debug)]
struct ServicePage {
    /// What destinations had that are no more.
    gone: Counters,
    /// What all had together when the counters were last zeroed.
    zeroed: Counters,
    /// Runs on what was counted since the start.
    estimator: Estimator,
}

impl Default for ServicePage {
    fn default() -> Self {
        Self {
            gone: NOTHING,
            zeroed: NOTHING,
            estimator: Estimator::starting_at(NOTHING),
        }
    }
}

impl Book {
    pub(crate) fn adopt<D: DataPlane>(dataplane: &D, view: &View) -> Self {
        let ids = view.destinations().keys();
        let destinations = ids
            .map(|id| (*id, DestinationPage::starting_at(dataplane.counters(*id))))
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
            let destination = self.destinations.entry(id);
            let destination = destination.or_insert(DestinationPage::starting_at(NOTHING));
            let estimator = &mut destination.estimator;
            let now = dataplane.counters(id);
            total = plus(total, minus(now, estimator.last()));
            *estimator = estimator.tick(now);
        }
        page.estimator = page.estimator.tick(total);
    }

    /// Lets the counters of a service and its destinations begin anew for who asks for what came
    /// [since then](Traffic::since_zeroed), and their rates, as IPVS's `ZERO` does. What was counted stays.
    pub(crate) fn zero<D: DataPlane>(
        &mut self,
        dataplane: &D,
        view: &View,
        service: ServiceIdentity,
    ) {
        let page = self.services.entry(service).or_default();
        let mut total = page.gone;
        let mut ticked = page.estimator.last();
        for (_, id) in view.destinations_of(service) {
            let now = dataplane.counters(id);
            total = plus(total, now);
            let before = self.destinations.get(&id);
            let before = before.map_or(NOTHING, |page| page.estimator.last());
            ticked = plus(ticked, minus(now, before));
            let anew = DestinationPage {
                estimator: Estimator::starting_at(now),
                zeroed: now,
            };
            self.destinations.insert(id, anew);
        }
        page.zeroed = total;
        page.estimator = Estimator::starting_at(ticked);
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
            zeroed: self
                .destinations
                .get(&id)
                .map_or(NOTHING, |page| page.zeroed),
            rates: rates(self.destinations.get(&id).map(|page| &page.estimator)),
        }
    }

    /// What a service has had without its present destinations: what those had that are gone, and how
    /// fast the sum of all grows.
    pub(crate) fn service(&self, service: ServiceIdentity) -> Traffic {
        let page = self.services.get(&service);
        Traffic {
            live: Live::default(),
            counters: page.map_or(NOTHING, |page| page.gone),
            zeroed: page.map_or(NOTHING, |page| page.zeroed),
            rates: rates(page.map(|page| &page.estimator)),
        }
    }
}

impl Traffic {
    /// What was counted since the counters were last zeroed, as IPVS lists it. Whoever watches counters that must never go
    /// back, such as a time series', takes [`Traffic::counters`].
    pub fn since_zeroed(&self) -> Counters {
        minus(self.counters, self.zeroed)
    }

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
