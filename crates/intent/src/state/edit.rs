//! Edits, many at once.

use std::{convert::Infallible, sync::Arc};

use dray_model::{
    Desired,
    edit::{self, Edit, EditError},
};

use crate::Timestamp;

use super::{State, Step};

/// An edit that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct EditRequest<C> {
    /// The edit.
    pub edit: Edit,
    /// What has to hold for it to be made.
    pub condition: C,
}

/// What has to hold of the configuration at the moment of an edit, so that nobody overwrites what they have not seen.
pub trait Condition {
    /// Why not.
    type Failure;

    /// Whether it holds for this edit of the configuration of that revision.
    ///
    /// # Errors
    /// When it does not.
    fn check(&self, edit: &Edit, effective: &Desired, revision: u64) -> Result<(), Self::Failure>;
}

/// Nothing has to hold.
impl Condition for () {
    type Failure = Infallible;

    fn check(&self, _: &Edit, _: &Desired, _: u64) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Why an edit was not made.
#[derive(Clone, Debug, PartialEq)]
pub enum NotEdited<F> {
    /// Its condition does not hold.
    Condition(F),
    /// It cannot be made.
    Edit(EditError),
}

/// What comes of edits, made one after another.
#[derive(Debug)]
pub struct Batch<F> {
    /// What comes of all that were granted, together: persisted once, put in force once. Without effects when none changes
    /// anything. When its effects fail, each edit can be asked for by itself.
    pub step: Step,
    /// What came of each, in order; of those that were granted, once the step is carried out.
    pub results: Vec<Result<Edited, NotEdited<F>>>,
}

/// What an edit led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Edited {
    /// The revision after it; that of before when it changed nothing.
    pub revision: u64,
    /// What was in force right before it.
    pub before: Arc<Desired>,
    /// What was in force right after it, before the edits that follow it in its batch.
    pub effective: Arc<Desired>,
}

impl State {
    /// What comes of edits, each made on what those before it led to. One that is refused changes nothing.
    pub fn edit<'r, C: Condition + 'r>(
        &self,
        requests: impl IntoIterator<Item = &'r EditRequest<C>>,
        now: Timestamp,
    ) -> Batch<C::Failure> {
        let mut revision = self.revision;
        let mut effective = Arc::clone(&self.in_force.effective);
        let mut back = self
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| (*unconfirmed.back.effective).clone());
        let results = requests.into_iter().map(|EditRequest { edit, condition }| {
            let checked = condition.check(edit, &effective, revision);
            checked.map_err(NotEdited::Condition)?;
            let edited = edit::edit(&effective, edit).map_err(NotEdited::Edit)?;
            let before = Arc::clone(&effective);
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
                before,
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
