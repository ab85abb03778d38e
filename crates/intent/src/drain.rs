//! Drains: taking real servers out of service without cutting clients off.
//!
//! ```text
//!  asked for ─▶ weight 0 ─▶ under way ─┬─ no connection left ──────────▶ drained
//!                              │       ├─ deadline ─▶ keep|reset|move ─▶ overdue
//!                              │       └─ weight or real server changed by somebody ▶ overtaken
//!                              └─ cancelled: the weight of before
//! ```
//!
//! The weight is an edit like any other, so it outlives the drain: what was drained stays quiesced. A drain remembers where
//! it quiesced and what was there before. Whoever gives one of its real servers a weight, or removes it, takes it out of the
//! drain.

use dray_model::{Desired, RealServer, Service, ServiceName, Weight, document::Endpoint};
use serde::{Deserialize, Serialize};

use crate::{Timestamp, text};

/// So many drains that ended are remembered, the latest ones.
pub const ENDED_DRAINS: usize = 20;

/// A drain under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// Its number: each new drain has one more than the one before, from 1.
    pub id: u64,
    /// Who asked for it, as the API knows its callers.
    pub who: String,
    /// The service that was named; none for all.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "text::optional_service"
    )]
    pub service: Option<ServiceName>,
    /// The real server that was named.
    #[serde(with = "text")]
    pub real: Endpoint,
    /// Connections that its real servers had when it began, active and inactive.
    pub connections: u64,
    /// When it began.
    pub since: Timestamp,
    /// Until when connections may end by themselves.
    pub deadline: Timestamp,
    /// What becomes of those that are left then.
    pub then: Then,
    /// The real servers, each in its service; at least one.
    pub reals: Vec<Quiesced>,
}

/// What becomes of connections that are left at a drain's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// They stay until they end by themselves.
    Keep,
    /// They end: the next packet of each meets the director's host, which answers TCP with a reset.
    Reset,
    /// They end, and what clients are remembered by: the next packet that may open a connection is scheduled anew.
    Move,
}

/// A real server that a drain quiesced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiesced {
    /// Its service.
    #[serde(with = "text::service")]
    pub service: ServiceName,
    /// Its name in the service.
    #[serde(with = "text")]
    pub real: Endpoint,
    /// The weight that an edit had given it before; without one, a cancelled drain gives it that of the applied
    /// configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_weight: Option<u16>,
}

/// A drain that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedDrain {
    /// What it was, with the real servers that it had in the end.
    pub drain: Drain,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub how: End,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// No connection was left.
    Drained,
    /// The deadline came first; what it was to do then was done.
    Overdue,
    /// Somebody cancelled it.
    Cancelled,
    /// Its real servers were given a weight, or are gone.
    Overtaken,
}

/// A wish to drain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainRequest {
    /// The service; without one, all of them.
    pub service: Option<ServiceName>,
    /// The real server. Without a service and without a port: everything at this address.
    pub real: Endpoint,
    /// How long connections may take to end by themselves.
    pub patience: std::time::Duration,
    /// What becomes of those that are left then.
    pub then: Then,
    /// Who asks, as the API knows its callers.
    pub who: String,
    /// Connections that the real servers have, active and inactive, as somebody counted.
    pub connections: u64,
}

/// How many connections a real server has in a service, as somebody counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The service.
    pub service: ServiceName,
    /// The real server's name in it.
    pub real: Endpoint,
    /// Its connections, active and inactive.
    pub connections: u64,
}

impl DrainRequest {
    /// The real servers that are meant, with their services, in the order of the state.
    pub fn targets<'d>(
        &self,
        desired: &'d Desired,
    ) -> impl Iterator<Item = (&'d Service, &'d RealServer)> {
        let services = desired.services.iter().map(|service| &**service);
        services
            .filter(|service| {
                self.service
                    .as_ref()
                    .is_none_or(|name| *name == service.name)
            })
            .flat_map(|service| service.reals.iter().map(move |real| (service, real)))
            .filter(|(service, real)| self.means(service, real))
    }

    fn means(&self, service: &Service, real: &RealServer) -> bool {
        match (&self.service, self.real.port) {
            (Some(_), _) => self.real.names(real, &service.identity),
            (None, None) => real.address == self.real.address,
            (None, Some(port)) => real.address == self.real.address && real.port == port.get(),
        }
    }
}

impl Drain {
    /// Whether it quiesced this real server.
    pub fn has(&self, service: &ServiceName, real: &Endpoint) -> bool {
        let is = |one: &Quiesced| one.service == *service && one.real == *real;
        self.reals.iter().any(is)
    }

    /// How it ends now, by what was counted and by the clock, if it does. What was not counted may have connections.
    pub(crate) fn end(&self, counted: &[Occupancy], now: Timestamp) -> Option<End> {
        let is_empty = |one: &Quiesced| {
            let is = |count: &&Occupancy| count.service == one.service && count.real == one.real;
            counted
                .iter()
                .find(is)
                .is_some_and(|count| count.connections == 0)
        };
        if self.reals.iter().all(is_empty) {
            Some(End::Drained)
        } else {
            (self.deadline <= now).then_some(End::Overdue)
        }
    }

    /// Lets go of the real servers that are no longer quiesced in this state.
    pub(crate) fn let_go(&mut self, desired: &Desired) {
        let is_quiesced = |(_, real): (&Service, &RealServer)| real.weight == Weight::new(0);
        self.reals
            .retain(|one| one.find(desired).is_some_and(is_quiesced));
    }
}

impl Quiesced {
    /// The real server in this state, with its service, if it is there.
    pub(crate) fn find<'d>(&self, desired: &'d Desired) -> Option<(&'d Service, &'d RealServer)> {
        let service = desired
            .services
            .iter()
            .find(|service| service.name == self.service)?;
        let mut reals = service.reals.iter();
        let real = reals.find(|real| self.real.names(real, &service.identity))?;
        Some((service, real))
    }
}
