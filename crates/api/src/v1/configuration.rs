//! `/v1/configuration`: what the director is to do, as a whole.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Applied, Change, Period, Plan};

/// How a configuration is to be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApplyQuery {
    /// What becomes of edits that were made since the configuration before was applied: `keep` or `drop`.
    #[serde(default)]
    #[param(required = false)]
    pub edits: EditsPolicy,
    /// Goes back to what was before unless it is confirmed within this time: `60s`, `5m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "60s")]
    pub confirm: Option<Period>,
    /// Only tells what would change.
    #[serde(default)]
    #[param(required = false)]
    pub plan: bool,
    /// The file that the configuration is from, for messages and for the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096)]
    pub file: Option<String>,
}

/// What becomes of edits when a configuration is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EditsPolicy {
    /// They are made again on the new configuration. One whose service or real server is gone is dropped, and told.
    #[default]
    Keep,
    /// They are forgotten.
    Drop,
}

/// What applying a configuration does, and whether it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// What changes.
    pub plan: Plan,
    /// What became of it; none when only the plan was wanted.
    pub applied: Option<Applied>,
}

/// Where the configuration comes from, and what was edited since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationStatus {
    /// Goes up with every change of the configuration; the `ETag` of `/v1/configuration`.
    pub revision: u64,
    /// The number that the applied configuration has in the history.
    pub base: u64,
    /// What was edited since it was applied, in no order.
    pub edits: Vec<EditSummary>,
    /// When the configuration goes back to the one before; none when it is there to stay.
    pub pending: Option<Pending>,
}

/// What was edited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct EditSummary {
    /// The service; none for the director itself.
    pub service: Option<String>,
    /// The real server, as the configuration names it; none when the service itself was edited.
    pub real: Option<String>,
    /// How it differs from the applied configuration.
    pub change: Change,
    /// Whether a drain did it.
    pub by_drain: bool,
}

/// A configuration that waits for its confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pending {
    /// When the one before comes back, in seconds since 1970 (UTC).
    pub until_unix_seconds: u64,
    /// How long that is from now, in seconds.
    pub seconds_left: u64,
    /// The number of the configuration that comes back.
    pub back_to: u64,
}

/// Which configuration to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConfirmQuery {
    /// Only if it is the one of this number that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

/// A configuration that is there to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Confirmed {
    /// Its number in the history.
    pub number: u64,
}
