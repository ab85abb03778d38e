//! `POST /v1/stop`: end the daemon.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the daemon is to leave behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRequest {
    /// What becomes of the data plane.
    pub mode: StopMode,
}

/// What becomes of the data plane when the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopMode {
    /// It goes on: packets are forwarded as before, and the next daemon adopts it.
    KeepForwarding,
    /// It goes: the program is detached, VIPs that the director added are removed, nothing stays pinned.
    Withdraw,
}

/// The daemon is ending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stopped {
    /// What became of the data plane.
    pub mode: StopMode,
}
