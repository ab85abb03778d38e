//! The guest's names of hosts and ports: those of the site, and no others.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use dray_replay::site::{HOSTS, SERVICES};

/// Where the C library looks: in files, and nowhere else.
const WHERE: &str = "hosts: files\nservices: files\n";

/// Puts the files of names below `root`, in one step each and only if they are others: a guest may be running from there.
pub(super) fn install(root: &Path) -> Result<()> {
    let folder = root.join("etc");
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    for (name, text) in [
        ("hosts", HOSTS),
        ("services", SERVICES),
        ("nsswitch.conf", WHERE),
    ] {
        let to = folder.join(name);
        if fs::read(&to).is_ok_and(|present| present == text.as_bytes()) {
            continue;
        }
        let new = folder.join(format!("{name}.new"));
        fs::write(&new, text).with_context(|| format!("failed to write {}", new.display()))?;
        fs::rename(&new, &to)
            .with_context(|| format!("failed to put {} in place", to.display()))?;
    }
    Ok(())
}
