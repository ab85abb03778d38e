//! The configuration out of a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Desired;

use super::{Diagnostics, parse};

/// Why a configuration file could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no file {}: create it, or give the path of another one", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is a directory.
    #[error("{} is a directory: give the path of the configuration file in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The system did not let it be read.
    #[error("failed to read {}: check its permissions and its disk", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is not text.
    #[error(
        "{}:{line}:{column}: byte 0x{byte:02x} is not UTF-8: save the file as UTF-8 \
         (from Latin-1: `iconv -f latin1 -t utf-8`)", path.display()
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first such byte, from 1.
        line: usize,
        /// Its column, in characters from 1.
        column: usize,
        /// The byte.
        byte: u8,
    },
    /// It has errors.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// Reads a configuration file, and what it says.
///
/// # Errors
/// When it cannot be read, is not UTF-8, or has errors; then with all of them.
pub fn load(path: &Path) -> Result<Desired, LoadError> {
    Ok(parse(&path.display().to_string(), &read_text(path)?)?)
}

/// The text of a configuration file.
///
/// # Errors
/// When it cannot be read or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, LoadError> {
    let bytes = fs::read(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => LoadError::Missing { path },
            io::ErrorKind::IsADirectory => LoadError::Directory { path },
            _ => LoadError::Unreadable { path, source },
        }
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        not_utf8(path, error.as_bytes(), at)
    })
}

fn not_utf8(path: &Path, bytes: &[u8], at: usize) -> LoadError {
    let before = &bytes[..at];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    LoadError::NotUtf8 {
        path: path.to_owned(),
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count()
            + 1,
        byte: bytes[at],
    }
}
