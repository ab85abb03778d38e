//! `dray plan`: what a configuration file would change, before anything is.

mod diff;
mod fate;
mod summary;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dray_api::{
    Precondition,
    v1::{self, ApplyQuery, EditsPolicy},
};

use super::{RuntimeDirArg, call, source};
use crate::{output, paint::Paint};

pub(super) use diff::diff;

/// Show what a configuration file would change, and whom that disturbs; exit 2 when something would change
///
/// Nothing is changed. A line for each thing: `+` is new, `-` goes, `~` has other settings. Then connections that would be affected, how
/// much of hash tables (sh, dh, mh) would go to other real servers, and what would become of edits. The exit code is 0 when nothing would
/// change, 2 when something would, and 1 on any error, or when the configuration would be refused.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The configuration file; `-` for standard input
    file: PathBuf,
    /// What would become of edits that were made since the configuration in force was applied
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    edits: Edits,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

/// What becomes of edits.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum Edits {
    /// They are made again; those whose service or real server is gone are dropped
    #[default]
    Keep,
    /// They are forgotten
    Drop,
}

/// The exit code when something would change.
const CHANGES: u8 = 2;

impl Plan {
    /// The name of this command, whose exit code 2 is not that of a wrong flag.
    pub(super) const NAME: &'static str = "plan";

    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let source = source::read(&self.file)?;
        let query = ApplyQuery {
            edits: self.edits.into(),
            plan: true,
            file: source.name,
            ..ApplyQuery::default()
        };
        let outcome = call(&self.runtime_dir, async |client| {
            client.apply(source.text, &query, &Precondition::None).await
        })?;
        if self.json {
            output::json(&outcome.plan)?;
        } else {
            output::text(&text(&outcome.plan, Paint::of_stdout()))?;
        }
        for refusal in &outcome.plan.refusals {
            eprintln!("dray: it would be refused: {refusal}");
        }
        Ok(code(&outcome.plan))
    }
}

/// What would change, and how to have just that.
fn text(plan: &v1::Plan, paint: Paint) -> String {
    let mut text = diff(plan, paint);
    if plan.refusals.is_empty() && !plan.is_empty() {
        text += &format!(
            "\nRevision {0} is in force; `dray apply --if-revision {0}` changes nothing if it is another by then.\n",
            plan.revision
        );
    }
    text
}

fn code(plan: &v1::Plan) -> ExitCode {
    if !plan.refusals.is_empty() {
        ExitCode::FAILURE
    } else if plan.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(CHANGES)
    }
}

impl From<Edits> for EditsPolicy {
    fn from(edits: Edits) -> Self {
        match edits {
            Edits::Keep => Self::Keep,
            Edits::Drop => Self::Drop,
        }
    }
}
