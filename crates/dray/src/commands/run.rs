//! `dray run`: the daemon.

use std::{
    io,
    path::{self, Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use dray_api::RuntimeDir;
use dray_dataplane::{Capacity, KernelDataPlane, Opened};
use dray_intent::{ConfigFile, Intent, StartError};
use dray_model::{Desired, config::LoadError};
use dray_net::Host;
use tracing::{info, warn};

use super::{BPFFS, RuntimeDirArg, STATE_DIR};
use crate::{
    daemon::{self, Machine, clock, ledger::Ledger},
    log::{self, Format},
    privileges, terminal,
};

/// Run the daemon: direct packets as the configuration says
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration file; read again on `dray reload` and SIGHUP
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
    /// Directory in which applied configurations, edits and drains survive the daemon; each daemon has its own
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    state_dir: PathBuf,
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
        let config =
            path::absolute(&self.config).context("failed to find the directory of --config")?;
        let file = ConfigFile::read(&config);
        let file = match file.content {
            // With nothing else to go by, it is better to touch nothing.
            Err(error) if !Intent::is_kept_in(&self.state_dir) => return refuse(error),
            content => ConfigFile { content, ..file },
        };
        privileges::check()?;
        let runtime_dir = RuntimeDir::claim(&self.runtime_dir.path)?;
        let intent = match open_intent(&self.state_dir, file) {
            Err(StartError::File(error)) => return refuse(error),
            intent => intent?,
        };
        let bpffs =
            path::absolute(&self.bpffs).context("failed to find the directory of --bpffs")?;
        let runtime =
            tokio::runtime::Runtime::new().context("failed to start the asynchronous runtime")?;
        let owner = path::absolute(runtime_dir.path())
            .context("failed to find the directory of --runtime-dir")?;
        let parts = daemon::Parts {
            config,
            intent,
            runtime_dir,
            open: Arc::new({
                let bpffs = bpffs.clone();
                move |desired| open(desired, &owner, &bpffs)
            }),
            withdraw: Box::new(move |dataplane| {
                drop(dataplane);
                dray_dataplane::withdraw(&bpffs)?;
                Ok(())
            }),
        };
        runtime.block_on(daemon::run(parts))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The end of a daemon whose file cannot be used.
fn refuse(error: LoadError) -> anyhow::Result<ExitCode> {
    let LoadError::Invalid(diagnostics) = error else {
        return Err(error.into());
    };
    let colours = terminal::takes_colours(&io::stderr());
    eprint!("{}", diagnostics.render(colours));
    Ok(ExitCode::FAILURE)
}

/// What is wanted, by the state directory and the file.
fn open_intent(directory: &Path, file: ConfigFile) -> Result<Intent, StartError> {
    let opened = Intent::open(directory, file, clock::now())?;
    for aside in &opened.set_aside {
        warn!(
            "{} was set aside as {}: {}",
            aside.from.display(),
            aside.to.display(),
            aside.why
        );
    }
    for note in &opened.notes {
        warn!("{note}");
    }
    Ok(opened.intent)
}

/// Opens the kernel's data plane, the host's network, and the record of what this director puts into both.
fn open(
    desired: &Desired,
    runtime_dir: &Path,
    bpffs: &Path,
) -> anyhow::Result<Machine<KernelDataPlane, Host>> {
    let ledger = Ledger::open(runtime_dir, bpffs)?;
    let options = dray_dataplane::Options {
        bpffs: bpffs.to_owned(),
        interfaces: desired.director.interfaces.clone(),
        owner: runtime_dir.display().to_string(),
        capacity: Capacity::of(desired),
    };
    let (dataplane, opened) = dray_dataplane::open(&options)?;
    let bpffs = bpffs.display();
    match opened {
        Opened::Fresh => info!(%bpffs, "data plane loaded"),
        Opened::Adopted => info!(%bpffs, "data plane adopted: it forwarded all the while"),
    }
    let net = Host::open()?;
    Ok(Machine {
        dataplane,
        is_new: opened == Opened::Fresh,
        resolutions: net.resolutions(),
        net,
        ledger,
    })
}
