//! Observe → plan → apply.

mod apply;
mod difference;
mod handle;
mod plan;
mod rates;
mod report;
mod snapshot;
mod task;
mod traffic;
mod view;
mod vips;

pub use apply::ApplyError;
pub use handle::{ControlError, Handle, StopMode};
pub use rates::{Estimator, PERIOD, Rates};
pub use snapshot::{
    AddedVip, Applied, ConnectionFilter, ConnectionStatus, Connections, DestinationStatus,
    DirectorStatus, Ineligible, LeavingService, ServiceStatus, Standing, Status, TableStatus,
    Traffic,
};
pub use task::{Parts, Resolutions, start};
pub use vips::VipLedger;
