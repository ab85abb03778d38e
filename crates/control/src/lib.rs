//! The control room: observe → plan → apply. It brings the data plane to what the operator wants, keeps it
//! there while real servers come and go, and answers what the director does at the moment.
//!
//! ```text
//!            Request (bounded mpsc, a oneshot for each answer)
//!   Handle ─────────────────────────────▶ ┌──────────┐ Action, sweep  ┌───────────┐
//!   replace · status · connections · stop │          │ ─────────────▶ │ DataPlane │
//!                                         │   task   │ ◀───────────── └───────────┘
//!   network room ───────────────────────▶ │ owns all │   counters     ┌───────────┐
//!            Resolutions (watch)          │  state   │ ─────────────▶ │    Net    │
//!                                         └──────────┘  follow, VIPs  └───────────┘
//!                                           ▲      │ load, save
//!                        ticks of 100 ms ───┘      └──────▶ VipLedger
//! ```
//!
//! One task owns the data plane and everything that is known of it; nothing is shared and nothing is
//! locked. Readers get values of their own.
//!
//! Start with `plan.rs`, the pure heart; `apply.rs` carries a plan out and `view.rs` keeps what the data
//! plane then holds; `task.rs` says when; `defence.rs` watches how full the
//! table is, `shortage.rs` what else runs out. `snapshot.rs` has what readers get.

mod apply;
mod defence;
mod difference;
mod handle;
mod plan;
mod rates;
mod report;
mod seen;
mod shortage;
mod snapshot;
mod task;
mod traffic;
mod view;
mod vips;

pub use apply::ApplyError;
pub use defence::Defences;
pub use handle::{ControlError, Handle, StopMode};
pub use rates::{PERIOD, Rates};
pub use snapshot::{
    AddedVip, Applied, ConnectionFilter, ConnectionStatus, Connections, DestinationStatus,
    DirectorStatus, Ineligible, LeavingService, ServiceStatus, Standing, Status, TableStatus,
    TemplateStatus, Templates, Traffic,
};
pub use task::{Parts, Resolutions, start};
pub use vips::VipLedger;
