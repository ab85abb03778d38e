//! `dray reload`: make the daemon read its configuration file again.

use std::process::ExitCode;

use clap::Args;

use super::{RuntimeDirArg, call};
use crate::output;

/// Make the daemon read its configuration file again; a file with errors changes nothing
#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Reload {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let reloaded = call(&self.runtime_dir, async |client| client.reload().await)?;
        for problem in &reloaded.problems {
            eprintln!("dray: not yet as configured: {problem}");
        }
        output::text(&format!(
            "{}: {} services ({} added, {} changed, {} removed), {} real servers: in force\n",
            reloaded.config,
            reloaded.services,
            reloaded.services_added,
            reloaded.services_changed,
            reloaded.services_removed,
            reloaded.reals
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
