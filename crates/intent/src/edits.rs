//! The edits: what differs between the applied configuration and what is in force.
//!
//! ```text
//! base ──────────────┐
//!        between ─▶ Edits ─ redo ─▶ in force     (of the same base: what `between` was given)
//! in force ──────────┘   ╰ redo ─▶ in force      (of a new base: as far as they fit, the rest told)
//! ```
//!
//! Edits are not remembered as they came, but worked out from what is in force, so they are as small as they can be: an edit
//! that is taken back, or written into the file and applied, is none any more. They go by the names of services and real servers, so
//! a weight that was edited stays edited when the new base has other real servers beside.

mod list;
mod redo;

use std::sync::Arc;

use dray_model::{Desired, Service, Weight, document, patch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use list::ListEdits;
pub use redo::DroppedEdit;

/// A merge patch (RFC 7396) of a document.
pub type Patch = Map<String, Value>;

/// What differs between the applied configuration and what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// What differs in [`document::Director`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub director: Patch,
    /// What differs in the services.
    #[serde(default, skip_serializing_if = "ListEdits::is_empty")]
    pub services: ListEdits<document::Service, ServiceEdits>,
}

/// What differs in a service that is in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEdits {
    /// What differs in [`document::Service`], but for its real servers.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub patch: Patch,
    /// What differs in its real servers: patches of [`document::Real`].
    #[serde(default, skip_serializing_if = "ListEdits::is_empty")]
    pub reals: ListEdits<document::Real, Patch>,
}

impl Edits {
    /// What differs. Rules that give marks do not: nothing edits them.
    pub fn between(base: &Desired, in_force: &Desired) -> Self {
        let director = if base.director == in_force.director {
            Patch::new()
        } else {
            let director = |desired: &Desired| document::Director::from(&desired.director);
            difference(&director(base), &director(in_force))
        };
        let services = ListEdits::between(
            &base.services,
            &in_force.services,
            |service| service.name.as_str(),
            |base, in_force| {
                let is_shared = Arc::ptr_eq(base, in_force);
                (!is_shared)
                    .then(|| ServiceEdits::between(base, in_force))
                    .flatten()
            },
            |service| document::Service::from(&**service),
        );
        Self { director, services }
    }

    /// Whether what is in force is what was applied.
    pub fn is_empty(&self) -> bool {
        self.director.is_empty() && self.services.is_empty()
    }

    /// The weight that an edit gave to a real server, by the names of service and real server.
    pub(crate) fn weight(&self, service: &str, real: &str) -> Option<u16> {
        fn listed<'r>(
            mut reals: impl Iterator<Item = &'r document::Real>,
            real: &str,
        ) -> Option<u16> {
            let real = reals.find(|one| one.address == real)?;
            Some(real.weight.unwrap_or(Weight::DEFAULT.value()))
        }
        if let Some(new) = self.services.new_items().find(|one| one.name == service) {
            return listed(new.real.iter(), real);
        }
        let reals = &self.services.changed.get(service)?.reals;
        let patched = || {
            let weight = reals.changed.get(real)?.get("weight")?;
            // A patch that takes the weight away gives that of real servers that name none.
            let number = weight
                .as_u64()
                .and_then(|number| u16::try_from(number).ok());
            Some(number.unwrap_or(Weight::DEFAULT.value()))
        };
        listed(reals.new_items(), real).or_else(patched)
    }
}

impl ServiceEdits {
    fn between(base: &Service, in_force: &Service) -> Option<Self> {
        if base == in_force {
            return None;
        }
        let mut base = document::Service::from(base);
        let mut in_force = document::Service::from(in_force);
        let reals = ListEdits::between(
            &std::mem::take(&mut base.real),
            &std::mem::take(&mut in_force.real),
            |real| real.address.as_str(),
            |base, in_force| (base != in_force).then(|| difference(base, in_force)),
            document::Real::clone,
        );
        let patch = difference(&base, &in_force);
        Some(Self { patch, reals })
    }
}

fn difference<D: Serialize>(before: &D, after: &D) -> Patch {
    let value = |document| serde_json::to_value(document).expect("documents are plain JSON");
    match patch::difference(&value(before), &value(after)) {
        Value::Object(patch) => patch,
        _ => unreachable!("documents are objects"),
    }
}
