//! The state as the store keeps it, and out of that again.

use std::sync::Arc;

use crate::{
    Configuration, Note, Source, Timestamp,
    store::{Format, Record, UnconfirmedRecord},
};

use super::{State, Taken, Unconfirmed, Version, apply::applied};

impl State {
    /// The state of a daemon that has nothing but its file.
    pub(crate) fn first(file: String, configuration: &Configuration, now: Timestamp) -> Self {
        let source = Source::Daemon { file: file.clone() };
        let base = configuration.desired();
        Self {
            revision: 1,
            in_force: Version {
                number: 1,
                base: Arc::clone(base),
                edits: Arc::default(),
                effective: Arc::clone(base),
            },
            unconfirmed: None,
            file: Taken {
                path: file,
                digest: configuration.digest(),
            },
            drains: Vec::new(),
            ended_drains: Vec::new(),
            last_drain: 0,
            applied: vec![applied(1, configuration, source, now)],
        }
    }

    /// The state of a record. Edits that do not fit any more, which is so only when another version of dray checks
    /// them, are told. Without a configuration to go back to, the one in force counts as confirmed.
    pub(crate) fn of(
        record: Record,
        base: &Configuration,
        back: Option<&Configuration>,
        notes: &mut Vec<Note>,
    ) -> Self {
        let in_force = Version::new(record.base, base.desired(), &record.edits, notes);
        let unconfirmed = record
            .unconfirmed
            .zip(back)
            .map(|(record, back)| Unconfirmed {
                until: record.until,
                back: Version::new(record.base, back.desired(), &record.edits, notes),
            });
        Self {
            revision: record.revision + u64::from(in_force.edits != record.edits),
            in_force,
            unconfirmed,
            file: record.file,
            drains: record.drains,
            ended_drains: record.ended_drains,
            last_drain: record.last_drain,
            applied: record.applied,
        }
    }

    /// What the store keeps of the state.
    pub(crate) fn record(&self) -> Record {
        let unconfirmed = self
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| UnconfirmedRecord {
                until: unconfirmed.until,
                base: unconfirmed.back.number,
                edits: Arc::clone(&unconfirmed.back.edits),
            });
        Record {
            format: Format::First,
            revision: self.revision,
            base: self.in_force.number,
            edits: Arc::clone(&self.in_force.edits),
            unconfirmed,
            file: self.file.clone(),
            drains: self.drains.clone(),
            ended_drains: self.ended_drains.clone(),
            last_drain: self.last_drain,
            applied: self.applied.clone(),
        }
    }
}
