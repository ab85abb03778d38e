//! The start: what is wanted is put in force. When that fails and it is newer than what the data plane took last, because a
//! daemon was killed in between or the file has changed, what it took last is in force again.
//!
//! The kernel takes seconds to look at the program, a copy for each interface, and cannot be interrupted at that. Who wants the
//! daemon to end meanwhile is heard right after it, before anything is put in force.

use std::{ops::ControlFlow, sync::Arc};

use anyhow::Context;
use dray_control::{ControlError, Handle};
use dray_intent::Intent;
use dray_model::{DataPlane, Desired, Net, Resolutions};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};
use tracing::{info, warn};

use super::{ledger::Ledger, signals::Signals};

/// What a daemon acts on. `D` and `N` are the kernel's data plane and the host's network, or a test's.
pub struct Machine<D, N> {
    /// The data plane.
    pub dataplane: D,
    /// Whether it was made just now: without this daemon, there would be none.
    pub is_new: bool,
    /// The host's network.
    pub net: N,
    /// The network's reports on the addresses that it follows.
    pub resolutions: watch::Receiver<Resolutions>,
    /// The record of what the director puts into the kernel.
    pub ledger: Ledger,
}

/// Opens what a daemon acts on, as a desired state needs it.
pub type Open<D, N> = Arc<dyn Fn(&Desired) -> anyhow::Result<Machine<D, N>> + Send + Sync>;

/// What runs once a desired state is in force.
type Started<D> = (Handle, JoinHandle<D>);

/// What became of an attempt to put a desired state in force.
enum Attempt<D, N> {
    /// It is in force.
    Started(Started<D>),
    /// The data plane does not take it.
    Refused { why: ControlError, is_new: bool },
    /// A signal came first. Nothing was put in force.
    CutShort(Machine<D, N>),
}

/// Puts in force what is wanted, or what was before that. When a signal to stop comes before, it is not, and what was opened for
/// it is given back.
///
/// # Errors
/// When neither can be. What was forwarded before goes on.
pub(super) async fn start<D, N>(
    open: &Open<D, N>,
    intent: &mut Intent,
    signals: &mut Signals,
) -> anyhow::Result<ControlFlow<Machine<D, N>, Started<D>>>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let (why, was_new) = match put_in_force(open, intent, signals).await? {
        Attempt::Started(started) => {
            intent.taken();
            return Ok(ControlFlow::Continue(started));
        }
        Attempt::CutShort(machine) => return Ok(ControlFlow::Break(machine)),
        Attempt::Refused { why, is_new } => (anyhow::Error::new(why), is_new),
    };
    let Some(notes) = intent.fall_back(format!("{why:#}"))? else {
        return Err(why);
    };
    for note in notes {
        warn!("{note}");
    }
    match put_in_force(open, intent, signals).await? {
        Attempt::Started(started) => {
            intent.taken();
            Ok(ControlFlow::Continue(started))
        }
        Attempt::CutShort(machine) => Ok(ControlFlow::Break(Machine {
            is_new: was_new || machine.is_new,
            ..machine
        })),
        Attempt::Refused { why, .. } => Err(why.into()),
    }
}

async fn put_in_force<D, N>(
    open: &Open<D, N>,
    intent: &Intent,
    signals: &mut Signals,
) -> anyhow::Result<Attempt<D, N>>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    let desired = &intent.state().in_force().effective;
    let machine = match opened(open, desired, signals).await? {
        ControlFlow::Continue(machine) => machine,
        ControlFlow::Break(machine) => return Ok(Attempt::CutShort(machine)),
    };
    let Machine {
        dataplane,
        is_new,
        net,
        resolutions,
        ledger,
    } = machine;
    let parts = dray_control::Parts {
        dataplane,
        net,
        resolutions,
        desired: Arc::clone(desired),
        ledger: Box::new(ledger),
    };
    match dray_control::start(parts).await {
        Err(why @ (ControlError::NoRoom { .. } | ControlError::Start(_))) => {
            Ok(Attempt::Refused { why, is_new })
        }
        started => Ok(Attempt::Started(started?)),
    }
}

/// What the daemon acts on, to go on with, or to be given back because a signal came while it was opened.
async fn opened<D, N>(
    open: &Open<D, N>,
    desired: &Arc<Desired>,
    signals: &mut Signals,
) -> anyhow::Result<ControlFlow<Machine<D, N>, Machine<D, N>>>
where
    D: DataPlane + 'static,
    N: Net + 'static,
{
    // On a thread of its own, so that signals are heard meanwhile.
    let mut opening = spawn_blocking({
        let (open, desired) = (Arc::clone(open), Arc::clone(desired));
        move || open(&desired)
    });
    const BROKE_OFF: &str = "the opening of the data plane broke off";
    tokio::select! {
        biased;
        () = signals.stop() => {
            info!("told to stop: that is done as soon as the kernel has taken the program");
            Ok(ControlFlow::Break(opening.await.context(BROKE_OFF)??))
        }
        machine = &mut opening => Ok(ControlFlow::Continue(machine.context(BROKE_OFF)??)),
    }
}
