//! `dray reload`: make the daemon read its configuration file again.

use std::process::ExitCode;

use clap::Args;

use super::{RuntimeDirArg, call};
use crate::output;

/// Make the daemon read its configuration file again; a file with errors changes nothing
#[derive(Debug, Args)]
pub(super) struct Reload {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Reload {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let reloaded = call(&self.runtime_dir, async |client| client.reload().await)?;
        for problem in &reloaded.problems {
            eprintln!("dray: not yet as configured: {problem}");
        }
        let line = format!(
            "{}: {} services ({} added, {} changed, {} removed), {} real servers: in force",
            reloaded.config,
            reloaded.services,
            reloaded.services_added,
            reloaded.services_changed,
            reloaded.services_removed,
            reloaded.reals
        );
        output::done(self.json, &reloaded, &line)?;
        Ok(ExitCode::SUCCESS)
    }
}
