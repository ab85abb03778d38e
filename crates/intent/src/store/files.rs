//! The few things that the store does with files, so that tests can end the world between any two of them.

use std::{
    fmt::Debug,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A directory of files. Names are paths below it.
pub(crate) trait Files: Debug + Send + Sync {
    /// What a file holds; `None` when there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Makes a file, in place of any of that name, and waits until the disk has what it holds. What is there after a
    /// kill in between is anything: nothing, an empty file, a part.
    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Gives a file or directory another name, in place of any file that has it. Either name is there at any moment.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Waits until the disk has the names in a directory (`""` for the directory itself).
    fn sync_names(&mut self, directory: &str) -> io::Result<()>;

    /// The names in a directory, in no order; makes it when it is not there.
    fn list(&mut self, directory: &str) -> io::Result<Vec<String>>;
}

/// A directory of this machine's.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Makes the directory, and those above it, when it is not there: for this process's user alone, because
    /// configurations may hold secrets.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        make_directory(path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Files for Directory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.0.join(name))?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_names(&mut self, directory: &str) -> io::Result<()> {
        File::open(self.0.join(directory))?.sync_all()
    }

    fn list(&mut self, directory: &str) -> io::Result<Vec<String>> {
        let path = self.0.join(directory);
        make_directory(&path)?;
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
        // A name that is no text is none of ours.
        let ours = names.filter_map(|name| name.map(|name| name.into_string().ok()).transpose());
        ours.collect()
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
