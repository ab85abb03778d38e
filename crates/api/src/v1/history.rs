//! `/v1/history` and `/v1/rollback`: the configurations that were applied.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EditSummary, Pending};

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
    /// When it was applied, in seconds since 1970 (UTC).
    pub at_unix_seconds: u64,
    /// Who applied it: `uid 0 (pid 4711)`, `token deploy`, `certificate ops`, `the daemon's start`.
    #[schema(example = "uid 0 (pid 4711)")]
    pub who: String,
    /// The file that it is from, as whoever applied it named it.
    pub file: Option<String>,
    /// The number of the configuration that it repeats; none unless it is a rollback.
    pub rollback_to: Option<u64>,
    /// Services in it.
    pub services: usize,
    /// Real servers in it, counted once in each service.
    pub reals: usize,
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
    pub edits_dropped: Vec<EditSummary>,
    /// When it goes back by itself; none when it is there to stay.
    pub pending: Option<Pending>,
    /// What could not be done yet and is tried again by itself, each a sentence.
    pub problems: Vec<String>,
}

/// Which configuration to go back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Its number in the history; the one before the one in force when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}
