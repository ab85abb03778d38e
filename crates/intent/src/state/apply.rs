//! Configurations put in force, confirmed, and gone back from.

use std::sync::Arc;

use crate::{Applied, Configuration, Edits, Note, Source, Timestamp, history};

use super::{Apply, Keeping, Refusal, State, Step, Taken, Unconfirmed, Version};

impl State {
    pub(super) fn apply(&self, apply: Apply, now: Timestamp) -> Result<Step, Refusal> {
        let number = self.number_for(&apply.configuration, &apply.source);
        Ok(self.put_in_force(apply, number, now))
    }

    /// Puts a configuration in force under the number that it has, or under a new one.
    pub(crate) fn put_in_force(&self, apply: Apply, number: Option<u64>, now: Timestamp) -> Step {
        let Apply {
            configuration,
            source,
            edits,
            confirm,
        } = apply;
        let mut notes = Vec::new();
        let mut state = self.clone();
        let is_kept = number.is_some();
        let number = number.unwrap_or_else(|| self.last_number() + 1);
        if !is_kept || edits == Keeping::Drop {
            state.in_force = self.rebased(number, &configuration, edits, &mut notes);
        }
        state.unconfirmed = confirm.and_then(|confirm| {
            let last_confirmed = match &self.unconfirmed {
                Some(unconfirmed) => Some(unconfirmed.back.clone()),
                None => (state.in_force != self.in_force).then(|| self.in_force.clone()),
            };
            Some(Unconfirmed {
                until: now.after(confirm),
                back: last_confirmed?,
            })
        });
        if let Some(taken) = self.takes(&source, &configuration) {
            state.file = taken;
        }
        let text = (!is_kept).then(|| {
            let back = state
                .unconfirmed
                .as_ref()
                .map_or(number, |unconfirmed| unconfirmed.back.number);
            history::add(
                &mut state.applied,
                applied(number, &configuration, source, now),
                &[number, back],
            );
            (number, Arc::clone(configuration.text()))
        });
        self.finish(state, text, notes, now)
    }

    pub(super) fn roll_back(
        &self,
        number: u64,
        configuration: &Configuration,
        edits: Keeping,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        self.rollback_target(Some(number))?;
        let mut notes = Vec::new();
        let mut state = self.clone();
        state.in_force = self.rebased(number, configuration, edits, &mut notes);
        state.unconfirmed = None;
        // Whoever asks for it by its number wants it.
        state.mark(number, false);
        Ok(self.finish(state, None, notes, now))
    }

    pub(super) fn confirm(&self, number: Option<u64>, now: Timestamp) -> Result<Step, Refusal> {
        let waiting = self.in_force.number;
        if self.unconfirmed.is_none() {
            return Err(self.nothing_to_confirm());
        }
        if let Some(asked) = number.filter(|asked| *asked != waiting) {
            return Err(Refusal::NotTheOneToConfirm { waiting, asked });
        }
        let state = Self {
            unconfirmed: None,
            ..self.clone()
        };
        Ok(self.finish(state, None, Vec::new(), now))
    }

    pub(crate) fn go_back(&self, now: Timestamp) -> Result<Step, Refusal> {
        let mut notes = Vec::new();
        let state = self
            .gone_back(&mut notes)
            .ok_or_else(|| self.nothing_to_confirm())?;
        Ok(self.finish(state, None, notes, now))
    }

    /// The state of before the unconfirmed configuration, with the edits since.
    pub(super) fn gone_back(&self, notes: &mut Vec<Note>) -> Option<Self> {
        let mut state = self.clone();
        let back = state.unconfirmed.take()?.back;
        let (from, to) = (self.in_force.number, back.number);
        state.in_force = back;
        notes.push(Note::WentBack { from, to });
        Some(state)
    }

    fn nothing_to_confirm(&self) -> Refusal {
        let last = self.applied.last().filter(|applied| applied.went_back);
        Refusal::NothingToConfirm {
            last_back: last.map(|applied| applied.number),
        }
    }

    /// The configuration as the base of what is in force.
    fn rebased(
        &self,
        number: u64,
        configuration: &Configuration,
        edits: Keeping,
        notes: &mut Vec<Note>,
    ) -> Version {
        let none = Edits::default();
        let edits = match edits {
            Keeping::Keep => &self.in_force.edits,
            Keeping::Drop => &none,
        };
        Version::new(number, configuration.desired(), edits, notes)
    }

    /// The number of the configuration in force, when that is this one from the same place.
    fn number_for(&self, configuration: &Configuration, source: &Source) -> Option<u64> {
        let applied = self.applied();
        let is_same =
            applied.digest == configuration.digest() && applied.source.file() == source.file();
        is_same.then_some(applied.number)
    }

    fn last_number(&self) -> u64 {
        self.applied.last().map_or(0, |applied| applied.number)
    }

    /// What is known of the daemon's own file from now on, if that is where the configuration is from.
    fn takes(&self, source: &Source, configuration: &Configuration) -> Option<Taken> {
        let path = match source {
            Source::Daemon { file } => file,
            Source::Client { file, .. } => file.as_ref().filter(|file| **file == self.file.path)?,
        };
        Some(Taken {
            path: path.clone(),
            digest: configuration.digest(),
        })
    }
}

/// The history's entry of a configuration.
pub(crate) fn applied(
    number: u64,
    configuration: &Configuration,
    source: Source,
    at: Timestamp,
) -> Applied {
    Applied {
        number,
        at,
        source,
        bytes: configuration.text().len() as u64,
        digest: configuration.digest(),
        went_back: false,
    }
}
