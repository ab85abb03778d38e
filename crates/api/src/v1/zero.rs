//! `POST /v1/zero`: begin to count anew.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Whose counters to set to 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ZeroQuery {
    /// Those of the service of this name and of its destinations; all when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}
