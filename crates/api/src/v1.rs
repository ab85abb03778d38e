//! Version 1 of the wire types. JSON with `snake_case` keys; addresses as text; sizes in bytes; rates per second.
//!
//! Keys may be added; a reader passes over those that it does not know. No key is renamed, removed or
//! given another meaning. Configuration is written as [`dray_model::document`] has it.

mod configuration;
mod connections;
mod counters;
mod drains;
mod events;
mod forward;
mod history;
mod identity;
mod neighbours;
mod period;
mod plan;
mod prefix;
mod problem;
mod reload;
mod services;
mod status;
mod stop;
mod templates;
mod vips;
mod zero;

pub use configuration::{
    ApplyQuery, ConfigurationStatus, ConfirmQuery, Confirmed, EditSummary, EditsPolicy, Outcome,
    Pending,
};
pub use connections::{
    Connection, Connections, ConnectionsQuery, EndQuery, Ended, InvalidLimit, Limit,
};
pub use counters::{Counters, DestinationCounters, ServiceCounters};
pub use drains::{AtDeadline, Drain, DrainRequest, DrainState, DrainedDestination, Drains};
pub use dray_model::config::FieldError;
pub use events::{
    ConfigurationEvent, ConfigurationTurn, DefenceEvent, DestinationChange, DestinationEvent,
    DrainEvent, DrainTurn, Event, MissedEvent, ServiceEvent, ServiceTurn, Table, TableEvent,
    VipEvent, VipTurn,
};
pub use forward::{Forward, Tunnel};
pub use history::{Applied, HistoricConfiguration, History, HistoryEntry, RollbackRequest};
pub use identity::{Family, Mark, Protocol, ServiceAddress, ServiceIdentity};
pub use neighbours::{Neighbour, Neighbours};
pub use period::{NotAPeriod, Period};
pub use plan::{
    Affected, Change, DroppedEdit, Fate, FieldChange, HashSlots, Plan, RealChange, ServiceChange,
    VipChange,
};
pub use prefix::{NotAPrefix, Prefix};
pub use problem::{ConfigError, Problem};
pub use reload::Reloaded;
pub use services::{Reals, Services};
pub use status::{
    AddedVip, ConnectionTable, Counts, Defences, Destination, Director, Interface, LeavingService,
    LocalAddresses, NextHop, Persistence, Rates, Reason, Removed, Service, Standing, Status,
    Timeouts, Traffic, TranslationTable, TunnelSource, Verdict, XdpMode,
};
pub use stop::{StopMode, StopRequest, Stopped};
pub use templates::{Template, Templates, TemplatesQuery};
pub use vips::{Vip, VipRole, Vips};
pub use zero::ZeroQuery;
