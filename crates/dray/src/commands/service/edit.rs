//! `dray service edit`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use dray_api::Precondition;
use dray_model::document::Service;

use crate::{
    commands::{RuntimeDirArg, call_about, refusal::Sent, settings::Changes},
    output,
};

/// Change settings of a virtual service; those that are not given stay as they are
#[derive(Debug, Args)]
pub(super) struct Edit {
    /// The service's name
    #[arg(value_name = "NAME")]
    service: String,
    #[command(flatten)]
    changes: Changes<Service>,
    /// Say what it is now as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Edit {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let patch = self
            .changes
            .patch()
            .context("nothing to change: give a setting, such as --scheduler wrr")?;
        let sent = Sent {
            what: &format!("service {}", self.service),
            body: &patch,
        };
        let changed = call_about(&sent, &self.runtime_dir, async |client| {
            client
                .patch_service(&self.service, &patch, &Precondition::None)
                .await
        })?;
        output::done(
            self.json,
            &changed.value,
            &format!("{}: changed", sent.what),
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
