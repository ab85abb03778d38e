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
///     Persist        ─▶ persist      the new state is on the disk, beside the old one; it fails: nothing has changed
///     Replace        ─▶ the data plane; it fails: discard, and only the old state is on the disk
/// commit: the new state is the state
/// ```
///
/// A start is a change too: what is to be in force then may be newer than what the data plane took last, because the daemon was
/// killed in between, or the file has changed. [`Intent::taken`] ends it, or [`Intent::fall_back`].
#[derive(Debug)]
pub struct Intent {
    store: Store,
    state: State,
    /// What the data plane took last, while the daemon starts with something newer.
    before: Option<Stored>,
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
            is_next,
            before,
            mut set_aside,
        } = found;
        let mut read = |record: Option<Record>| match record {
            Some(record) => read(&mut store, record, &mut set_aside).map(Some),
            None => Ok(None),
        };
        let stored = read(record)?;
        let mut before = read(before)?;
        let step = start::start(stored.clone(), file, now)?;
        let state = step.state.record();
        if let Some(text) = persists(&step) {
            store.save(&state, text)?;
            if !is_next {
                before = stored;
            }
        }
        store.forget(&state, before.as_ref().map(|before| &before.record));
        Ok(Opened {
            intent: Self {
                store,
                state: step.state,
                before,
            },
            set_aside,
            notes: step.notes,
        })
    }

    /// The data plane has taken what the daemon started with.
    pub fn taken(&mut self) {
        self.before = None;
        // What cannot be done now is done before the next change is written.
        let _ = self.store.settle();
        self.store.forget(&self.state.record(), None);
    }

    /// The data plane does not take what the daemon was to start with: makes what it took last the state, if that is something
    /// else. Gives what is to be told; nothing when there is nothing to go back to, and the state is as it was.
    ///
    /// What is given up is not kept. A file of the daemon's that is given up counts as changed at the next start, when the data
    /// plane may be a larger one.
    ///
    /// # Errors
    /// When what is given up cannot be removed.
    pub fn fall_back(&mut self, why: String) -> Result<Option<Vec<Note>>, StoreError> {
        let mut notes = Vec::new();
        let before = self.before.take();
        let Some(Ok(state)) = before.map(|before| start::resume(before, &mut notes)) else {
            return Ok(None);
        };
        self.store.discard()?;
        self.store.forget(&state.record(), None);
        let applied = self.state.applied();
        notes.insert(
            0,
            Note::NotTaken {
                number: applied.number,
                source: applied.source.clone(),
                why,
                back: state.in_force().number,
            },
        );
        self.state = state;
        Ok(Some(notes))
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
    /// When it cannot be written. What was written of it is removed then; if that fails too, the disk may have
    /// either, and the next change that can be written settles it.
    pub fn persist(&mut self, step: &Step) -> Result<(), StoreError> {
        let Some(text) = persists(step) else {
            return Ok(());
        };
        self.store.settle()?;
        let saved = self.store.save(&step.state.record(), text);
        if saved.is_err() {
            // The first error says more than one of putting things back.
            let _ = self.store.discard();
        }
        saved
    }

    /// Makes the state after a step the state: all its effects were carried out. The step must be one of the present state.
    pub fn commit(&mut self, step: Step) {
        let is_forgetful = step.state.history() != self.state.history();
        self.state = step.state;
        // What cannot be done now is done before the next change is written.
        let _ = self.store.settle();
        if is_forgetful {
            self.store.forget(&self.state.record(), None);
        }
    }

    /// Forgets a step that was persisted, because a later effect failed: the disk has the state of before again.
    ///
    /// # Errors
    /// When that cannot be written. The disk may have the state after the step then, until the next change is written.
    pub fn discard(&mut self, step: Step) -> Result<(), StoreError> {
        if persists(&step).is_none() {
            return Ok(());
        }
        self.store.discard()?;
        self.store.forget(&self.state.record(), None);
        Ok(())
    }
}

/// The text that a step's [`Effect::Persist`] brings, if it has one.
fn persists(step: &Step) -> Option<Option<(u64, &str)>> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Persist { text } => Some(text.as_ref().map(|(number, text)| (*number, &**text))),
        _ => None,
    })
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
