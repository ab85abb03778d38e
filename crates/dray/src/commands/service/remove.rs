//! `dray service remove`.

use std::process::ExitCode;

use clap::Args;
use dray_api::Precondition;
use serde_json::json;

use crate::{
    commands::{RuntimeDirArg, call},
    output,
};

/// Remove a virtual service; connections that it has go on
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Its name
    name: String,
    /// Say what was removed as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        call(&self.runtime_dir, async |client| {
            client.remove_service(&self.name, &Precondition::None).await
        })?;
        output::done(
            self.json,
            &json!({ "name": self.name }),
            &format!("service {}: removed", self.name),
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
