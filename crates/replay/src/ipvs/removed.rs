//! Real servers that were removed, and are remembered: IPVS's trash.
//!
//! They stay while they have connections, and then until a timer has found them without any for two minutes. One that is
//! added to the same service again in that time comes back as it was.

use std::{net::IpAddr, time::Duration};

use dray_model::{DestinationId, ServiceId, ServiceIdentity};

use super::Destination;

/// How often the timer looks, while there is something to look at.
const PERIOD: Duration = Duration::from_secs(60);

/// How long a real server without connections is remembered after the timer first found it so.
const IDLE: Duration = Duration::from_secs(120);

/// The trash.
#[derive(Debug, Default)]
pub(super) struct Removed {
    entries: Vec<Entry>,
    /// When the timer looks next.
    next_look: Option<Duration>,
}

#[derive(Debug)]
struct Entry {
    origin: Origin,
    destination: Destination,
    idle_since: Option<Duration>,
}

/// The service that a real server was removed from, as it was then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) service: ServiceIdentity,
    /// Its number.
    pub(super) number: ServiceId,
    pub(super) persistent: bool,
}

impl Removed {
    pub(super) fn put(&mut self, origin: Origin, destination: Destination, now: Duration) {
        if self.entries.is_empty() {
            self.next_look = Some(now + PERIOD);
        }
        self.entries.push(Entry {
            origin,
            destination,
            idle_since: None,
        });
    }

    /// Takes out a real server that the service had, with the number that its service had then.
    pub(super) fn take(
        &mut self,
        service: &ServiceIdentity,
        address: IpAddr,
        port: u16,
    ) -> Option<(ServiceId, Destination)> {
        let place = self.entries.iter().position(|entry| {
            let settings = &entry.destination.settings;
            entry.origin.service == *service && settings.address == address && settings.port == port
        })?;
        let entry = self.entries.remove(place);
        Some((entry.origin.number, entry.destination))
    }

    /// The service that a removed real server was of.
    pub(super) fn origin(&self, id: DestinationId) -> Option<&Origin> {
        let entry = self.entries.iter().find(|it| it.destination.id == id)?;
        Some(&entry.origin)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Destination> {
        self.entries.iter().map(|entry| &entry.destination)
    }

    /// Those that the timer forgets by now. `busy` says whether one is still referred to.
    pub(super) fn forget(
        &mut self,
        now: Duration,
        busy: impl Fn(&Destination) -> bool,
    ) -> Vec<Destination> {
        let mut forgotten = Vec::new();
        while let Some(look) = self.next_look.filter(|look| *look <= now) {
            self.entries.retain_mut(|entry| {
                if busy(&entry.destination) {
                    return true;
                }
                let idle_since = *entry.idle_since.get_or_insert(look);
                let over = look >= idle_since + IDLE;
                if over {
                    forgotten.push(entry.destination);
                }
                !over
            });
            self.next_look = (!self.entries.is_empty()).then_some(look + PERIOD);
        }
        forgotten
    }
}
