//! `dray run`: the daemon.

use std::{
    path::{self, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use dray_api::RuntimeDir;
use dray_dataplane::{Capacity, KernelDataPlane, Opened};
use dray_model::Desired;
use tracing::info;

use super::{BPFFS, RuntimeDirArg, configuration};
use crate::{
    daemon::{self, ledger::Ledger},
    log::{self, Format},
    privileges,
};

/// Run the daemon: direct packets as the configuration says
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration file; read again on `dray reload` and SIGHUP
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
    /// Directory on a BPF file system that the data plane is pinned under; it outlives the daemon
    #[arg(long, value_name = "DIR", default_value = BPFFS)]
    bpffs: PathBuf,
    /// What log lines look like
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Auto)]
    log_format: Format,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        log::start(self.log_format)?;
        let Some(desired) = configuration::read(&self.config)? else {
            return Ok(ExitCode::FAILURE);
        };
        privileges::check()?;
        let runtime_dir = RuntimeDir::claim(&self.runtime_dir.path)?;
        let bpffs =
            path::absolute(&self.bpffs).context("failed to find the directory of --bpffs")?;
        let ledger = Ledger::open(runtime_dir.path(), &bpffs)?;
        let dataplane = open(&desired, &runtime_dir, bpffs.clone())?;
        let runtime =
            tokio::runtime::Runtime::new().context("failed to start the asynchronous runtime")?;
        runtime.block_on(async {
            let net = dray_net::Host::open()?;
            let resolutions = net.resolutions();
            daemon::run(daemon::Parts {
                config: self.config,
                desired,
                runtime_dir,
                ledger,
                dataplane,
                withdraw: Box::new(move |dataplane| {
                    drop(dataplane);
                    dray_dataplane::withdraw(&bpffs)?;
                    Ok(())
                }),
                net,
                resolutions,
            })
            .await
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn open(
    desired: &Desired,
    runtime_dir: &RuntimeDir,
    bpffs: PathBuf,
) -> anyhow::Result<KernelDataPlane> {
    let owner = path::absolute(runtime_dir.path())
        .context("failed to find the directory of --runtime-dir")?;
    let options = dray_dataplane::Options {
        bpffs,
        interfaces: desired.director.interfaces.clone(),
        owner: owner.display().to_string(),
        capacity: Capacity::of(desired),
    };
    let (dataplane, opened) = dray_dataplane::open(&options)?;
    let bpffs = options.bpffs.display();
    match opened {
        Opened::Fresh => info!(%bpffs, "data plane loaded"),
        Opened::Adopted => info!(%bpffs, "data plane adopted: it forwarded all the while"),
    }
    Ok(dataplane)
}
