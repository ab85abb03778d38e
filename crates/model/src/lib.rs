//! The data model: what an operator wants, what the data plane holds, and the two ports through which
//! the rest of the world is reached.
//!
//! ```text
//!                      ╭─ edit ─╮
//!                      ▼        │
//! file, JSON ─ config ─▶ Desired ─ document ─▶ file, JSON
//!                          │
//!                          ├─ control::plan ─▶ [Action] ─▶ DataPlane (port)
//!          Actual ─────────┘                        ╲───▶ Net (port)
//! ```
//!
//! Everything here is plain data: no I/O, no clock, no task. Start with [`Desired`], then [`Action`].

mod action;
mod actual;
mod address;
mod api;
pub mod config;
mod dataplane;
mod desired;
pub mod document;
pub mod edit;
mod forward;
mod hop;
mod mark_rule;
mod net;
mod options;
pub mod patch;
mod policy;
mod resolutions;

pub use action::Action;
pub use actual::{Actual, ActualDestination, ActualService};
pub use address::{Family, Mac, Mark, Protocol, ServiceAddress, ServiceIdentity};
pub use api::{Api, ApiCallers, ApiReaders, ApiTcp};
pub use dataplane::{
    Connection, Counters, DataPlane, DataPlaneError, DestinationId, HopId, InterfaceStatus, Live,
    Part, ReasonCount, Record, Room, ServiceId, Sweep, Template, Timeouts, Verdict, XdpMode,
};
pub use desired::{
    Desired, Director, HashFlags, RealServer, Scheduler, Service, ServiceName, VipOwnership, Weight,
};
pub use forward::{
    ClientAddress, Forward, LocalAddresses, Tunnel, TunnelChecksum, TunnelSource, TunnelSources,
};
pub use hop::{Hop, Rewrite};
pub use mark_rule::{MAX_MARK_RULES, MarkRule};
pub use net::{Net, NetError, NextHop, Resolution, Unresolved, Way};
pub use options::{Granularity, Persistence, PersistenceEngine, ServiceOptions, Thresholds};
pub use policy::{Defence, IpvsOptions, KernelRules, NoDestination, Policy, Removed};
pub use resolutions::Resolutions;
