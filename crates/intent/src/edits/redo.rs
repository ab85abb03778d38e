//! Edits on a base, which may be another one than they were made on.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use dray_model::{
    Desired, Service, ServiceName, config,
    document::{self, Document},
    edit::{self, Edit},
    patch,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Edits, Patch, ServiceEdits};

/// So many edits of services are made one by one rather than by reading everything anew.
const FEW: usize = 100;

/// An edit that could not be kept on a new base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedEdit {
    /// What was edited, as `service web` or `service web, real server 10.0.0.1`.
    pub what: String,
    /// Why it could not be kept.
    pub why: String,
}

impl fmt::Display for DroppedEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the edit of {} was dropped: {}", self.what, self.why)
    }
}

impl Edits {
    /// What is in force with these edits on this base. Those that do not fit are dropped and told.
    pub(crate) fn redo(&self, base: &Desired) -> (Desired, Vec<DroppedEdit>) {
        if self.is_empty() {
            return (base.clone(), Vec::new());
        }
        let mut dropped = Vec::new();
        let wanted = self.document(&self.named(base), &mut dropped);
        // A few edits are made faster than the whole is read anew; but only the whole has room in the middle.
        if self.services.len() <= FEW && self.services.inserted.is_empty() {
            let (desired, refused) = self.one_by_one(base, wanted.clone());
            if refused.is_empty() {
                return (desired, dropped);
            }
        }
        // Edits may fit only together, and mostly all that is left fits.
        let whole = self.document(base, &mut Vec::new());
        if let Ok(mut desired) = config::parse("edits", &whole.to_toml()) {
            share(base, &mut desired);
            return (desired, dropped);
        }
        let (desired, refused) = self.one_by_one(base, wanted);
        dropped.extend(refused);
        (desired, dropped)
    }

    /// The base with no services but those that are edited.
    fn named(&self, base: &Desired) -> Desired {
        let is_named = |service: &&Arc<Service>| {
            let name = service.name.as_str();
            self.services.changed.contains_key(name) || self.services.removed.contains(name)
        };
        let new: HashSet<&str> = self.new_names().collect();
        let services = base.services.iter();
        let services =
            services.filter(|service| is_named(service) || new.contains(service.name.as_str()));
        Desired {
            director: base.director.clone(),
            services: services.cloned().collect(),
        }
    }

    fn new_names(&self) -> impl Iterator<Item = &str> {
        self.services.new_items().map(|new| new.name.as_str())
    }

    /// The base's document with the edits of what it has, checked no further.
    fn document(&self, base: &Desired, dropped: &mut Vec<DroppedEdit>) -> Document {
        let mut document = Document::from(base);
        if let Err(why) = change(&mut document.director, &self.director) {
            dropped.push(drop_edit("the director", why));
        }
        let mut gone = Vec::new();
        let services = std::mem::take(&mut document.service);
        document.service = self.services.redo(
            services,
            |service| &service.name,
            |service, edits| edits.redo(service, dropped),
            |name| gone.push(name.to_owned()),
        );
        let gone = gone.iter().map(|name| {
            drop_edit(
                &format!("service {name}"),
                "there is no such service any more",
            )
        });
        dropped.extend(gone);
        document
    }

    /// The base with each edit that fits beside those before it, and those that do not. What does not fit may when others
    /// are made, so it is tried again as long as that helps.
    fn one_by_one(&self, base: &Desired, wanted: Document) -> (Desired, Vec<DroppedEdit>) {
        let mut desired = base.clone();
        let mut left = self.as_model_edits(base, wanted);
        loop {
            let before = left.len();
            let mut refused = Vec::new();
            let mut reasons = Vec::new();
            for (what, edit) in left {
                match edit::edit(&desired, &edit) {
                    Ok(edited) => desired = edited,
                    Err(why) => {
                        reasons.push(drop_edit(&what, why));
                        refused.push((what, edit));
                    }
                }
            }
            if refused.is_empty() || refused.len() == before {
                return (desired, reasons);
            }
            left = refused;
        }
    }

    /// The edits, each by itself, out of the document with all that they are about.
    fn as_model_edits(&self, base: &Desired, wanted: Document) -> Vec<(String, Edit)> {
        let mut edits = Vec::new();
        if !self.director.is_empty() {
            let patch = Value::Object(self.director.clone());
            edits.push(("the director".to_owned(), Edit::PatchDirector { patch }));
        }
        let of_base: HashSet<&str> = base
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let new: HashSet<&str> = self.new_names().collect();
        let what = |name: &str| format!("service {name}");
        for removed in self
            .services
            .removed
            .iter()
            .filter(|name| of_base.contains(name.as_str()))
        {
            let name = ServiceName::new(removed).expect("the base has a service of that name");
            edits.push((what(removed), Edit::RemoveService { name }));
        }
        for document in wanted.service {
            let name = document.name.as_str();
            if !new.contains(name) && !self.services.changed.contains_key(name) {
                continue;
            }
            let is_in_place = of_base.contains(name) && !self.services.removed.contains(name);
            let what = what(name);
            let name = ServiceName::new(name).ok().filter(|_| is_in_place);
            edits.push(match name {
                Some(name) => (what, Edit::PutService { name, document }),
                None => (what, Edit::AddService(document)),
            });
        }
        edits
    }
}

impl ServiceEdits {
    fn redo(&self, service: &mut document::Service, dropped: &mut Vec<DroppedEdit>) {
        let name = service.name.clone();
        if let Err(why) = change(service, &self.patch) {
            dropped.push(drop_edit(&format!("service {name}"), why));
        }
        let real = |address: &str| format!("service {name}, real server {address}");
        let mut gone = Vec::new();
        let reals = std::mem::take(&mut service.real);
        service.real = self.reals.redo(
            reals,
            |real| &real.address,
            |one, patch| {
                let address = one.address.clone();
                if let Err(why) = change(one, patch) {
                    dropped.push(drop_edit(&real(&address), why));
                }
            },
            |address| gone.push(address.to_owned()),
        );
        let gone = gone
            .iter()
            .map(|address| drop_edit(&real(address), "there is no such real server any more"));
        dropped.extend(gone);
    }
}

/// Lets a state have its services from the base where they are the same, so that what compares them need not look.
fn share(base: &Desired, desired: &mut Desired) {
    let of_base: HashMap<&str, &Arc<Service>> = base
        .services
        .iter()
        .map(|service| (service.name.as_str(), service))
        .collect();
    for service in &mut desired.services {
        if let Some(same) = of_base
            .get(service.name.as_str())
            .filter(|same| **same == service)
        {
            *service = Arc::clone(same);
        }
    }
}

/// Changes a document as a patch says; when the result is no such document, nothing is changed.
fn change<D: Serialize + DeserializeOwned>(
    document: &mut D,
    patch: &Patch,
) -> Result<(), serde_json::Error> {
    let mut value = serde_json::to_value(&*document)?;
    patch::merge(&mut value, &Value::Object(patch.clone()));
    *document = serde_json::from_value(value)?;
    Ok(())
}

fn drop_edit(what: &str, why: impl ToString) -> DroppedEdit {
    DroppedEdit {
        what: what.to_owned(),
        why: why.to_string(),
    }
}
