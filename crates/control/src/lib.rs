//! The control room: observe → plan → apply. It brings the data plane to what the operator wants, keeps it
//! there while real servers come and go, and answers what the director does at the moment.
//!
//! ```text
//!            Request (bounded mpsc, a oneshot for each answer)
//!   Handle ─────────────────────────────▶ ┌──────────┐ Action, sweep  ┌───────────┐
//!   check · replace · status · stop · …   │          │ ─────────────▶ │ DataPlane │
//!                                         │   task   │ ◀───────────── └───────────┘
//!   network room ───────────────────────▶ │ owns all │   counters     ┌───────────┐
//!            Resolutions (watch)          │  state   │ ─────────────▶ │    Net    │
//!                                         └──────────┘  follow, VIPs  └───────────┘
//!                                           ▲      │ load, save
//!                        ticks of 100 ms ───┘      └──────▶ VipLedger
//! ```
//!
//! One task owns the data plane and everything that is known of it; nothing is shared and nothing is
//! locked. Readers get values of their own; those who want to know what happens get events.
//!
//! Start with `plan.rs`, the pure heart; `apply.rs` carries a plan out and `view.rs` keeps what the data
//! plane then holds; `task.rs` says when; `defence.rs` watches how full the
//! table is, `shortage.rs` what else runs out, `overload.rs` who has enough. `snapshot.rs` has what readers get, `event.rs` what
//! listeners hear, `preview.rs` what a change would do.

mod apply;
mod catalog;
mod defence;
mod difference;
mod event;
mod handle;
mod overload;
mod plan;
mod preview;
mod rates;
mod report;
mod seen;
mod selection;
mod shortage;
mod snapshot;
mod task;
mod traffic;
mod view;
mod vips;

pub use apply::ApplyError;
pub use defence::Defences;
pub use event::{EVENTS_KEPT, Event, Happening, Shortage};
pub use handle::{ControlError, Handle, StopMode};
pub use preview::{
    Affected, Change, Fate, MovedSlots, Preview, RealPreview, ServicePreview, SettingChange,
};
pub use rates::{PERIOD, Rates};
pub use snapshot::{
    AddedVip, Applied, ConnectionFilter, ConnectionStatus, Connections, DestinationStatus,
    DirectorStatus, Ended, Ineligible, LeavingService, RealLive, RealName, ServiceStatus, Standing,
    Status, TableStatus, TemplateStatus, Templates, Traffic,
};
pub use task::{Parts, start};
pub use vips::VipLedger;
