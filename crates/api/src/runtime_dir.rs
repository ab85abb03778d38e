//! The directory in which a daemon and its clients meet.
//!
//! ```text
//! RUNTIME_DIR/lock          held (flock) by the daemon as long as it lives; holds its process number
//! RUNTIME_DIR/control.sock  where it answers
//! ```
//!
//! The kernel lets go of the lock however the daemon ends, so the lock alone says whether one runs. A
//! socket that nobody holds the lock for is left over from a killed daemon and is replaced.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

use crate::server::Listener;

/// A runtime directory that this process owns, until it is dropped or the process ends.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
    _lock: File,
}

/// Why a runtime directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// A daemon has it.
    #[error(
        "another daemon{} runs with the runtime directory {}; stop it, or give each daemon its own --runtime-dir",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .path.display()
    )]
    Taken {
        /// The directory.
        path: PathBuf,
        /// The process number of the daemon, if it has written it.
        pid: Option<u32>,
    },
    /// The directory or the lock file in it cannot be made.
    #[error("failed to make {}", .path.display())]
    Make {
        /// The directory or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock cannot be taken or written.
    #[error("failed to lock {}", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why the daemon cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {}", .path.display())]
pub struct ListenError {
    /// The socket.
    pub path: PathBuf,
    /// Why. A path of more than 103 bytes is too long for a Unix socket.
    #[source]
    pub source: io::Error,
}

impl RuntimeDir {
    /// Makes the directory if it is not there, and takes it.
    ///
    /// # Errors
    /// When another process has it, or when it cannot be made or locked.
    pub fn claim(path: &Path) -> Result<Self, ClaimError> {
        let make = |path: &Path, source| ClaimError::Make {
            path: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(|source| make(path, source))?;
        let lock_path = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|source| make(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ClaimError::Taken {
                    path: path.to_owned(),
                    pid: owner(&mut lock),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(ClaimError::Lock {
                    path: lock_path,
                    source,
                });
            }
        }
        sign(&mut lock).map_err(|source| ClaimError::Lock {
            path: lock_path,
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the daemon of a runtime directory answers.
    pub fn socket(runtime_dir: &Path) -> PathBuf {
        runtime_dir.join("control.sock")
    }

    /// Opens the socket, mode 0660, in place of one that a killed daemon left.
    pub(crate) fn listen(&self) -> Result<Listener, ListenError> {
        let path = Self::socket(&self.path);
        // Made under another name and moved into place, so that nobody meets it with a wider mode and no
        // moment passes without one.
        let fresh = self.path.join("new.sock");
        let bind = || {
            remove_if_there(&fresh)?;
            let listener = UnixListener::bind(&fresh)?;
            fs::set_permissions(&fresh, fs::Permissions::from_mode(0o660))?;
            fs::rename(&fresh, &path)?;
            Ok(listener)
        };
        match bind() {
            Ok(listener) => Ok(Listener::new(listener, path)),
            Err(source) => Err(ListenError { path, source }),
        }
    }
}

fn owner(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
