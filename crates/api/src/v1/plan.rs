//! What a change of the configuration would do, before it is done.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{EditSummary, ServiceIdentity};

/// What a change of the configuration does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Revision of what was in force before: the tag that `If-Match` wants for just this change to be made.
    pub revision: u64,
    /// Why it would be refused, each a sentence; empty when it would not.
    pub refusals: Vec<String>,
    /// Settings of the director that change.
    pub director: Vec<FieldChange>,
    /// Whether other packets get marks.
    pub marks: bool,
    /// Services that are added or changed, in the order of the new configuration, then those that are removed.
    pub services: Vec<ServiceChange>,
    /// Whether the services that stay stand in another order, which nothing but listings goes by.
    pub reordered: bool,
    /// Addresses that the director puts on an interface, or takes off.
    pub vips: Vec<VipChange>,
    /// Connections that do not go on as they are, of all services together.
    pub connections_affected: u64,
    /// Edits that are made again.
    pub edits_kept: Vec<EditSummary>,
    /// Edits that are forgotten.
    pub edits_dropped: Vec<DroppedEdit>,
}

/// An edit that is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DroppedEdit {
    /// What was edited: `service web`, or `service web, real server 10.77.0.11`.
    pub what: String,
    /// Why it is forgotten, as a sentence; none when that was wanted.
    pub why: Option<String>,
}

/// How a thing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has other settings.
    Changed,
}

/// One key that has another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// The key as the configuration names it, with dots between tables (`timeouts.tcp`).
    #[schema(example = "timeouts.tcp")]
    pub key: String,
    /// The value before; null for the default.
    #[schema(value_type = Value)]
    pub before: Value,
    /// The value after; null for the default.
    #[schema(value_type = Value)]
    pub after: Value,
}

/// A service that is added, removed or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceChange {
    /// Its name: the new one if it stays.
    pub service: String,
    /// Protocol, VIP and port, or a mark. One with another identity is another service.
    #[serde(flatten)]
    pub identity: ServiceIdentity,
    /// How it differs.
    pub change: Change,
    /// Its settings that change; all of a new one's, none of a removed one's.
    pub fields: Vec<FieldChange>,
    /// Its real servers that are added, removed or changed; all when the service is.
    pub reals: Vec<RealChange>,
    /// Whether the real servers that stay stand in another order, which nothing but listings goes by.
    pub reordered: bool,
    /// How much of its hash table goes to other real servers; none for schedulers without one, and when the service is new
    /// or gone.
    pub hash_slots: Option<HashSlots>,
}

/// A real server that is added, removed or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RealChange {
    /// The real server, as the configuration names it.
    #[schema(example = "10.77.0.11:8080")]
    pub real: String,
    /// How it differs.
    pub change: Change,
    /// Its settings that change; all of a new one's, none of a removed one's.
    pub fields: Vec<FieldChange>,
    /// What it has at present, and what becomes of that; none for a new one.
    pub affected: Option<Affected>,
}

/// Connections and templates of a real server, and what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Affected {
    /// Connections in an active state.
    pub active: u32,
    /// All other connections.
    pub inactive: u32,
    /// Persistence templates.
    pub templates: u32,
    /// What becomes of the connections.
    pub connections_fate: Fate,
    /// What becomes of the templates.
    pub templates_fate: Fate,
}

/// What becomes of connections or templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// They go on as they are.
    Kept,
    /// They go on to a real server that gets no new ones.
    Finish,
    /// Their packets are dropped until the real server is back or their time is over.
    Dropped,
    /// They end within seconds.
    Ended,
    /// They end with their next packet: the new forwarding method changes addresses, and theirs were not changed.
    EndedByMethod,
    /// Templates: they give no more connections to the real server; their clients are scheduled anew.
    Void,
}

/// How much of a scheduler's hash table (`sh`, `dh`, `mh`) goes to other real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HashSlots {
    /// Slots that do.
    pub moved: u32,
    /// All slots.
    pub of: u32,
}

/// An address that the director puts on an interface, or takes off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VipChange {
    /// A VIP, or a local address of FULLNAT.
    #[schema(value_type = String, example = "10.77.0.100")]
    pub vip: IpAddr,
    /// The interface's name.
    pub interface: String,
    /// [`Change::Added`] or [`Change::Removed`].
    pub change: Change,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        let unchanged = Self {
            revision: self.revision,
            edits_kept: self.edits_kept.clone(),
            ..Self::default()
        };
        *self == unchanged
    }
}
