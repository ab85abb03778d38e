//! `dray real edit`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use dray_api::Precondition;
use dray_model::document::Real;

use super::place::Place;
use crate::{
    commands::{RuntimeDirArg, call_about, refusal::Sent, settings::Changes},
    output,
};

/// Change settings of a real server in a service; those that are not given stay as they are
#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    changes: Changes<Real>,
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
            .context("nothing to change: give a setting, such as --weight 3")?;
        let sent = Sent {
            what: &self.place.text(),
            body: &patch,
        };
        let real = self.place.real.to_string();
        let changed = call_about(&sent, &self.runtime_dir, async |client| {
            client
                .patch_real(&self.place.service, &real, &patch, &Precondition::None)
                .await
        })?;
        let seat = self.place.seat(changed.value);
        output::done(self.json, &seat, &format!("{}: changed", sent.what))?;
        Ok(ExitCode::SUCCESS)
    }
}
