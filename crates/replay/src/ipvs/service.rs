//! A service and its list of real servers.

use std::net::IpAddr;

use dray_ipvsadm::{Netmask, Refusal, ServiceSettings};
use dray_model::{
    Action, Granularity, Persistence, PersistenceEngine, Record, ServiceId, ServiceIdentity,
    ServiceOptions,
};
use dray_sched::{CURSOR, Entry, Kind, Overhead};

use super::{CommandError, Destination, Scheduler, Statistics, removed::Origin};

/// Whether IPVS has what a command names.
pub(super) fn check(wanted: &ServiceSettings) -> Result<(), Refusal> {
    scheduler(wanted)?;
    match wanted.engine.as_deref() {
        None | Some("sip") => Ok(()),
        Some(_) => Err(Refusal::NoEntry),
    }
}

/// The kind of record that settings ask for; that of `none` when the scheduler is not there, which [`check`] has ruled out.
pub(super) fn kind(settings: &ServiceSettings) -> Kind {
    scheduler(settings).map_or(Kind::RoundRobin, |scheduler| scheduler.kind(settings.flags))
}

fn scheduler(settings: &ServiceSettings) -> Result<Scheduler, Refusal> {
    Scheduler::from_name(&settings.scheduler).ok_or(Refusal::NoEntry)
}

fn options(settings: &ServiceSettings) -> ServiceOptions {
    ServiceOptions {
        persistence: settings.persistent.map(|timeout| Persistence {
            timeout,
            granularity: match settings.netmask {
                Netmask::Ipv4(mask) => Granularity::Ipv4(mask),
                Netmask::Ipv6(length) => Granularity::Ipv6(length),
            },
            engine: settings.engine.as_ref().map(|_| PersistenceEngine::Sip),
        }),
        one_packet: settings.one_packet,
    }
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its number in the data plane.
    pub id: ServiceId,
    /// What it is for.
    pub identity: ServiceIdentity,
    /// How it is set.
    pub settings: ServiceSettings,
    /// Its real servers, newest first.
    pub list: Vec<Destination>,
    /// Its counters: those of its real servers, and of those that it had.
    pub statistics: Statistics,
    /// The record that was published last.
    record: Vec<u64>,
}

impl Service {
    pub(super) fn new(id: ServiceId, identity: ServiceIdentity, settings: ServiceSettings) -> Self {
        Self {
            id,
            identity,
            settings,
            list: Vec::new(),
            statistics: Statistics::default(),
            record: Vec::new(),
        }
    }

    /// What is remembered of it with a real server that is removed.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            service: self.identity,
            number: self.id,
            persistent: self.settings.persistent.is_some(),
        }
    }

    /// The place of a real server in the list.
    pub(super) fn position(&self, address: IpAddr, port: u16) -> Option<usize> {
        self.list
            .iter()
            .position(|it| it.settings.address == address && it.settings.port == port)
    }

    /// Tells the scheduler of an edit: makes the record anew. `cursor` is where that of the record before is, if there was one.
    pub(super) fn rebuild(
        &mut self,
        overhead: Overhead,
        cursor: Option<u64>,
    ) -> Result<Action, CommandError> {
        let eligible = !scheduler(&self.settings).is_ok_and(Scheduler::is_none);
        let list: Vec<Entry> = self
            .list
            .iter()
            .map(|destination| Entry {
                destination: destination.id.0,
                weight: destination.settings.weight,
                eligible,
                limited: destination.settings.upper != 0,
                address: destination.settings.address,
                port: destination.settings.port,
            })
            .collect();
        let before = cursor.map(|cursor| (&self.record[..], cursor));
        self.record =
            dray_sched::build(kind(&self.settings), overhead, &list, before).map_err(|source| {
                CommandError::Record {
                    service: self.identity,
                    source,
                }
            })?;
        Ok(self.publish())
    }

    /// Publishes it without telling the scheduler: the record goes on where it is.
    pub(super) fn published_again(&mut self, cursor: u64) -> Action {
        if let Some(word) = self.record.get_mut(CURSOR as usize) {
            *word = cursor;
        }
        self.publish()
    }

    fn publish(&self) -> Action {
        Action::Publish {
            id: self.id,
            service: self.identity,
            options: options(&self.settings),
            record: Record(self.record.clone()),
        }
    }

    pub(super) fn zero(&mut self) {
        self.statistics.zero();
        for destination in &mut self.list {
            destination.statistics.zero();
        }
    }
}
