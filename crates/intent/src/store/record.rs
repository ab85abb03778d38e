//! `state.json`: all that the state holds but the texts of configurations.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Applied, Drain, Edits, EndedDrain, Taken, Timestamp};

/// What `state.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) format: Format,
    /// The state's revision.
    pub(crate) revision: u64,
    /// Number of the applied configuration.
    pub(crate) base: u64,
    /// What was changed since.
    #[serde(default, with = "shared", skip_serializing_if = "is_empty")]
    pub(crate) edits: Arc<Edits>,
    /// What to go back to when the applied configuration is not confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unconfirmed: Option<UnconfirmedRecord>,
    /// The daemon's own file, as it was read last.
    pub(crate) file: Taken,
    /// Drains under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) drains: Vec<Drain>,
    /// The latest drains that ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ended_drains: Vec<EndedDrain>,
    /// Number of the latest drain; 0 before the first.
    #[serde(default)]
    pub(crate) last_drain: u64,
    /// The applied configurations that are kept, oldest first.
    pub(crate) applied: Vec<Applied>,
}

/// Until when the applied configuration is to be confirmed, and what was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnconfirmedRecord {
    pub(crate) until: Timestamp,
    pub(crate) base: u64,
    #[serde(default, with = "shared", skip_serializing_if = "is_empty")]
    pub(crate) edits: Arc<Edits>,
}

/// What the file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    #[serde(rename = "dray state 1")]
    First,
}

/// Why `state.json` is none that dray wrote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRecord {
    #[error("it is cut off, damaged, or of another version of dray: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it names configurations that it does not list")]
    Unlisted,
    #[error("its list of configurations is in disorder")]
    Disorder,
}

impl Record {
    /// What the file's content says, if it is such a record.
    pub(crate) fn read(content: &[u8]) -> Result<Self, NoRecord> {
        let record: Self = serde_json::from_slice(content)?;
        let numbers = record.applied.iter().map(|applied| applied.number);
        if !numbers.is_sorted_by(|one, next| one < next) {
            return Err(NoRecord::Disorder);
        }
        let back = record
            .unconfirmed
            .as_ref()
            .map(|unconfirmed| unconfirmed.base);
        let mut needed = [record.base].into_iter().chain(back);
        if !needed.all(|number| record.find(number).is_some()) {
            return Err(NoRecord::Unlisted);
        }
        Ok(record)
    }

    /// The content of the file: one line, for it is written often.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut content = serde_json::to_vec(self).expect("a record is plain JSON");
        content.push(b'\n');
        content
    }

    /// An applied configuration that is kept.
    pub(crate) fn find(&self, number: u64) -> Option<&Applied> {
        self.applied.iter().find(|applied| applied.number == number)
    }
}

// serde's `skip_serializing_if` wants a reference.
fn is_empty(edits: &Arc<Edits>) -> bool {
    edits.is_empty()
}

/// Edits are shared between states, not between what files say.
mod shared {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer>(edits: &Arc<Edits>, out: S) -> Result<S::Ok, S::Error> {
        Edits::serialize(edits, out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Arc<Edits>, D::Error> {
        Edits::deserialize(input).map(Arc::new)
    }
}
