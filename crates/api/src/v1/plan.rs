//! What a change of the configuration would do, before it is done.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::EditSummary;

/// What a change of the configuration does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Settings of the director that change.
    pub director: Vec<FieldChange>,
    /// Services that are added, removed or changed; others are as before.
    pub services: Vec<ServiceChange>,
    /// VIPs that the director would answer for, or would no longer.
    pub vips: Vec<VipChange>,
    /// Connections that have their real server removed, or their packets treated in another way.
    pub connections_affected: u64,
    /// Edits that would be made again.
    pub edits_kept: Vec<EditSummary>,
    /// Edits that would be forgotten.
    pub edits_dropped: Vec<EditSummary>,
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
    /// Its name.
    pub service: String,
    /// How it differs.
    pub change: Change,
    /// Its settings that change.
    pub fields: Vec<FieldChange>,
    /// Its real servers that are added, removed or changed.
    pub reals: Vec<RealChange>,
    /// Connections of it that are affected.
    pub connections_affected: u64,
    /// How much of its hash table goes to other real servers; none for schedulers without one.
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
    /// Its settings that change.
    pub fields: Vec<FieldChange>,
    /// Connections to it that are affected.
    pub connections_affected: u64,
}

/// How much of a scheduler's hash table (`sh`, `dh`, `mh`) goes to other real servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HashSlots {
    /// Slots that do.
    pub moved: u32,
    /// All slots.
    pub of: u32,
}

/// A VIP that the director answers for, or no longer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VipChange {
    /// The VIP.
    #[schema(value_type = String, example = "10.77.0.100")]
    pub vip: IpAddr,
    /// [`Change::Added`] or [`Change::Removed`].
    pub change: Change,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        let Self {
            director,
            services,
            vips,
            connections_affected: _,
            edits_kept: _,
            edits_dropped,
        } = self;
        director.is_empty() && services.is_empty() && vips.is_empty() && edits_dropped.is_empty()
    }
}
