//! What the director keeps.

use std::sync::Arc;

use dray_api::v1::{
    Applied, Connection, Drain, DrainRequest, DrainState, DrainedDestination, HistoryEntry,
    Outcome, Pending, Problem,
};
use dray_model::{Desired, document::Endpoint};

use super::plan::plan;

/// The clock of the tests, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

#[derive(Debug)]
pub(super) struct State {
    pub(super) broken_file: bool,
    pub(super) revision: u64,
    pub(super) desired: Arc<Desired>,
    pub(super) history: Vec<Entry>,
    /// What comes back unless it is confirmed.
    pub(super) pending: Option<Back>,
    pub(super) drains: Vec<Drain>,
    pub(super) connections: Vec<Connection>,
    pub(super) calls: Vec<(String, String)>,
    pub(super) judged: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) who: Option<String>,
    pub(super) file: Option<String>,
    pub(super) text: String,
    pub(super) desired: Desired,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Back {
    pub(super) to: u64,
    pub(super) seconds: u64,
}

impl State {
    /// The configuration that was applied last.
    pub(super) fn base(&self) -> &Entry {
        self.history.last().expect("it began with one")
    }

    pub(super) fn kept(&self, number: u64) -> Result<&Entry, Problem> {
        let found = self.history.iter().find(|entry| entry.number == number);
        found.ok_or_else(|| Problem::not_found(format!("configuration {number} is not kept")))
    }

    pub(super) fn entry(&self, entry: &Entry) -> HistoryEntry {
        HistoryEntry {
            number: entry.number,
            at_unix_seconds: NOW + entry.number,
            who: entry.who.clone(),
            file: entry.file.clone(),
            bytes: u64::try_from(entry.text.len()).expect("small"),
            went_back: false,
            current: entry.number == self.base().number,
        }
    }

    pub(super) fn pending(&self) -> Option<Pending> {
        self.pending.map(|back| Pending {
            until_unix_seconds: NOW + back.seconds,
            seconds_left: back.seconds,
            back_to: back.to,
        })
    }

    pub(super) fn put_in_force(
        &mut self,
        who: String,
        file: Option<String>,
        text: String,
        desired: Desired,
    ) -> Outcome {
        let plan = plan(self.revision, &self.desired, &desired);
        let number = self.base().number + 1;
        self.revision += 1;
        self.desired = Arc::new(desired.clone());
        self.history.push(Entry {
            number,
            who: Some(who),
            file,
            text,
            desired,
        });
        let applied = Applied {
            number,
            revision: self.revision,
            services: self.desired.services.len(),
            reals: reals(&self.desired),
            edits_dropped: Vec::new(),
            pending: self.pending(),
            problems: Vec::new(),
        };
        Outcome {
            plan,
            applied: Some(applied),
        }
    }

    /// An error for the name of a service that is not there.
    pub(super) fn known(&self, service: Option<&str>) -> Result<(), Problem> {
        let Some(name) = service else { return Ok(()) };
        let mut services = self.desired.services.iter();
        match services.any(|service| service.name.as_str() == name) {
            true => Ok(()),
            false => Err(Problem::not_found(format!("there is no service {name:?}"))),
        }
    }

    pub(super) fn start_drain(
        &mut self,
        who: String,
        request: DrainRequest,
    ) -> Result<Drain, Problem> {
        let DrainRequest {
            real,
            service,
            deadline,
            then,
        } = request;
        self.known(service.as_deref())?;
        let none = || Problem::not_found(format!("there is no real server {real:?}"));
        let endpoint: Endpoint = real.parse().map_err(|_| none())?;
        let services = self.desired.services.iter().filter(|each| {
            let is_asked = service
                .as_ref()
                .is_none_or(|name| each.name.as_str() == name);
            let mut reals = each.reals.iter();
            is_asked && reals.any(|real| endpoint.names(real, &each.identity))
        });
        let destinations: Vec<_> = services
            .map(|service| DrainedDestination {
                service: service.name.to_string(),
                real: real.clone(),
            })
            .collect();
        if destinations.is_empty() {
            return Err(none());
        }
        let is_drained = |drain: &Drain| drain.real == real && drain.service == service;
        if self.drains.iter().any(is_drained) {
            return Err(Problem::conflict(format!(
                "{real} is being emptied already"
            )));
        }
        let drain = Drain {
            id: self.drains.last().map_or(1, |drain| drain.id + 1),
            who,
            real,
            service,
            then,
            since_unix_seconds: NOW,
            until_unix_seconds: NOW + u64::from(deadline.seconds()),
            seconds_left: u64::from(deadline.seconds()),
            state: DrainState::Draining,
            ended_unix_seconds: None,
            connections_before: 2,
            connections: Some(2),
            destinations,
        };
        self.drains.push(drain.clone());
        Ok(drain)
    }
}

fn reals(desired: &Desired) -> usize {
    let services = desired.services.iter();
    services.map(|service| service.reals.len()).sum()
}
