//! A file that a command writes.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, bail};

/// Writes a file whole or not at all. One that is there is replaced only by force.
pub(super) fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let failed = || format!("failed to write {}", path.display());
    if !force {
        match OpenOptions::new().write(true).create_new(true).open(path) {
            // What is not written whole is taken away again.
            Ok(file) => {
                return put(file, text)
                    .inspect_err(|_| drop(fs::remove_file(path)))
                    .with_context(failed);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                "{} is there already, and nothing was written: write to another file, or use --force",
                path.display()
            ),
            Err(error) => return Err(error).with_context(failed),
        }
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let file = File::create(&new).with_context(failed)?;
    put(file, text)
        .and_then(|()| fs::rename(&new, path))
        .inspect_err(|_| drop(fs::remove_file(&new)))
        .with_context(failed)
}

fn put(mut file: File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_replaced_only_by_force() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.toml");
        write(&path, "one", false).expect("a new file");
        let error = write(&path, "two", false)
            .expect_err("it is there")
            .to_string();
        assert!(
            error.contains("a.toml") && error.contains("--force"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).expect("a file"), "one");
        write(&path, "two", true).expect("by force");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "two");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    }
}
