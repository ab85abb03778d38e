//! `/v1/services`: the virtual services of the configuration, and their real servers.

use dray_model::document;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The virtual services of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Services {
    /// In the order of the configuration.
    pub services: Vec<document::Service>,
}

/// The real servers of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reals {
    /// In the order of the configuration.
    pub reals: Vec<document::Real>,
}
