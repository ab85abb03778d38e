//! Files that are read again when they change.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

/// What files were like when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamps(Vec<Option<Stamp>>);

/// Device, number, size and time of a file: whoever replaces or writes it changes one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    number: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamps {
    /// What the files are like now.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let stamps = paths.iter().map(|path| {
            let file = fs::metadata(path).ok()?;
            Some(Stamp {
                device: file.dev(),
                number: file.ino(),
                size: file.size(),
                seconds: file.mtime(),
                nanoseconds: file.mtime_nsec(),
            })
        });
        Self(stamps.collect())
    }
}
