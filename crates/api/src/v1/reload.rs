//! `POST /v1/reload`: read the configuration file again.

use serde::{Deserialize, Serialize};

/// A configuration that is now in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The file.
    pub config: String,
    /// Virtual services in it.
    pub services: usize,
    /// Real servers in it, counted once in each service.
    pub reals: usize,
}
