//! The data model: what an operator wants, what the data plane holds, and the two ports through which
//! the rest of the world is reached.
//!
//! ```text
//! file ─ config ─▶ Desired ─┐
//!                           ├─ control::plan ─▶ [Action] ─▶ DataPlane (port)
//!          Actual ──────────┘                        ╲───▶ Net (port)
//! ```
//!
//! Everything here is plain data: no I/O, no clock, no task. Start with [`Desired`], then [`Action`].

mod action;
mod actual;
mod address;
pub mod config;
mod dataplane;
mod desired;
mod net;

pub use action::Action;
pub use actual::{Actual, ActualDestination, ActualService};
pub use address::{Mac, Protocol, ServiceAddress};
pub use dataplane::{
    Connection, Counters, DataPlane, DataPlaneError, DestinationId, HopId, InterfaceStatus, Live,
    ReasonCount, Record, ServiceId, Sweep, Timeouts, Verdict, XdpMode,
};
pub use desired::{
    Desired, Director, Forward, RealServer, Scheduler, Service, ServiceName, VipOwnership, Weight,
};
pub use net::{Net, NetError, NextHop, Resolution, Unresolved};
