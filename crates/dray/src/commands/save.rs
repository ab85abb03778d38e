//! `dray save`: the configuration in force, as a file.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{RuntimeDirArg, call, sink};
use crate::output;

/// Write the configuration in force, edits included, as a configuration file
///
/// It has everything that holds, in order, and only what is not the default. Comments of the file that was applied are not in it.
#[derive(Debug, Args)]
pub(super) struct Save {
    /// The file; standard output when nothing is said
    file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "file")]
    force: bool,
    /// As JSON in place of TOML
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Save {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let text = if self.json {
            let document = call(&self.runtime_dir, async |client| {
                client.configuration().await
            })?;
            output::as_json(&document.value)?
        } else {
            call(&self.runtime_dir, async |client| {
                client.configuration_text().await
            })?
            .value
        };
        match &self.file {
            Some(file) => {
                sink::write(file, &text, self.force)?;
                eprintln!("dray: written to {}", file.display());
            }
            None => output::text(&text)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
