//! Edits, many at once.

use std::sync::Arc;

use dray_model::{
    Desired, ServiceName,
    document::{self, Endpoint},
    edit::{self, Edit},
};

use crate::{Timestamp, etag};

use super::{Refusal, State, Step};

/// An edit that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct EditRequest {
    /// The edit.
    pub edit: Edit,
    /// What the caller has read before.
    pub expect: Option<Expect>,
}

/// What has to be as it was read for an edit to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The whole configuration: its revision.
    Revision(u64),
    /// The director's settings: the [`etag`] of their document.
    Director(String),
    /// A service: the [`etag`] of its document.
    Service(ServiceName, String),
    /// A real server of a service: the [`etag`] of its document.
    Real(ServiceName, Endpoint, String),
}

/// What comes of edits, made one after another.
#[derive(Debug)]
pub struct Batch {
    /// What comes of all that were granted, together: persisted once, put in force once. Without effects when none changes
    /// anything. When its effects fail, each edit can be asked for by itself.
    pub step: Step,
    /// What came of each, in order; of those that were granted, once the step is carried out.
    pub results: Vec<Result<Edited, Refusal>>,
}

/// What an edit led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The revision after it; that of before when it changed nothing.
    pub revision: u64,
    /// What was in force right after it, before the edits that follow it in its batch.
    pub effective: Arc<Desired>,
}

impl State {
    /// What comes of edits, each made on what those before it led to. One that is refused changes nothing.
    pub fn edit<'r>(
        &self,
        requests: impl IntoIterator<Item = &'r EditRequest>,
        now: Timestamp,
    ) -> Batch {
        let mut revision = self.revision;
        let mut effective = Arc::clone(&self.in_force.effective);
        let mut back = self
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| (*unconfirmed.back.effective).clone());
        let results = requests.into_iter().map(|EditRequest { edit, expect }| {
            if let Some(expect) = expect {
                expect.check(revision, &effective)?;
            }
            let edited = edit::edit(&effective, edit)?;
            if edited != *effective {
                revision += 1;
                effective = Arc::new(edited);
                // What does not fit there is about what the unconfirmed configuration brought.
                if let Some(edited) = back.as_ref().and_then(|back| edit::edit(back, edit).ok()) {
                    back = Some(edited);
                }
            }
            Ok(Edited {
                revision,
                effective: Arc::clone(&effective),
            })
        });
        let results = results.collect();
        let mut state = self.with((*effective).clone(), back);
        state.revision = revision;
        let step = self.finish(state, None, Vec::new(), now);
        Batch { step, results }
    }

    /// The state with something else in force, and to go back to.
    pub(super) fn with(&self, effective: Desired, back: Option<Desired>) -> Self {
        let mut state = self.clone();
        state.in_force = self.in_force.edited(effective);
        if let (Some(unconfirmed), Some(back)) = (&mut state.unconfirmed, back) {
            unconfirmed.back = unconfirmed.back.edited(back);
        }
        state
    }
}

impl Expect {
    /// What is not there at all is left to the edit to refuse.
    fn check(&self, revision: u64, effective: &Desired) -> Result<(), Refusal> {
        let service = |name: &ServiceName| {
            effective
                .services
                .iter()
                .find(|service| service.name == *name)
        };
        let (what, expected, current) = match self {
            Self::Revision(expected) => {
                let what = "the configuration".to_owned();
                (what, expected.to_string(), Some(revision.to_string()))
            }
            Self::Director(expected) => {
                let current = etag(&document::Director::from(&effective.director));
                ("the director".to_owned(), expected.clone(), Some(current))
            }
            Self::Service(name, expected) => {
                let current =
                    service(name).map(|service| etag(&document::Service::from(&**service)));
                (format!("service {name}"), expected.clone(), current)
            }
            Self::Real(name, endpoint, expected) => {
                let current = service(name).and_then(|service| {
                    let mut reals = service.reals.iter();
                    let real = reals.find(|real| endpoint.names(real, &service.identity))?;
                    Some(etag(&document::Real::of(real, service)))
                });
                (
                    format!("real server {endpoint} of service {name}"),
                    expected.clone(),
                    current,
                )
            }
        };
        match current {
            Some(current) if current != expected => Err(Refusal::Changed { what, current }),
            _ => Ok(()),
        }
    }
}
