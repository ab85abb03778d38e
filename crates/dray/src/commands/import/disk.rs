//! Files of this machine.

use std::{fs, io, path::Path};

use dray_import::{Files, Name};

/// The file system.
#[derive(Debug)]
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        fs::read(path).map_err(|error| error.to_string())
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn names(&self, directory: &Path) -> Result<Vec<Name>, String> {
        let names = || -> io::Result<Vec<Name>> {
            let entries = fs::read_dir(directory)?;
            entries
                .map(|entry| {
                    let entry = entry?;
                    Ok(Name {
                        name: entry.file_name().to_string_lossy().into_owned(),
                        // A link to a directory counts as one.
                        is_directory: entry.path().is_dir(),
                    })
                })
                .collect()
        };
        names().map_err(|error| error.to_string())
    }
}
