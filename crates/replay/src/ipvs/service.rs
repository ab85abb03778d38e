//! A service and its list of real servers.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use dray_model::{
    Action, Granularity, Persistence, PersistenceEngine, Record, ServiceId, ServiceIdentity,
    ServiceOptions,
};
use dray_sched::{CURSOR, Entry, Kind, Overhead};

use super::{
    CommandError, Destination, Refusal, Scheduler, SchedulerFlags, Statistics, removed::Origin,
};

/// What a command says of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The scheduler's name; IPVS may not have one of that name.
    pub scheduler: String,
    /// The scheduler's flags.
    pub flags: SchedulerFlags,
    /// Persistence, in seconds (1 to 2,678,400).
    pub persistent: Option<NonZeroU32>,
    /// Which clients count as one.
    pub netmask: Netmask,
    /// The persistence engine's name; IPVS may not have one of that name.
    pub engine: Option<String>,
    /// One-packet scheduling.
    pub one_packet: bool,
}

/// Which clients count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netmask {
    /// Those that agree under a mask, which may be of any shape.
    Ipv4(Ipv4Addr),
    /// Those that agree in so many bits, 1 to 128.
    Ipv6(u8),
}

impl Netmask {
    /// Each client for itself.
    pub const ALL4: Self = Self::Ipv4(Ipv4Addr::BROADCAST);
    /// Each client for itself.
    pub const ALL6: Self = Self::Ipv6(128);
}

impl ServiceSettings {
    /// Whether IPVS has what it names.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.scheduler()?;
        match self.engine.as_deref() {
            None | Some("sip") => Ok(()),
            Some(_) => Err(Refusal::NoEntry),
        }
    }

    fn scheduler(&self) -> Result<Scheduler, Refusal> {
        Scheduler::from_name(&self.scheduler).ok_or(Refusal::NoEntry)
    }

    /// Its kind of record; that of `none` when the scheduler is not there, which `check` has ruled out.
    pub(super) fn kind(&self) -> Kind {
        self.scheduler()
            .map_or(Kind::RoundRobin, |scheduler| scheduler.kind(self.flags))
    }

    fn options(&self) -> ServiceOptions {
        ServiceOptions {
            persistence: self.persistent.map(|timeout| Persistence {
                timeout,
                granularity: match self.netmask {
                    Netmask::Ipv4(mask) => Granularity::Ipv4(mask),
                    Netmask::Ipv6(length) => Granularity::Ipv6(length),
                },
                engine: self.engine.as_ref().map(|_| PersistenceEngine::Sip),
            }),
            one_packet: self.one_packet,
        }
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
        let eligible = !self.settings.scheduler().is_ok_and(Scheduler::is_none);
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
            dray_sched::build(self.settings.kind(), overhead, &list, before).map_err(|source| {
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
            options: self.settings.options(),
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
