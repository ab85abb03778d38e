//! Whether a data plane is pinned somewhere, and so forwards with or without a daemon.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

/// Whether anything is pinned under `bpffs`: it lies in a directory for each version of the layouts.
pub(crate) fn anything(bpffs: &Path) -> io::Result<bool> {
    let versions = match fs::read_dir(bpffs) {
        Ok(versions) => versions,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for version in versions {
        let version = version?;
        if version.file_type()?.is_dir() && fs::read_dir(version.path())?.next().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
