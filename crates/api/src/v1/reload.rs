//! `POST /v1/reload`: read the configuration file again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A configuration that is now in force, and what it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// The file.
    pub config: String,
    /// Virtual services in it.
    pub services: usize,
    /// Real servers in it, counted once in each service.
    pub reals: usize,
    /// Services that are new.
    pub services_added: usize,
    /// Services that have another name, scheduler, or set of real servers than before.
    pub services_changed: usize,
    /// Services that are gone; connections that they have go on.
    pub services_removed: usize,
    /// What could not be done yet and is tried again by itself, each a sentence.
    pub problems: Vec<String>,
}
