//! `dray confirm`: a configuration that was applied with `--confirm` is there to stay.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::ConfirmQuery;

use super::{RuntimeDirArg, call};
use crate::output;

/// Keep the configuration that waits to be confirmed
#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// Only if it is the one with this number
    number: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Confirm {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let query = ConfirmQuery {
            number: self.number,
        };
        let confirmed = call(&self.runtime_dir, async |client| {
            client.confirm(&query).await
        })?;
        let line = format!("configuration {} is there to stay", confirmed.number);
        output::done(self.json, &confirmed, &line)?;
        Ok(ExitCode::SUCCESS)
    }
}
