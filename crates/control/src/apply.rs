//! Carrying a plan out, step by step, and noting in the view what was done.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use dray_model::{
    Action, ActualDestination, Counters, DataPlane, DataPlaneError, DestinationId, Record,
    ServiceIdentity,
};
use dray_sched::{BuildError, CURSOR, Entry, build};
use tracing::{debug, info, warn};

use crate::{
    plan::{Listing, Publication, Step},
    snapshot::Ineligible,
    view::{Listed, View, Way},
};

/// A desired state could not be applied. What was carried out before leaves the data plane in a state that
/// forwards correctly.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The data plane refused it.
    #[error("failed to {step}")]
    Refused {
        /// The step, in words.
        step: String,
        /// Why.
        #[source]
        source: DataPlaneError,
    },
    /// No scheduling record can be made of what the service is to be.
    #[error("failed to build the scheduling record of {service}")]
    Unbuildable {
        /// The service.
        service: ServiceIdentity,
        /// Why.
        #[source]
        source: BuildError,
    },
}

/// What a plan, or as much of it as could be carried out, did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Steps carried out.
    pub(crate) steps: usize,
    /// The real servers of destinations that were added or freed.
    pub(crate) reals: BTreeSet<IpAddr>,
    /// Destinations freed, with all that they ever had.
    pub(crate) freed: Vec<Freed>,
    /// Destinations that may get new connections and could not before, or the other way round.
    pub(crate) turned: Vec<Turned>,
}

/// Whether a destination may get new connections, from now on.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) service: ServiceIdentity,
    pub(crate) real: SocketAddr,
    pub(crate) eligible: Result<(), Ineligible>,
}

/// A destination that is no more.
#[derive(Debug)]
pub(crate) struct Freed {
    pub(crate) id: DestinationId,
    pub(crate) service: ServiceIdentity,
    pub(crate) real: IpAddr,
    pub(crate) counters: Counters,
}

/// Carries the steps out up to the first that fails. `done` says what was done, also then.
pub(crate) fn apply<D: DataPlane>(
    dataplane: &mut D,
    view: &mut View,
    steps: Vec<Step>,
    done: &mut Done,
) -> Result<(), ApplyError> {
    for step in steps {
        debug!(%step, "step");
        match step {
            Step::Do(action) => {
                // What it has had is gone once it is freed.
                let freed = Freed::by(&action, dataplane, view);
                done_or_refused(&action, dataplane.apply(&action))?;
                if let Action::AddDestination { destination, .. } = &action {
                    done.reals.insert(destination.real);
                }
                done.reals.extend(freed.as_ref().map(|freed| freed.real));
                done.freed.extend(freed);
                tell(view, &action);
                view.note(action);
            }
            Step::Publish(publication) => {
                let action = publication.action(dataplane, view)?;
                done_or_refused(&action, dataplane.apply(&action))?;
                publication.tell(view, &mut done.turned);
                view.note(action);
            }
            Step::GiveMarks(ref rules) => {
                done_or_refused(&step, dataplane.set_mark_rules(rules))?;
                view.give_marks(rules.clone());
            }
            Step::TakeLocals(ref locals) => {
                done_or_refused(&step, dataplane.set_local_addresses(locals))?;
                view.take_locals(locals.clone());
            }
        }
        done.steps += 1;
    }
    Ok(())
}

fn done_or_refused(
    step: &impl ToString,
    outcome: Result<(), DataPlaneError>,
) -> Result<(), ApplyError> {
    outcome.map_err(|source| ApplyError::Refused {
        step: step.to_string(),
        source,
    })
}

impl Freed {
    /// What the action frees.
    fn by<D: DataPlane>(action: &Action, dataplane: &D, view: &View) -> Option<Self> {
        let Action::FreeDestination { id } = action else {
            return None;
        };
        let destination = view.destinations().get(id)?;
        Some(Self {
            id: *id,
            service: destination.service,
            real: destination.real,
            counters: dataplane.counters(*id),
        })
    }
}

/// Tells the operator what was done; `view` is still that of before.
fn tell(view: &View, action: &Action) {
    match action {
        Action::Withdraw { service, .. } => info!(%service, "service removed"),
        Action::SetDestination { id, destination } => {
            let ActualDestination { service, real, .. } = destination;
            if let Some(hop) = destination.hop.and_then(|hop| view.hop(hop))
                && view.way(*id) != Way::Hop(hop)
            {
                debug!(%service, %real, %hop, "next hop set");
            }
        }
        Action::FreeDestination { id } => {
            if let Some(ActualDestination { service, real, .. }) = view.destinations().get(id) {
                info!(%service, %real, "last connection ended, destination freed");
            }
        }
        _ => {}
    }
}

impl Publication {
    fn action<D: DataPlane>(&self, dataplane: &D, view: &View) -> Result<Action, ApplyError> {
        Ok(Action::Publish {
            id: self.id,
            service: self.service,
            options: self.options,
            record: self.record(dataplane, view)?,
        })
    }

    /// The record, which takes up from where packets have got to in the one before.
    fn record<D: DataPlane>(&self, dataplane: &D, view: &View) -> Result<Record, ApplyError> {
        let before = view
            .services()
            .get(&self.service)
            .filter(|present| present.kind.is_some());
        if let Some(present) = before.filter(|present| self.has_the_record_of(present)) {
            // To a scheduler, to be built anew is an edit; this is none.
            let mut words = present.record.0.clone();
            words[CURSOR as usize] = dataplane.cursor(self.id);
            return Ok(Record(words));
        }
        let before = before.map(|present| (present.record.0.as_slice(), dataplane.cursor(self.id)));
        let entries: Vec<Entry> = self.list.iter().map(Listing::entry).collect();
        match build(self.kind, self.overhead, &entries, before) {
            Ok(words) => Ok(Record(words)),
            Err(source) => Err(ApplyError::Unbuildable {
                service: self.service,
                source,
            }),
        }
    }

    /// Tells the operator what it changes; `view` is still that of before.
    fn tell(&self, view: &View, turned: &mut Vec<Turned>) {
        let Self { service, list, .. } = self;
        let Some(present) = view.services().get(service) else {
            turned.extend(list.iter().map(|listing| listing.turned(*service)));
            let eligible = list
                .iter()
                .filter(|listing| listing.eligible.is_ok())
                .count();
            info!(%service, destinations = list.len(), eligible, "service added");
            return;
        };
        let mut before: BTreeMap<DestinationId, Listed> = present
            .list
            .iter()
            .map(|listed| (listed.destination, *listed))
            .collect();
        for listing in list {
            let before = before.remove(&listing.destination);
            listing.tell(*service, before);
            if before.is_none_or(|before| before.eligible != listing.eligible.is_ok()) {
                turned.push(listing.turned(*service));
            }
        }
        for id in before.keys() {
            if let Some(ActualDestination { real, .. }) = view.destinations().get(id) {
                info!(%service, %real, "destination removed");
            }
        }
    }
}

impl Listing {
    const fn entry(&self) -> Entry {
        Entry {
            destination: self.destination.0,
            weight: self.weight,
            eligible: self.eligible.is_ok(),
            limited: self.limited,
            address: self.real,
            port: self.port,
        }
    }

    fn turned(&self, service: ServiceIdentity) -> Turned {
        Turned {
            service,
            real: SocketAddr::new(self.real, self.port),
            eligible: self.eligible.clone(),
        }
    }

    /// Tells the operator how this destination differs from before.
    fn tell(&self, service: ServiceIdentity, before: Option<Listed>) {
        let real: IpAddr = self.real;
        let weight = self.weight;
        match (before, &self.eligible) {
            (None, _) => info!(%service, %real, weight, "destination added"),
            (Some(before), _) if before.weight != weight => {
                info!(%service, %real, weight, before = before.weight, "destination weight changed");
            }
            _ => {}
        }
        match (before.is_some_and(|before| before.eligible), &self.eligible) {
            (false, Ok(())) => info!(%service, %real, "destination eligible"),
            (true, Err(reason)) => warn!(%service, %real, %reason, "destination not eligible"),
            (false, Err(reason)) if before.is_none() => {
                info!(%service, %real, %reason, "destination not eligible yet");
            }
            _ => {}
        }
    }
}
