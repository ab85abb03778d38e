//! `dray completions`: what a shell needs to complete dray's command lines.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::output;

/// Write what a shell needs to complete dray's command lines
///
/// bash: dray completions bash > /usr/share/bash-completion/completions/dray. zsh: dray completions zsh > a directory of $fpath, as _dray.
/// fish: dray completions fish > /usr/share/fish/vendor_completions.d/dray.fish.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "dray", &mut script);
        output::text(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
