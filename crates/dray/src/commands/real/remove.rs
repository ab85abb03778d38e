//! `dray real remove`.

use std::process::ExitCode;

use clap::Args;
use dray_api::Precondition;
use serde_json::json;

use super::place::Place;
use crate::{
    commands::{RuntimeDirArg, call},
    output,
};

/// Remove a real server from a service; connections to it go on, unless `removed` or `expire_nodest_conn` say otherwise
#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    place: Place,
    /// Say what was removed as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Remove {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let real = self.place.real.to_string();
        call(&self.runtime_dir, async |client| {
            client
                .remove_real(&self.place.service, &real, &Precondition::None)
                .await
        })?;
        output::done(
            self.json,
            &json!({"service": self.place.service, "address": real}),
            &format!("{}: removed", self.place.text()),
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
