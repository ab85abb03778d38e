//! The state directory: what the state is on the disk.
//!
//! ```text
//! DIR/lock                  held (flock) by the daemon as long as it lives
//! DIR/state.json            all but the texts; names the configurations whose texts count
//! DIR/next.json             the same of a change that is being put in force; counts before state.json
//! DIR/applied/000123.toml   the text of an applied configuration, to the byte
//! DIR/*.damaged-N           what was not as dray leaves it, set aside
//! ```
//!
//! `state.json` is one object on one line (here with line breaks):
//!
//! ```json
//! {
//!   "format": "dray state 1",
//!   "revision": 412,
//!   "base": 123,
//!   "edits": {
//!     "director": { "max_connections": 2048 },
//!     "services": {
//!       "removed": ["old"],
//!       "changed": { "web": { "patch": { "scheduler": "wrr" }, "reals": { "changed": { "10.0.0.1": { "weight": 0 } } } } },
//!       "added": [{ "name": "new", "address": "tcp://10.77.0.101:80" }]
//!     }
//!   },
//!   "unconfirmed": { "until": 1795387807000, "base": 122 },
//!   "file": { "path": "/etc/dray/dray.toml", "digest": "a2f1c09be3d5847f" },
//!   "drains": [
//!     {
//!       "id": 7, "who": "uid 0", "service": "web", "real": "10.0.0.1", "connections": 240,
//!       "since": 1795387000000, "deadline": 1795387300000, "then": "reset",
//!       "reals": [{ "service": "web", "real": "10.0.0.1", "edited_weight": 5 }]
//!     }
//!   ],
//!   "ended_drains": [
//!     {
//!       "drain": {
//!         "id": 6, "who": "uid 0", "real": "10.0.0.9", "connections": 12,
//!         "since": 1795386000000, "deadline": 1795386300000, "then": "move",
//!         "reals": [{ "service": "web", "real": "10.0.0.9" }]
//!       },
//!       "at": 1795386100000, "how": "drained"
//!     }
//!   ],
//!   "last_drain": 7,
//!   "applied": [
//!     {
//!       "number": 122, "at": 1795300000000, "bytes": 2101, "digest": "a2f1c09be3d5847f",
//!       "source": { "daemon": { "file": "/etc/dray/dray.toml" } }
//!     },
//!     {
//!       "number": 123, "at": 1795387747000, "bytes": 2154, "digest": "9c310d77e6a1b2f4",
//!       "source": { "client": { "who": "uid 0", "file": "/root/new.toml" } }
//!     }
//!   ]
//! }
//! ```
//!
//! `edits` is what leads from the base to what is in force: merge patches (RFC 7396) by the names of services and real
//! servers; `inserted`, beside `added`, has what comes in front of others, by the name of the next. Times are milliseconds since 1970 (UTC), digests SipHash-1-3 of the text. What is empty is left out.
//!
//! **Nothing is half written.** Every file is replaced whole: written under another name, synced, renamed, and the
//! directory synced. A new configuration's text comes first; it counts from the moment that `next.json` names it, which is
//! the one moment of every change. Texts are removed when nothing names them any more. So whoever opens the
//! directory after a kill at any moment finds the state of before or that of after.
//!
//! **What the data plane does not take is no dead end.** A change is written to `next.json`, put in force, and then renamed to
//! `state.json`: as long as both are there, `state.json` is what the data plane took last, and can be gone back to.
//!
//! **Nothing is half read.** A `state.json` that is not whole, or of another format, is set aside with the texts
//! that it named, a `next.json` alone; a text that is not the one that they name is set aside alone.

mod files;
mod find;
mod record;
#[cfg(test)]
mod tests;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{Applied, Digest};

use self::files::{Directory, Files};

pub(crate) use record::{Format, Record, UnconfirmedRecord};

const STATE: &str = "state.json";
const NEXT: &str = "next.json";
const TEXTS: &str = "applied";
/// What the name of a file ends in while it is written.
const FRESH: &str = ".new";

/// A state directory that this process owns.
#[derive(Debug)]
pub(crate) struct Store {
    files: Box<dyn Files>,
    path: PathBuf,
    next: Next,
    _lock: Option<File>,
}

/// What there is to do about `next.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It is not there.
    Nothing,
    /// It takes the place of `state.json`, once that is what can be gone back to.
    Settle,
    /// It goes.
    Discard,
}

/// What was found in a state directory.
#[derive(Debug)]
pub(crate) struct Found {
    /// What was saved last, if anything was.
    pub(crate) record: Option<Record>,
    /// Whether that was not settled.
    pub(crate) is_next: bool,
    /// What was settled before, then.
    pub(crate) before: Option<Record>,
    /// What had to be set aside.
    pub(crate) set_aside: Vec<SetAside>,
}

/// Something that is not as dray leaves it, and was given another name. It is never touched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is.
    pub to: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// Why a state directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("another daemon uses the state directory {}; stop it, or give each daemon its own", .path.display())]
    Taken {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be made, locked or read.
    #[error(transparent)]
    Files(#[from] StoreError),
}

/// What the system did not let the store do.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {}", .path.display())]
pub struct StoreError {
    /// What: a verb.
    pub what: &'static str,
    /// With which file or directory.
    pub path: PathBuf,
    /// Why not.
    #[source]
    pub source: io::Error,
}

/// Why the text of an applied configuration cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// It is not there.
    #[error("the text of configuration {number} is gone from the state directory")]
    Gone {
        /// The configuration.
        number: u64,
    },
    /// It is not what was applied.
    #[error("{} is not what was applied: somebody changed it, or the disk did", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(transparent)]
    Files(#[from] StoreError),
}

impl Store {
    /// Opens a state directory; makes it when it is not there. What is damaged is set aside, and what a kill left behind
    /// is removed.
    pub(crate) fn open(path: &Path) -> Result<(Self, Found), OpenError> {
        let make = |source| error("make", path, source);
        let files = Directory::open(path).map_err(make)?;
        let lock = lock(path)?;
        Ok(Self::on(Box::new(files), path, Some(lock))?)
    }

    fn on(
        files: Box<dyn Files>,
        path: &Path,
        lock: Option<File>,
    ) -> Result<(Self, Found), StoreError> {
        let mut store = Self {
            files,
            path: path.to_owned(),
            next: Next::Nothing,
            _lock: lock,
        };
        let found = store.find()?;
        if found.is_next {
            store.next = Next::Settle;
        }
        if let Some(record) = &found.record {
            store.forget(record, found.before.as_ref());
        }
        Ok((store, found))
    }

    /// Whether a directory is one in which something was stored.
    pub(crate) fn is_in(path: &Path) -> bool {
        path.join(STATE).exists() || path.join(NEXT).exists()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the disk say what the record says; `text` is that of a configuration that was not kept before. When this
    /// fails the disk says what it said before, or already what the record says.
    ///
    /// What was settled last stays beside it. What was saved and not settled is gone.
    pub(crate) fn save(
        &mut self,
        record: &Record,
        text: Option<(u64, &str)>,
    ) -> Result<(), StoreError> {
        if let Some((number, text)) = text {
            self.replace(&text_of(number), text.as_bytes())?;
        }
        self.next = Next::Settle;
        self.replace(NEXT, &record.write())
    }

    /// What was saved last is what can be gone back to from now on; unless it was discarded, and is only not gone yet.
    pub(crate) fn settle(&mut self) -> Result<(), StoreError> {
        match self.next {
            Next::Nothing => return Ok(()),
            // The disk need not have the name at once: by either it is what counts.
            Next::Settle => {
                let renamed = self.files.rename(NEXT, STATE);
                renamed.map_err(|source| self.error("rename", NEXT, source))?;
            }
            Next::Discard => match self.files.remove(NEXT) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(self.error("remove", NEXT, source));
                }
                _ => self.sync_names("")?,
            },
        }
        self.next = Next::Nothing;
        Ok(())
    }

    /// Forgets what was saved and not settled: the disk says what was settled last.
    pub(crate) fn discard(&mut self) -> Result<(), StoreError> {
        if self.next == Next::Settle {
            self.next = Next::Discard;
        }
        self.settle()
    }

    /// Removes what neither record names, which are on the disk. What cannot be removed does no harm, and is tried again.
    pub(crate) fn forget(&mut self, record: &Record, before: Option<&Record>) {
        let _ = self.files.remove(&fresh(NEXT));
        let is_named = |number| {
            let mut records = [Some(record), before].into_iter().flatten();
            records.any(|record| record.find(number).is_some())
        };
        for name in self.files.list(TEXTS).unwrap_or_default() {
            let number = number_of(name.strip_suffix(FRESH).unwrap_or(&name));
            let is_kept = !name.ends_with(FRESH) && number.is_some_and(is_named);
            if number.is_some() && !is_kept {
                let _ = self.files.remove(&format!("{TEXTS}/{name}"));
            }
        }
    }

    /// The text of an applied configuration.
    pub(crate) fn text(&self, applied: &Applied) -> Result<String, TextError> {
        let Applied {
            number,
            bytes,
            digest,
            ..
        } = *applied;
        let name = text_of(number);
        let content = self
            .files
            .read(&name)
            .map_err(|source| self.error("read", &name, source))?;
        let content = content.ok_or(TextError::Gone { number })?;
        let is_whole = content.len() as u64 == bytes && Digest::of(&content) == digest;
        let text = is_whole.then(|| String::from_utf8(content).ok()).flatten();
        text.ok_or_else(|| TextError::Changed {
            path: self.path.join(name),
        })
    }

    /// Sets the text of an applied configuration aside.
    pub(crate) fn set_text_aside(
        &mut self,
        number: u64,
        why: &TextError,
    ) -> Result<Option<SetAside>, StoreError> {
        let name = text_of(number);
        match why {
            TextError::Gone { .. } => Ok(None),
            why => self
                .set_aside(&[&name], &why.to_string())
                .map(|aside| aside.into_iter().next()),
        }
    }

    /// Replaces a file whole.
    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let write = |source| error("write", &self.path.join(name), source);
        self.files.write(&fresh(name), content).map_err(write)?;
        self.files.rename(&fresh(name), name).map_err(write)?;
        self.sync_names(name.rsplit_once('/').map_or("", |(directory, _)| directory))
    }

    fn list(&mut self, directory: &str) -> Result<Vec<String>, StoreError> {
        let names = self.files.list(directory);
        names.map_err(|source| self.error("list", directory, source))
    }

    fn sync_names(&mut self, directory: &str) -> Result<(), StoreError> {
        let synced = self.files.sync_names(directory);
        synced.map_err(|source| self.error("sync", directory, source))
    }

    fn error(&self, what: &'static str, name: &str, source: io::Error) -> StoreError {
        error(what, &self.path.join(name), source)
    }
}

fn error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError {
        what,
        path: path.to_owned(),
        source,
    }
}

/// Takes the directory for this process. The kernel lets go of the lock however the process ends.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let lock = open.map_err(|source| error("make", &path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Taken {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(error("lock", &path, source).into()),
    }
}

fn fresh(name: &str) -> String {
    format!("{name}{FRESH}")
}

/// The file of a configuration's text.
fn text_of(number: u64) -> String {
    format!("{TEXTS}/{number:06}.toml")
}

/// The configuration that a file in the directory of texts is for.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".toml")?;
    let is_plain = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}
