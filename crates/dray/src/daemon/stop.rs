//! The end of a daemon: what it leaves behind.

use anyhow::Context;
use dray_api::v1::{Problem, StopMode, Stopped};
use dray_control::Handle;
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::Machine;

/// Ends the control task and, if that is asked for, takes the data plane away. Everything is tried, the
/// first failure is given back.
pub(super) async fn stop<D>(
    control: &Handle,
    task: JoinHandle<D>,
    withdraw: impl FnOnce(D) -> anyhow::Result<()>,
    mode: StopMode,
) -> anyhow::Result<()> {
    let inner = match mode {
        StopMode::KeepForwarding => dray_control::StopMode::KeepForwarding,
        StopMode::Withdraw => dray_control::StopMode::Withdraw,
    };
    let control = control.stop(inner).await.map_err(anyhow::Error::new);
    let dataplane = task.await.context("the control task broke off")?;
    let gone = match mode {
        StopMode::KeepForwarding => {
            drop(dataplane);
            Ok(())
        }
        StopMode::Withdraw => withdraw(dataplane).context("failed to withdraw the data plane"),
    };
    let result = control.and(gone);
    match (&result, mode) {
        (Ok(()), StopMode::KeepForwarding) => {
            info!("stopped: forwarding goes on without a daemon; `dray stop --withdraw` ends it");
        }
        (Ok(()), StopMode::Withdraw) => info!("stopped: forwarding has ended"),
        (Err(error), _) => error!("stopped, but not cleanly: {error:#}"),
    }
    result
}

/// The same for whoever asked.
pub(super) fn answer(mode: StopMode, stopped: &anyhow::Result<()>) -> Result<Stopped, Problem> {
    match stopped {
        Ok(()) => Ok(Stopped { mode }),
        Err(error) => Err(Problem::failed(format!("{error:#}"))),
    }
}

/// Ends a daemon that was told to stop before anything was put in force, and leaves what was there before it.
pub(super) fn early<D, N>(
    machine: Machine<D, N>,
    withdraw: impl FnOnce(D) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Machine {
        dataplane, is_new, ..
    } = machine;
    if !is_new {
        info!("stopped before anything was put in force: what was forwarded before goes on");
        return Ok(());
    }
    withdraw(dataplane).context("failed to withdraw the data plane that was made just now")?;
    info!("stopped before anything was forwarded; nothing is left");
    Ok(())
}
