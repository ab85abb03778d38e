//! Version 1 of the wire types. JSON with `snake_case` keys; addresses as text; sizes in bytes; rates per second.
//!
//! Keys may be added; a reader passes over those that it does not know. No key is renamed, removed or
//! given another meaning.

mod connections;
mod forward;
mod identity;
mod prefix;
mod problem;
mod reload;
mod status;
mod stop;
mod templates;

pub use connections::{Connection, Connections, ConnectionsQuery, InvalidLimit, Limit};
pub use forward::{Forward, Tunnel};
pub use identity::{Family, Mark, Protocol, ServiceAddress, ServiceIdentity};
pub use prefix::{NotAPrefix, Prefix};
pub use problem::{ConfigError, Problem};
pub use reload::Reloaded;
pub use status::{
    AddedVip, ConnectionTable, Defences, Destination, Director, Interface, LeavingService,
    LocalAddresses, NextHop, Persistence, Rates, Reason, Removed, Service, Standing, Status,
    Timeouts, Traffic, TranslationTable, TunnelSource, Verdict, XdpMode,
};
pub use stop::{StopMode, StopRequest, Stopped};
pub use templates::{Template, Templates, TemplatesQuery};

/// Path of [`Status`] (GET).
pub const STATUS: &str = "/v1/status";
/// Path of [`Connections`] (GET, query [`ConnectionsQuery`]).
pub const CONNECTIONS: &str = "/v1/connections";
/// Path of [`Templates`] (GET, query [`TemplatesQuery`]).
pub const TEMPLATES: &str = "/v1/templates";
/// Path that makes the daemon read its configuration file again (POST, answer [`Reloaded`]).
pub const RELOAD: &str = "/v1/reload";
/// Path that ends the daemon (POST [`StopRequest`], answer [`Stopped`]).
pub const STOP: &str = "/v1/stop";
