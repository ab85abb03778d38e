//! `dray import ipvsadm`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use dray_import::ipvsadm::{self, Dump};
use dray_ipvsadm::names::Tables;

use super::To;
use crate::commands::source;

/// Import what `ipvsadm-save` has written, or another list of `ipvsadm` commands
#[derive(Debug, Args)]
pub(super) struct Ipvsadm {
    /// The file; standard input when nothing is said
    #[arg(default_value = "-", hide_default_value = true)]
    file: PathBuf,
    #[command(flatten)]
    to: To,
}

impl Ipvsadm {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let source = source::read(&self.file)?;
        let name = match source.name {
            Some(_) => self.file.display().to_string(),
            None => "standard input".to_owned(),
        };
        let imported = ipvsadm::import(&Dump {
            name: &name,
            text: &source.text,
            names: &names(),
        });
        self.to.put(&imported)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of hosts and ports that this machine's files have.
fn names() -> Tables {
    // Without a file there are no names of its kind; a name that nobody knows is refused in the report.
    let text = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default();
    Tables::read(&text("/etc/hosts"), &text("/etc/services"))
}
