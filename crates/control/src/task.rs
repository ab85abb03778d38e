//! The task that owns the state.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use dray_model::{DataPlane, Desired, Net, Resolution};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    handle::{ControlError, Handle},
    vips::VipLedger,
};

/// What is known of the way to each followed address, as the network room reports it.
pub type Resolutions = BTreeMap<IpAddr, Resolution>;

/// What the control task owns from its start on.
pub struct Parts<D, N> {
    /// The data plane; given back when the task ends.
    pub dataplane: D,
    /// The host's network.
    pub net: N,
    /// The network's reports on the addresses that it follows.
    pub resolutions: watch::Receiver<Arc<Resolutions>>,
    /// The first desired state.
    pub desired: Desired,
    /// The record of VIPs that were added.
    pub ledger: Box<dyn VipLedger>,
}

/// Adopts what the data plane holds, brings it to the desired state, and goes on keeping it there.
/// Answers when the first state is applied.
///
/// # Errors
/// [`ControlError`]; what the data plane held before goes on forwarding.
pub async fn start<D, N>(_parts: Parts<D, N>) -> Result<(Handle, JoinHandle<D>), ControlError>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let (_handle, _requests) = Handle::new();
    Err(ControlError::Stopped)
}
