//! `dray status`: what the director does at the moment.

mod table;

use std::process::ExitCode;

use clap::Args;

use super::{RuntimeDirArg, call};
use crate::{output, paint::Paint};

/// Show services, destinations and what goes through them
#[derive(Debug, Args)]
pub(super) struct StatusCommand {
    /// As JSON, with every counter
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl StatusCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let status = call(&self.runtime_dir, async |client| client.status().await)?;
        if self.json {
            output::json(&status)?;
        } else {
            output::text(&table::table(&status, Paint::of_stdout()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
