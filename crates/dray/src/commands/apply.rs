//! `dray apply`: puts a configuration file in force.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dray_api::{
    Precondition,
    v1::{ApplyQuery, Period},
};

use super::{RuntimeDirArg, applied, call, plan::Edits, source};

/// Put a configuration file in force; a file with errors changes nothing
///
/// With --confirm it holds for that long, and then what was before comes back by itself, unless `dray confirm` says in time that it is to
/// stay: whoever is cut off by a change waits.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The configuration file; `-` for standard input
    file: PathBuf,
    /// Go back to what was before unless `dray confirm` comes within this time, as in 60s or 5m
    #[arg(long, value_name = "TIME")]
    confirm: Option<Period>,
    /// What becomes of edits that were made since the configuration in force was applied
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    edits: Edits,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Apply {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let source = source::read(&self.file)?;
        let query = ApplyQuery {
            edits: self.edits.into(),
            confirm: self.confirm,
            file: source.name,
            ..ApplyQuery::default()
        };
        let outcome = call(&self.runtime_dir, async |client| {
            client.apply(source.text, &query, &Precondition::None).await
        })?;
        applied::show(&outcome, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
