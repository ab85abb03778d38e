//! `/v1/history` and `/v1/rollback`: the configurations that were applied.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DroppedEdit, EditsPolicy, Pending};

/// The configurations that were applied last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The newest first.
    pub entries: Vec<HistoryEntry>,
}

/// A configuration that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// Its number; later ones have higher numbers.
    pub number: u64,
    /// When it was applied first, in seconds since 1970 (UTC).
    pub at_unix_seconds: u64,
    /// Who sent it: `uid 0 (pid 4711)`, `token deploy`, `certificate ops`; none when the daemon read its own file.
    #[schema(example = "uid 0 (pid 4711)")]
    pub who: Option<String>,
    /// The file that it is from, as whoever sent it named it.
    pub file: Option<String>,
    /// Length of its text in bytes.
    pub bytes: u64,
    /// Whether it was to be confirmed and was not, so that the director went back from it.
    pub went_back: bool,
    /// Whether it is the one in force.
    pub current: bool,
}

/// A configuration that was applied, with its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoricConfiguration {
    /// When, and by whom.
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// Its text as it was applied (TOML).
    pub text: String,
}

/// What became of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// Its number in the history.
    pub number: u64,
    /// The revision that it made.
    pub revision: u64,
    /// Virtual services in force, edits included.
    pub services: usize,
    /// Real servers in force, counted once in each service.
    pub reals: usize,
    /// Edits that were forgotten.
    pub edits_dropped: Vec<DroppedEdit>,
    /// When it goes back by itself; none when it is there to stay.
    pub pending: Option<Pending>,
    /// What could not be done yet and is tried again by itself, each a sentence.
    pub problems: Vec<String>,
}

/// Which configuration to go back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Its number in the history; the one before the one in force when nothing is said. One that waits for its confirmation
    /// is gone back from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// What becomes of edits; they are forgotten when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<EditsPolicy>,
}
