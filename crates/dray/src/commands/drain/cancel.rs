//! `dray drain cancel`.

use std::process::ExitCode;

use clap::Args;

use super::words;
use crate::{
    commands::{RuntimeDirArg, call},
    output,
};

/// Call a drain off: the real server gets its weight back
#[derive(Debug, Args)]
pub(in crate::commands) struct Cancel {
    /// Its number in `dray drain list`
    id: u64,
    /// Say how far it was as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Cancel {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let drain = call(&self.runtime_dir, async |client| {
            client.cancel_drain(self.id).await
        })?;
        output::done(self.json, &drain, &words::ended(&drain))?;
        Ok(ExitCode::SUCCESS)
    }
}
