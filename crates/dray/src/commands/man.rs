//! `dray man`: manual pages.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Args;

/// Write the manual pages, one for each command, into a directory
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The directory; it is made when it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let directory = self.directory;
        fs::create_dir_all(&directory)
            .and_then(|()| clap_mangen::generate_to(super::command(), &directory))
            .with_context(|| format!("failed to write manual pages to {}", directory.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
