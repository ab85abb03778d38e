//! `dray real add`.

use std::process::ExitCode;

use clap::Args;
use dray_api::Precondition;
use dray_model::document::Real;
use serde_json::Value;

use super::place::Place;
use crate::{
    commands::{RuntimeDirArg, call_about, refusal::Sent, settings::Settings},
    output,
};

/// Add a real server to a service, at the end of its list
#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    settings: Settings<Real>,
    /// Say what was added as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Add {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let sent = Sent {
            what: &self.place.text(),
            body: &Value::Null,
        };
        let real = self
            .settings
            .document(&self.place.real.to_string())
            .map_err(|errors| sent.explain(&errors))?;
        let added = call_about(&sent, &self.runtime_dir, async |client| {
            client
                .add_real(&self.place.service, &real, &Precondition::None)
                .await
        })?;
        let seat = self.place.seat(added.value);
        output::done(self.json, &seat, &format!("{}: added", sent.what))?;
        Ok(ExitCode::SUCCESS)
    }
}
