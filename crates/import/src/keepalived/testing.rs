//! Files that are only in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{Files, Name};

/// Files by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(BTreeMap<PathBuf, String>);

impl Shelf {
    /// A shelf of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self(
            files
                .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
                .collect(),
        )
    }
}

impl Files for Shelf {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let text = self.0.get(path).ok_or("no such file")?;
        Ok(text.clone().into_bytes())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn names(&self, directory: &Path) -> Result<Vec<Name>, String> {
        let below = self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(directory).ok());
        let names: BTreeSet<(String, bool)> = below
            .filter_map(|path| {
                let mut parts = path.iter();
                let name = parts.next()?.to_str()?.to_owned();
                Some((name, parts.next().is_some()))
            })
            .collect();
        if names.is_empty() {
            return Err("no such directory".to_owned());
        }
        let names = names.into_iter();
        Ok(names
            .map(|(name, is_directory)| Name { name, is_directory })
            .collect())
    }
}
