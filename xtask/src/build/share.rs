//! Manual pages and shell completions, which the binary makes of its own command line.
//!
//! They stand in target/release/share as they would under /usr/share.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::process;

/// Where each shell looks for what completes the command lines of `dray`.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/dray"),
    ("zsh", "zsh/site-functions/_dray"),
    ("fish", "fish/vendor_completions.d/dray.fish"),
];

/// Writes them into `share`, in the place of those of an earlier build.
pub(super) fn write(binary: &Path, share: &Path) -> Result<()> {
    let failed = || format!("failed to write {}", share.display());
    if share.exists() {
        fs::remove_dir_all(share).with_context(failed)?;
    }
    process::run(Command::new(binary).arg("man").arg(share.join("man/man1")))?;
    for (shell, place) in COMPLETIONS {
        let script = process::output(Command::new(binary).args(["completions", shell]))?;
        let path = share.join(place);
        let folder = path.parent().expect("a file has a folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, script))
            .with_context(failed)?;
    }
    Ok(())
}
