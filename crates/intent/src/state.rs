//! What the operator wants, and how it came about: a state machine without files, clock or tasks.
//!
//! ```text
//!  Request, now ─▶ step ─▶ Step: the state after it, the effects that make it true, notes
//!                    ╰──▶ Refusal: nothing has changed
//! ```
//!
//! The state before a step stays as it is, so a step whose effects fail is forgotten, and nothing has to be undone here.
//!
//! ```text
//!              applied, confirm: none ◀──┐
//!                  │  ▲                  │ confirm, or apply without confirm
//!  apply, confirm  │  │ deadline,        │
//!                  ▼  │ go back          │
//!              unconfirmed ──────────────┘
//! ```
//!
//! Edits while a configuration is unconfirmed are made on what is gone back to as well, as far as they fit there: going back
//! takes the configuration back, not what others edited since.

mod apply;
mod drains;
mod edit;
mod record;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use dray_model::{Desired, ServiceName, document::Endpoint};
use serde::{Deserialize, Serialize};

use crate::{
    Applied, Configuration, Digest, Drain, DrainRequest, Edits, End, EndedDrain, Note, Occupancy,
    Source, Timestamp,
};

pub use edit::{Batch, Condition, EditRequest, Edited, NotEdited};

/// What the operator wants, and how it came about. Clones share what is large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    revision: u64,
    in_force: Version,
    unconfirmed: Option<Unconfirmed>,
    file: Taken,
    drains: Vec<Drain>,
    ended_drains: Vec<EndedDrain>,
    last_drain: u64,
    /// Oldest first.
    applied: Vec<Applied>,
}

/// An applied configuration with the edits since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Number of the applied configuration.
    pub number: u64,
    /// What it means.
    pub base: Arc<Desired>,
    /// What was changed since.
    pub edits: Arc<Edits>,
    /// The base with the edits.
    pub effective: Arc<Desired>,
}

/// A configuration that is in force until somebody confirms it, or its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// When the director goes back by itself.
    pub until: Timestamp,
    /// To what. It has the edits that were made since, too.
    pub back: Version,
}

/// The daemon's own file, as its text was when it was taken last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The file.
    pub path: String,
    /// Fingerprint of its text.
    pub digest: Digest,
}

/// What a state can be asked for. Edits come in batches, by [`State::edit`].
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Puts a configuration in force.
    Apply(Apply),
    /// Puts a configuration of the history in force again.
    Rollback {
        /// Its number.
        number: u64,
        /// Itself.
        configuration: Configuration,
        /// What becomes of the edits.
        edits: Keeping,
    },
    /// Goes back from an unconfirmed configuration now.
    GoBack,
    /// Confirms the applied configuration.
    Confirm {
        /// The one that is meant, if the caller says.
        number: Option<u64>,
    },
    /// Starts a drain.
    Drain(DrainRequest),
    /// Ends a drain and gives its real servers their weights again.
    CancelDrain {
        /// Its number.
        id: u64,
    },
    /// Looks whether something is due; to be asked at [`State::next_deadline`], and while there are drains every second
    /// or so.
    Tick {
        /// How many connections the real servers of drains have.
        counted: Vec<Occupancy>,
    },
}

/// A configuration to be put in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Apply {
    /// The configuration.
    pub configuration: Configuration,
    /// Where it comes from.
    pub source: Source,
    /// What becomes of the edits.
    pub edits: Keeping,
    /// How long to wait for a confirmation before going back.
    pub confirm: Option<Duration>,
}

/// What becomes of the edits when the base changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// They are made again on the new base, as far as they fit.
    Keep,
    /// They are forgotten.
    Drop,
}

/// What came of a request: not true yet. Its effects are to be carried out, in their order; when one fails the
/// step is forgotten.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a step is only a plan"]
pub struct Step {
    /// The state, once the effects are carried out.
    pub state: State,
    /// What to do, in this order. Nothing when nothing changes.
    pub effects: Vec<Effect>,
    /// What to tell.
    pub notes: Vec<Note>,
}

/// Something to do in the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// End connections. Comes before the state that says that they are ended: to end them twice does no harm.
    EndConnections {
        /// Of these real servers in these services.
        reals: Vec<(ServiceName, Endpoint)>,
        /// What clients are remembered by, too.
        templates: bool,
    },
    /// Put the state on the disk, with the text of a configuration that was not kept before.
    Persist {
        /// Its number and its text.
        text: Option<(u64, Arc<str>)>,
    },
    /// Make this what the data plane does.
    Replace(Arc<Desired>),
}

/// Why a request was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No configuration waits for a confirmation.
    #[error("no configuration waits for a confirmation{}", .last_back.map(|number| format!(
        ": the director left configuration {number} before it was confirmed")).unwrap_or_default())]
    NothingToConfirm {
        /// The latest configuration, if the director left it before it was confirmed.
        last_back: Option<u64>,
    },
    /// Another configuration waits.
    #[error("configuration {waiting} waits for a confirmation, not {asked}")]
    NotTheOneToConfirm {
        /// The one that waits.
        waiting: u64,
        /// The one that was named.
        asked: u64,
    },
    /// The history has no such configuration.
    #[error("configuration {number} is not kept; kept are {}", listed(.kept))]
    NoSuchConfiguration {
        /// The number.
        number: u64,
        /// The numbers that are, in order.
        kept: Vec<u64>,
    },
    /// There is none before the one in force.
    #[error("there is no configuration before {number}, which is in force; kept are {}", listed(.kept))]
    NothingBefore {
        /// The number of the one in force.
        number: u64,
        /// The numbers that are kept, in order.
        kept: Vec<u64>,
    },
    /// Nothing fits what is to be drained.
    #[error("there is no real server {real}{}: `dray real list` shows them", .service.as_ref().map(|name| format!(
        " in service {name}")).unwrap_or_default())]
    NothingToDrain {
        /// The service, if one was named.
        service: Option<ServiceName>,
        /// The real server.
        real: Endpoint,
    },
    /// It is in a drain already.
    #[error(
        "real server {real} of service {service} is in drain {id} already; end that first with `dray drain --cancel {id}`"
    )]
    AlreadyDraining {
        /// The drain.
        id: u64,
        /// The service.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// No such drain is under way.
    #[error("there is no drain {id} under way{}", .ended.map(|_| ": it has ended").unwrap_or_default())]
    NoSuchDrain {
        /// The number.
        id: u64,
        /// How it ended, if it did lately.
        ended: Option<End>,
    },
}

impl State {
    /// What comes of a request at this moment.
    ///
    /// # Errors
    /// When it cannot be granted.
    pub fn step(&self, request: Request, now: Timestamp) -> Result<Step, Refusal> {
        match request {
            Request::Apply(apply) => self.apply(apply, now),
            Request::Rollback {
                number,
                configuration,
                edits,
            } => self.roll_back(number, &configuration, edits, now),
            Request::GoBack => self.go_back(now),
            Request::Confirm { number } => self.confirm(number, now),
            Request::Drain(drain) => self.drain(drain, now),
            Request::CancelDrain { id } => self.cancel_drain(id, now),
            Request::Tick { counted } => Ok(self.tick(&counted, now)),
        }
    }

    /// Counts the changes of what is in force and of its base; kept over restarts.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is in force.
    pub fn in_force(&self) -> &Version {
        &self.in_force
    }

    /// Until when what is in force is to be confirmed, and what it goes back to.
    pub fn unconfirmed(&self) -> Option<&Unconfirmed> {
        self.unconfirmed.as_ref()
    }

    /// The applied configurations that are kept, oldest first.
    pub fn history(&self) -> &[Applied] {
        &self.applied
    }

    /// The applied configuration that is in force.
    pub fn applied(&self) -> &Applied {
        self.find(self.in_force.number)
            .expect("what is in force is kept")
    }

    /// An applied configuration that is kept.
    pub fn find(&self, number: u64) -> Option<&Applied> {
        self.applied.iter().find(|applied| applied.number == number)
    }

    /// The drains under way, in the order in which they began.
    pub fn drains(&self) -> &[Drain] {
        &self.drains
    }

    /// The latest drains that ended, oldest first.
    pub fn ended_drains(&self) -> &[EndedDrain] {
        &self.ended_drains
    }

    /// The daemon's own file, as it was read last.
    pub fn file(&self) -> &Taken {
        &self.file
    }

    /// When something is due by the clock.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let confirmation = self
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| unconfirmed.until);
        let drains = self.drains.iter().map(|drain| drain.deadline);
        drains.chain(confirmation).min()
    }

    /// What a rollback to this configuration, or to the one before, means now.
    ///
    /// # Errors
    /// When there is none.
    pub fn rollback_target(&self, number: Option<u64>) -> Result<RollbackTarget, Refusal> {
        let kept = || self.applied.iter().map(|applied| applied.number).collect();
        if let Some(number) = number {
            return match self.find(number) {
                Some(_) => Ok(RollbackTarget::Number(number)),
                None => Err(Refusal::NoSuchConfiguration {
                    number,
                    kept: kept(),
                }),
            };
        }
        if self.unconfirmed.is_some() {
            return Ok(RollbackTarget::Unconfirmed);
        }
        let number = self.in_force.number;
        let before = self
            .applied
            .iter()
            .rev()
            .find(|applied| applied.number < number && !applied.went_back);
        match before {
            Some(before) => Ok(RollbackTarget::Number(before.number)),
            None => Err(Refusal::NothingBefore {
                number,
                kept: kept(),
            }),
        }
    }

    /// Remembers whether the director left a configuration that nobody had confirmed.
    fn mark(&mut self, number: u64, went_back: bool) {
        for applied in &mut self.applied {
            if applied.number == number {
                applied.went_back = went_back;
            }
        }
    }

    /// The step to a state that has changed, with the drains that the change ends.
    fn finish(
        &self,
        mut state: Self,
        text: Option<(u64, Arc<str>)>,
        mut notes: Vec<Note>,
        now: Timestamp,
    ) -> Step {
        state.settle_drains(&mut notes, now);
        if self.unconfirmed.is_some() && state.in_force.number != self.in_force.number {
            state.mark(self.in_force.number, true);
        }
        let is_configured = state.in_force != self.in_force;
        if is_configured && state.revision == self.revision {
            state.revision += 1;
        }
        let mut effects = Vec::new();
        if state != *self {
            effects.push(Effect::Persist { text });
        }
        if is_configured {
            effects.push(Effect::Replace(Arc::clone(&state.in_force.effective)));
        }
        Step {
            state,
            effects,
            notes,
        }
    }
}

/// What a rollback leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackTarget {
    /// Back from the unconfirmed configuration: [`Request::GoBack`].
    Unconfirmed,
    /// To this configuration: [`Request::Rollback`].
    Number(u64),
}

impl Version {
    /// A base with edits, those that fit it.
    pub(crate) fn new(
        number: u64,
        base: &Arc<Desired>,
        edits: &Edits,
        notes: &mut Vec<Note>,
    ) -> Self {
        let (effective, dropped) = edits.redo(base);
        notes.extend(dropped.into_iter().map(Note::DroppedEdit));
        let plain = Self {
            number,
            base: Arc::clone(base),
            edits: Arc::default(),
            effective: Arc::clone(base),
        };
        plain.edited(effective)
    }

    /// The same base with something else in force.
    fn edited(&self, effective: Desired) -> Self {
        let edits = Edits::between(&self.base, &effective);
        let effective = if edits.is_empty() {
            Arc::clone(&self.base)
        } else {
            Arc::new(effective)
        };
        Self {
            number: self.number,
            base: Arc::clone(&self.base),
            edits: Arc::new(edits),
            effective,
        }
    }
}

fn listed(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(", ")
}
