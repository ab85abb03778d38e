//! The start: what is wanted is put in force. When that fails and it is newer than what the data plane took last, because a
//! daemon was killed in between or the file has changed, what it took last is in force again.

use std::sync::Arc;

use dray_control::{ControlError, Handle};
use dray_intent::Intent;
use dray_model::{DataPlane, Desired, Net, Resolutions};
use tokio::{sync::watch, task::JoinHandle};
use tracing::warn;

use super::ledger::Ledger;

/// What a daemon acts on. `D` and `N` are the kernel's data plane and the host's network, or a test's.
pub struct Machine<D, N> {
    /// The data plane.
    pub dataplane: D,
    /// The host's network.
    pub net: N,
    /// The network's reports on the addresses that it follows.
    pub resolutions: watch::Receiver<Resolutions>,
    /// The record of what the director puts into the kernel.
    pub ledger: Ledger,
}

/// Opens what a daemon acts on, as a desired state needs it.
pub type Open<D, N> = Box<dyn FnMut(&Desired) -> anyhow::Result<Machine<D, N>> + Send>;

/// What runs once a desired state is in force.
type Started<D> = (Handle, JoinHandle<D>);

/// Puts in force what is wanted, or what was before that.
///
/// # Errors
/// When neither can be. What was forwarded before goes on.
pub(super) async fn start<D, N>(
    open: &mut Open<D, N>,
    intent: &mut Intent,
) -> anyhow::Result<Started<D>>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let started = match put_in_force(open, intent).await? {
        Ok(started) => started,
        Err(refused) => {
            let refused = anyhow::Error::new(refused);
            let Some(notes) = intent.fall_back(format!("{refused:#}"))? else {
                return Err(refused);
            };
            for note in notes {
                warn!("{note}");
            }
            put_in_force(open, intent).await??
        }
    };
    intent.taken();
    Ok(started)
}

/// Puts the state in force, or says what of it the data plane does not take.
async fn put_in_force<D, N>(
    open: &mut Open<D, N>,
    intent: &Intent,
) -> anyhow::Result<Result<Started<D>, ControlError>>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let desired = &intent.state().in_force().effective;
    let Machine {
        dataplane,
        net,
        resolutions,
        ledger,
    } = open(desired)?;
    let parts = dray_control::Parts {
        dataplane,
        net,
        resolutions,
        desired: Arc::clone(desired),
        ledger: Box::new(ledger),
    };
    match dray_control::start(parts).await {
        Err(refused @ (ControlError::NoRoom { .. } | ControlError::Start(_))) => Ok(Err(refused)),
        started => Ok(Ok(started?)),
    }
}
