//! `dray service add`.

use std::process::ExitCode;

use clap::Args;
use dray_api::Precondition;
use dray_model::document::Service;
use serde_json::Value;

use crate::{
    commands::{RuntimeDirArg, call_about, refusal::Sent, settings::Settings},
    output,
};

/// Add a virtual service, at the end of the configuration; `dray real add` gives it real servers
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its name
    name: String,
    #[command(flatten)]
    settings: Settings<Service>,
    /// Say what was added as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Add {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let sent = Sent {
            what: &format!("service {}", self.name),
            body: &Value::Null,
        };
        let service = self
            .settings
            .document(&self.name)
            .map_err(|errors| sent.explain(&errors))?;
        let added = call_about(&sent, &self.runtime_dir, async |client| {
            client.add_service(&service, &Precondition::None).await
        })?;
        output::done(self.json, &added.value, &format!("{}: added", sent.what))?;
        Ok(ExitCode::SUCCESS)
    }
}
