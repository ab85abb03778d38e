//! `GET /v1/events`: what happens, as it happens.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A destination has another standing.
    Destination(DestinationEvent),
    /// A service is new, or gone.
    Service(ServiceEvent),
    /// A VIP was put on an interface, or taken off.
    Vip(VipEvent),
    /// The configuration is another one.
    Configuration(ConfigurationEvent),
    /// A drain began or ended.
    Drain(DrainEvent),
    /// A table is full, or no longer is.
    Table(TableEvent),
    /// A defence went on or off.
    Defence(DefenceEvent),
    /// The reader was too slow, and some events are lost to it.
    Missed(MissedEvent),
}

/// A destination has another standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationEvent {
    /// The service's name.
    pub service: String,
    /// The real server as the configuration names it.
    #[schema(example = "10.77.0.11:8080")]
    pub real: String,
    /// What happened to it.
    pub what: DestinationChange,
    /// Why, as a sentence, where there is something to say.
    pub why: Option<String>,
}

/// What happened to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DestinationChange {
    /// It is new in its service.
    Added,
    /// It has other settings.
    Changed,
    /// It is no longer in its service.
    Removed,
    /// Its weight is 0: it keeps its connections and gets no new ones.
    Quiesced,
    /// Its weight is no longer 0.
    Resumed,
    /// The way to it is known.
    Reachable,
    /// No way to it is known.
    Unreachable,
    /// It has as many connections as its upper threshold.
    Overloaded,
    /// It takes connections again.
    Relieved,
}

/// A service is new, other, or gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceEvent {
    /// Its name.
    pub service: String,
    /// Which of them.
    pub what: ServiceTurn,
}

/// What happened to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceTurn {
    /// It is new.
    Added,
    /// It has other settings, not counting its real servers.
    Changed,
    /// It is gone.
    Removed,
}

/// A VIP was put on an interface, or taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VipEvent {
    /// The VIP.
    #[schema(value_type = String, example = "10.77.0.100")]
    pub vip: IpAddr,
    /// The interface's name.
    pub interface: String,
    /// Which of the two.
    pub what: VipTurn,
}

/// Whether a VIP came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VipTurn {
    /// It was put on the interface.
    Added,
    /// It was taken off.
    Withdrawn,
}

/// The configuration is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationEvent {
    /// Its revision.
    pub revision: u64,
    /// The number that the applied configuration has in the history.
    pub base: u64,
    /// Why it is another one.
    pub what: ConfigurationTurn,
    /// Who did it.
    pub who: String,
}

/// Why the configuration is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigurationTurn {
    /// One was applied.
    Applied,
    /// It was edited.
    Edited,
    /// It is there to stay.
    Confirmed,
    /// Nobody confirmed it, and the one before came back.
    NotConfirmed,
    /// Somebody went back to an earlier one.
    RolledBack,
}

/// A drain began or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrainEvent {
    /// The drain's number.
    pub id: u64,
    /// The real server as the configuration names it.
    pub real: String,
    /// What happened.
    pub what: DrainTurn,
}

/// What happened to a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrainTurn {
    /// It began.
    Started,
    /// No connection is left.
    Empty,
    /// The deadline came before that.
    Overdue,
    /// Somebody called it off.
    Cancelled,
    /// Somebody gave its real servers a weight, or removed them.
    Overtaken,
}

/// A table is full, or no longer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableEvent {
    /// Which one.
    pub table: Table,
    /// Whether it is: for a minute after the last time that there was no room.
    pub full: bool,
}

/// What can be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Connections: new ones are forwarded without an entry.
    Connections,
    /// Translations: new connections by NAT and FULLNAT are dropped.
    Translations,
    /// FULLNAT's local addresses and ports: new connections are dropped.
    LocalPorts,
    /// Templates: clients are scheduled without persistence.
    Templates,
}

/// A defence went on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefenceEvent {
    /// `drop_entry`, `drop_packet` or `secure_tcp`.
    #[schema(example = "drop_entry")]
    pub defence: String,
    /// Whether it is on.
    pub on: bool,
}

/// Some events are lost to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissedEvent {
    /// How many.
    pub count: u64,
}

impl Event {
    /// Its name, which is that of the server-sent event too.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Destination(_) => "destination",
            Self::Service(_) => "service",
            Self::Vip(_) => "vip",
            Self::Configuration(_) => "configuration",
            Self::Drain(_) => "drain",
            Self::Table(_) => "table",
            Self::Defence(_) => "defence",
            Self::Missed(_) => "missed",
        }
    }
}
