//! `dray import keepalived`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use dray_import::keepalived::{self, Options};

use super::{To, disk::Disk};

/// Import keepalived's configuration, with the files that it includes
#[derive(Debug, Args)]
pub(super) struct Keepalived {
    /// The file that keepalived is started with
    file: PathBuf,
    /// keepalived's --config-id, which decides on lines that begin with `@`; without it, those lines are left out
    #[arg(long, value_name = "ID")]
    config_id: Option<String>,
    #[command(flatten)]
    to: To,
}

impl Keepalived {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let options = Options {
            main: &self.file,
            config_id: self.config_id.as_deref(),
        };
        let imported = keepalived::import(&Disk, &options)?;
        self.to.put(&imported)?;
        Ok(ExitCode::SUCCESS)
    }
}
