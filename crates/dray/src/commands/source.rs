//! The file that a command is given, or standard input.

use std::{
    fs, io,
    path::{self, Path},
};

use anyhow::Context;

/// A text and where it is from.
#[derive(Debug)]
pub(super) struct Source {
    /// What it says.
    pub(super) text: String,
    /// The file's full path; none of standard input.
    pub(super) name: Option<String>,
}

/// Reads a file, or standard input when the path is `-`.
pub(super) fn read(path: &Path) -> anyhow::Result<Source> {
    if path == Path::new("-") {
        let text = io::read_to_string(io::stdin()).context("failed to read standard input")?;
        return Ok(Source { text, name: None });
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    // The daemon has another working directory.
    let full = path::absolute(path).context("failed to find the working directory")?;
    Ok(Source {
        text,
        name: Some(full.display().to_string()),
    })
}
