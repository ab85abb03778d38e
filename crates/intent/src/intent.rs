//! The state with its store: what the daemon holds.

use std::path::Path;

use dray_model::config::LoadError;

use crate::{
    ConfigFile, Configuration, Effect, Keeping, Note, OpenError, Refusal, Request, RollbackTarget,
    SetAside, State, Step, StoreError, TextError, Timestamp,
    start::{self, Stored},
    store::{Found, Record, Store},
};

/// The state, and the directory that it survives in.
///
/// A change goes like this:
///
/// ```text
/// state().step or edit ─▶ Step ─ its effects in order:
///     EndConnections ─▶ the data plane
///     Persist        ─▶ persist      the new state is on the disk; it fails: nothing has changed
///     Replace        ─▶ the data plane; it fails: discard, and the old state is on the disk again
/// commit: the new state is the state
/// ```
#[derive(Debug)]
pub struct Intent {
    store: Store,
    state: State,
}

/// What came of opening a state directory.
#[derive(Debug)]
pub struct Opened {
    /// The state; what its version in force says is to be made true.
    pub intent: Intent,
    /// What was damaged, and where it is.
    pub set_aside: Vec<SetAside>,
    /// What to tell.
    pub notes: Vec<Note>,
}

/// Why a daemon cannot have a state to start with.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It holds no configuration that can be used, and the file has none either.
    #[error(transparent)]
    File(#[from] LoadError),
}

/// Why a rollback cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The state refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The configuration's text cannot be had.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It is not valid any more.
    #[error(
        "configuration {number} is not valid any more, because of what changed in dray since: {why}"
    )]
    Invalid {
        /// The configuration.
        number: u64,
        /// What is wrong with it.
        why: dray_model::config::Diagnostics,
    },
}

impl Intent {
    /// Opens a state directory, makes it when it is not there, and says what is in force: the module `start` has the rules.
    /// When this answers, that is on the disk.
    ///
    /// # Errors
    /// When the directory cannot be used or is another daemon's, or nothing can be put in force.
    pub fn open(directory: &Path, file: ConfigFile, now: Timestamp) -> Result<Opened, StartError> {
        let (mut store, found) = Store::open(directory)?;
        let Found {
            record,
            mut set_aside,
        } = found;
        let stored = match record {
            Some(record) => Some(read(&mut store, record, &mut set_aside)?),
            None => None,
        };
        let step = start::start(stored, file, now)?;
        let mut intent = Self {
            store,
            state: step.state.clone(),
        };
        intent.persist(&step)?;
        intent.store.forget(&step.state.record());
        Ok(Opened {
            intent,
            set_aside,
            notes: step.notes,
        })
    }

    /// Whether a directory holds a state, whatever it is worth.
    pub fn is_kept_in(directory: &Path) -> bool {
        Store::is_in(directory)
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.store.path()
    }

    /// The text of an applied configuration, to the byte.
    ///
    /// # Errors
    /// When it is not kept, or not on the disk as it was applied.
    pub fn text(&self, number: u64) -> Result<String, TextError> {
        let applied = self.state.find(number).ok_or(TextError::Gone { number })?;
        self.store.text(applied)
    }

    /// What comes of a rollback: to a configuration of the history, or without a number back from the unconfirmed one, or to the
    /// one before. Going back from an unconfirmed one keeps the edits, whatever `edits` says.
    ///
    /// # Errors
    /// When there is no such configuration, or it cannot be used any more.
    pub fn rollback(
        &self,
        number: Option<u64>,
        edits: Keeping,
        now: Timestamp,
    ) -> Result<Step, RollbackError> {
        let request = match self.state.rollback_target(number)? {
            RollbackTarget::Unconfirmed => Request::GoBack,
            RollbackTarget::Number(number) => {
                let text = self.text(number)?;
                let configuration = Configuration::parse(&name_of(number), text);
                let configuration =
                    configuration.map_err(|why| RollbackError::Invalid { number, why })?;
                Request::Rollback {
                    number,
                    configuration,
                    edits,
                }
            }
        };
        Ok(self.state.step(request, now)?)
    }

    /// Carries out a step's [`Effect::Persist`], if it has one: the state after it is on the disk when this answers.
    ///
    /// # Errors
    /// When it cannot be written. The state of before is written again then; if that fails too, the disk may have
    /// either, and the next change that can be written settles it.
    pub fn persist(&mut self, step: &Step) -> Result<(), StoreError> {
        let Some(text) = step.effects.iter().find_map(|effect| match effect {
            Effect::Persist { text } => Some(text),
            _ => None,
        }) else {
            return Ok(());
        };
        let text = text.as_ref().map(|(number, text)| (*number, &**text));
        let saved = self.store.save(&step.state.record(), text);
        if saved.is_err() {
            // The first error says more than one of putting things back.
            let _ = self.store.save(&self.state.record(), None);
        }
        saved
    }

    /// Makes the state after a step the state: all its effects were carried out. The step must be one of the present state.
    pub fn commit(&mut self, step: Step) {
        let is_forgetful = step.state.history() != self.state.history();
        self.state = step.state;
        if is_forgetful {
            self.store.forget(&self.state.record());
        }
    }

    /// Forgets a step that was persisted, because a later effect failed: the disk has the state of before again.
    ///
    /// # Errors
    /// When that cannot be written. The disk may have the state after the step then, until the next change is written.
    pub fn discard(&mut self, step: Step) -> Result<(), StoreError> {
        let is_persisted = |effect: &Effect| matches!(effect, Effect::Persist { .. });
        if !step.effects.iter().any(is_persisted) {
            return Ok(());
        }
        let record = self.state.record();
        self.store.save(&record, None)?;
        self.store.forget(&record);
        Ok(())
    }
}

/// The configurations that a record needs, or why they cannot be had.
fn read(
    store: &mut Store,
    record: Record,
    set_aside: &mut Vec<SetAside>,
) -> Result<Stored, StoreError> {
    let mut configuration = |number: u64| {
        let applied = record.find(number).expect("a record lists what it names");
        let text = match store.text(applied) {
            Ok(text) => text,
            Err(TextError::Files(error)) => return Err(error),
            Err(why) => {
                set_aside.extend(store.set_text_aside(number, &why)?);
                return Ok(Err(why.to_string()));
            }
        };
        let configuration = Configuration::parse(&name_of(number), text);
        Ok(configuration.map_err(|why| format!("it is not valid any more: {why}")))
    };
    let base = configuration(record.base)?;
    let back = match &record.unconfirmed {
        Some(unconfirmed) => Some(configuration(unconfirmed.base)?),
        None => None,
    };
    Ok(Stored { record, base, back })
}

/// What messages call the text of an applied configuration.
fn name_of(number: u64) -> String {
    format!("configuration {number}")
}
