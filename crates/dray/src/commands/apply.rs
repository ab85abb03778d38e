//! `dray apply`: puts a configuration file in force.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dray_api::{
    ETag, Precondition,
    v1::{ApplyQuery, Period},
};

use super::{RuntimeDirArg, applied, call, plan::Edits, source};

/// Put a configuration file in force; a file with errors changes nothing
///
/// With --confirm it holds for that long, and then what was before comes back by itself, unless `dray confirm` says in time that it is to
/// stay: whoever is cut off by a change waits. With --if-revision what `dray plan` showed is what happens, or nothing.
#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The configuration file; `-` for standard input
    file: PathBuf,
    /// Go back to what was before unless `dray confirm` comes within this time, as in 60s or 5m
    #[arg(long, value_name = "TIME")]
    confirm: Option<Period>,
    /// Only if this revision is in force still, which `dray plan` tells; nothing is changed when somebody was faster
    #[arg(long, value_name = "NUMBER")]
    if_revision: Option<u64>,
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
        let condition = self.if_revision.map_or(Precondition::None, |revision| {
            Precondition::OneOf(vec![ETag::of_revision(revision)])
        });
        let outcome = call(&self.runtime_dir, async |client| {
            client.apply(source.text, &query, &condition).await
        })?;
        applied::show(&outcome, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}
