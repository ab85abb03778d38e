//! `dray stop`: end the daemon, or the whole director.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dray_api::{
    CallError,
    v1::{StopMode, Stopped},
};

use super::{RuntimeDirArg, ask, unreachable};
use crate::{output, withdraw};

/// Stop the daemon; forwarding goes on unless it is withdrawn
#[derive(Debug, Args)]
pub(super) struct Stop {
    /// Leave the data plane as it is: packets are forwarded as before (this is the default)
    #[arg(long, conflicts_with = "withdraw")]
    keep_forwarding: bool,
    /// End forwarding too: detach the program, unpin everything, remove the VIPs that dray added. Works
    /// without a daemon as well
    #[arg(long)]
    withdraw: bool,
    /// With --withdraw and no daemon: where the data plane is pinned, if the runtime directory has no ledger
    /// that says so [default: /sys/fs/bpf/dray, with the default --runtime-dir]
    #[arg(long, value_name = "DIR", requires = "withdraw")]
    bpffs: Option<PathBuf>,
    /// Say what became of the data plane as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Stop {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mode = if self.withdraw {
            StopMode::Withdraw
        } else {
            StopMode::KeepForwarding
        };
        match (
            ask(&self.runtime_dir, async |client| client.stop(mode).await)?,
            mode,
        ) {
            (Ok(stopped), StopMode::KeepForwarding) => {
                let line = "the daemon has stopped; forwarding goes on";
                output::done(self.json, &stopped, line)?;
            }
            (Ok(stopped), StopMode::Withdraw) => {
                let line = "the daemon has stopped; forwarding has ended";
                output::done(self.json, &stopped, line)?;
            }
            (Err(CallError::NoDaemon { socket }), StopMode::Withdraw) => {
                eprintln!(
                    "dray: no daemon answers at {}; clearing up without it",
                    socket.display()
                );
                self.withdraw_alone()?;
            }
            (Err(error), _) => return Err(unreachable::explain(error, &self.runtime_dir.path)),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn withdraw_alone(&self) -> anyhow::Result<()> {
        let withdrawn = withdraw::withdraw(&self.runtime_dir.path, self.bpffs.as_deref())?;
        let forwarding = withdraw::outcome(withdrawn.dataplane);
        let vips: String = withdrawn
            .vips
            .iter()
            .map(|vip| format!("; {} removed from {}", vip.vip, vip.interface))
            .collect();
        let stopped = Stopped {
            mode: StopMode::Withdraw,
        };
        output::done(self.json, &stopped, &format!("{forwarding}{vips}"))
    }
}
