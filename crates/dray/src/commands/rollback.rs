//! `dray rollback`: back to a configuration that was applied before.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::RollbackRequest;

use super::{RuntimeDirArg, applied, call, plan::Edits};

/// Go back to an earlier configuration
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// Its number in `dray history`; the one before the one in force when nothing is said. One that waits to be confirmed
    /// is gone back from then
    number: Option<u64>,
    /// What becomes of edits that were made since the configuration in force was applied; they are dropped when nothing is said
    #[arg(long, value_name = "WHAT", value_enum)]
    edits: Option<Edits>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Rollback {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let request = RollbackRequest {
            number: self.number,
            edits: self.edits.map(Into::into),
        };
        let outcome = call(&self.runtime_dir, async |client| {
            client.rollback(&request).await
        })?;
        applied::show(&outcome, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
