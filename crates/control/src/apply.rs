//! Carrying a plan out, step by step, and noting in the view what was done.

use std::{collections::BTreeMap, net::IpAddr};

use dray_model::{
    Action, ActualDestination, Counters, DataPlane, DataPlaneError, DestinationId, Record,
    ServiceAddress,
};
use dray_sched::{BuildError, Entry, build};
use tracing::{debug, info, warn};

use crate::{
    plan::{Listing, Publication, Step},
    view::{Listed, ServiceView, View},
};

/// A step of a plan could not be carried out. Those before it were; each leaves the data plane in a
/// state that forwards correctly.
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
        service: ServiceAddress,
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
    /// Whether destinations were added or freed.
    pub(crate) destinations_changed: bool,
    /// Destinations freed, with all that they ever had.
    pub(crate) freed: Vec<Freed>,
}

/// A destination that is no more.
#[derive(Debug)]
pub(crate) struct Freed {
    pub(crate) id: DestinationId,
    pub(crate) service: ServiceAddress,
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
        let counters = match &step {
            Step::FreeDestination { id } => dataplane.counters(*id),
            _ => Counters::default(),
        };
        let action = action(dataplane, view, &step)?;
        debug!(%step, "step");
        dataplane
            .apply(&action)
            .map_err(|source| ApplyError::Refused {
                step: step.to_string(),
                source,
            })?;
        done.steps += 1;
        done.note(view, &step, counters);
        note(view, step, action);
    }
    Ok(())
}

/// What the step asks of the data plane.
fn action<D: DataPlane>(dataplane: &D, view: &View, step: &Step) -> Result<Action, ApplyError> {
    Ok(match step {
        Step::WriteHop { id, hop } => Action::WriteHop { id: *id, hop: *hop },
        Step::AddDestination { id, destination } => Action::AddDestination {
            id: *id,
            destination: *destination,
        },
        Step::SetHop { id, hop } => Action::SetHop { id: *id, hop: *hop },
        Step::Publish(publication) => Action::Publish {
            id: publication.id,
            address: publication.address,
            record: record(dataplane, view, publication)?,
        },
        Step::Withdraw { id, address } => Action::Withdraw {
            id: *id,
            address: *address,
        },
        Step::FreeDestination { id } => Action::FreeDestination { id: *id },
        Step::FreeHop { id } => Action::FreeHop { id: *id },
    })
}

/// The record of a publication; it takes up from where packets have got to in the one before.
fn record<D: DataPlane>(
    dataplane: &D,
    view: &View,
    publication: &Publication,
) -> Result<Record, ApplyError> {
    let Publication {
        id,
        address,
        kind,
        list,
    } = publication;
    let entries: Vec<Entry> = list
        .iter()
        .map(|listing| Entry {
            destination: listing.destination.0,
            weight: listing.weight,
            eligible: listing.eligible.is_ok(),
            address: listing.real,
            // In direct routing the real server's port is always the service's.
            port: address.port,
        })
        .collect();
    let before = view
        .services()
        .get(address)
        .filter(|present| present.kind.is_some())
        .map(|present| (present.record.0.as_slice(), dataplane.cursor(*id)));
    match build(*kind, &entries, before) {
        Ok(words) => Ok(Record(words)),
        Err(source) => Err(ApplyError::Unbuildable {
            service: *address,
            source,
        }),
    }
}

impl Done {
    fn note(&mut self, view: &View, step: &Step, counters: Counters) {
        match step {
            Step::AddDestination { .. } => self.destinations_changed = true,
            Step::FreeDestination { id } => {
                self.destinations_changed = true;
                self.freed
                    .extend(view.destinations().get(id).map(|gone| Freed {
                        id: *id,
                        service: gone.service,
                        counters,
                    }));
            }
            _ => {}
        }
    }
}

/// Notes in the view what was done, and tells the operator.
fn note(view: &mut View, step: Step, action: Action) {
    match (step, action) {
        (Step::WriteHop { id, hop }, _) => view.add_hop(id, hop),
        (Step::AddDestination { id, destination }, _) => view.add_destination(id, destination),
        (Step::SetHop { id, hop }, _) => {
            view.set_hop(id, hop);
            if let (Some(ActualDestination { service, real, .. }), Some(hop)) =
                (view.destinations().get(&id), view.hop_of(id))
            {
                debug!(%service, %real, %hop, "next hop set");
            }
        }
        (Step::Publish(publication), Action::Publish { record, .. }) => {
            tell(view, &publication);
            let Publication {
                id,
                address,
                kind,
                list,
            } = publication;
            let service = ServiceView {
                id,
                kind: Some(kind),
                list: list.iter().map(Listing::listed).collect(),
                record,
            };
            view.publish(address, service);
        }
        (Step::Publish(publication), _) => {
            unreachable!("publishing {} is a publish action", publication.address)
        }
        (Step::Withdraw { address, .. }, _) => {
            info!(service = %address, "service removed");
            view.withdraw(address);
        }
        (Step::FreeDestination { id }, _) => {
            if let Some(ActualDestination { service, real, .. }) = view.destinations().get(&id) {
                info!(%service, %real, "last connection ended, destination freed");
            }
            view.free_destination(id);
        }
        (Step::FreeHop { id }, _) => view.free_hop(id),
    }
}

/// Tells the operator what a publication changes.
fn tell(view: &View, publication: &Publication) {
    let Publication { address, list, .. } = publication;
    let Some(present) = view.services().get(address) else {
        let eligible = list
            .iter()
            .filter(|listing| listing.eligible.is_ok())
            .count();
        info!(service = %address, destinations = list.len(), eligible, "service added");
        return;
    };
    let mut before: BTreeMap<DestinationId, Listed> = present
        .list
        .iter()
        .map(|listed| (listed.destination, *listed))
        .collect();
    for listing in list {
        let before = before.remove(&listing.destination);
        listing.tell(*address, before);
    }
    for id in before.keys() {
        if let Some(ActualDestination { real, .. }) = view.destinations().get(id) {
            info!(service = %address, %real, "destination removed");
        }
    }
}

impl Listing {
    fn listed(&self) -> Listed {
        Listed {
            destination: self.destination,
            weight: self.weight,
            eligible: self.eligible.is_ok(),
        }
    }

    /// Tells the operator how this destination differs from before.
    fn tell(&self, service: ServiceAddress, before: Option<Listed>) {
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
