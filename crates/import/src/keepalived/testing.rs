//! Files that are only in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use super::{Files, Name};

/// Files by their paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(BTreeMap<PathBuf, String>);

impl Shelf {
    /// A shelf of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::below("/", files)
    }

    /// A shelf of these files, whose paths are relative to `directory`.
    pub(crate) fn below(directory: &str, files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| (Path::new(directory).join(path), (*text).to_owned());
        Self(files.iter().map(file).collect())
    }
}

/// The path without `..`, as a file system finds it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

impl Files for Shelf {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let text = self.0.get(&plain(path)).ok_or("no such file")?;
        Ok(text.clone().into_bytes())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(&plain(path))
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
