//! `/v1/drains`: real servers that are being emptied.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Period;

/// A real server to empty: it gets no new connections, and those that it has may end by themselves until the deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainRequest {
    /// The real server as the configuration names it.
    #[schema(example = "10.77.0.11:8080")]
    pub real: String,
    /// In this service only; in every service that has it when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How long connections may take to end by themselves.
    #[schema(value_type = String, example = "5m")]
    pub deadline: Period,
    /// What becomes of those that have not.
    #[serde(default)]
    pub then: AtDeadline,
}

/// What becomes of connections that are left at a drain's deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AtDeadline {
    /// They go on.
    #[default]
    Keep,
    /// They end: the client is told by a reset with its next packet.
    Reset,
    /// They end, and so do their templates: a packet that may open a connection goes to another real server.
    Move,
}

/// The drains that are under way, and those that ended lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drains {
    /// The newest first.
    pub drains: Vec<Drain>,
}

/// A real server that is being emptied, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drain {
    /// The drain's number.
    pub id: u64,
    /// Who asked for it.
    pub who: String,
    /// The real server, as it was named.
    pub real: String,
    /// In this service only; none for every service that has it.
    pub service: Option<String>,
    /// What becomes of connections that are left at the deadline.
    pub then: AtDeadline,
    /// When it began, in seconds since 1970 (UTC).
    pub since_unix_seconds: u64,
    /// Its deadline, in seconds since 1970 (UTC).
    pub until_unix_seconds: u64,
    /// How long that is from now, in seconds; 0 when it is over.
    pub seconds_left: u64,
    /// How far it is.
    pub state: DrainState,
    /// When it ended, in seconds since 1970 (UTC); none while it is under way.
    pub ended_unix_seconds: Option<u64>,
    /// Connections when it began.
    pub connections_before: u64,
    /// Connections now; none when it has ended.
    pub connections: Option<u64>,
    /// The real servers that it is about, each in its service.
    pub destinations: Vec<DrainedDestination>,
}

/// A real server in a service that is being emptied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrainedDestination {
    /// The service's name.
    pub service: String,
    /// The real server as the service names it.
    pub real: String,
}

/// How far a drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrainState {
    /// Connections are ending.
    Draining,
    /// No connection was left.
    Empty,
    /// The deadline came before that; what was to be done then was done.
    Overdue,
    /// Somebody called it off.
    Cancelled,
    /// Somebody gave its real servers a weight, or removed them.
    Overtaken,
}
