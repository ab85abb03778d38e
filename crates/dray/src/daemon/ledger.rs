//! The record of what a director has put into the kernel, and so may take out again: where its data plane
//! is pinned, and the VIPs that it added. It lies in the runtime directory as `ledger.json`:
//!
//! ```json
//! {
//!   "format": "dray ledger 1",
//!   "bpffs": "/sys/fs/bpf/dray",
//!   "vips": [{ "interface": "eth0", "vip": "10.77.0.100" }]
//! }
//! ```
//!
//! It is replaced whole and durably, so it survives a kill at any moment. A file that is not such a record
//! is set aside, never written over: the VIPs in it then stay on their interface until somebody removes
//! them, because the director takes off only what it knows it added.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    net::IpAddr,
    path::{Path, PathBuf},
};

use dray_control::{AddedVip, VipLedger};
use serde::{Deserialize, Serialize};
use tracing::warn;

/// The ledger of one runtime directory.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    record: Record,
}

/// What a director has put into the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The directory under which its data plane is pinned.
    pub bpffs: PathBuf,
    /// The VIPs that it added.
    pub vips: BTreeSet<AddedVip>,
}

/// Why a ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is there and cannot be read.
    #[error("failed to read {}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not a ledger, or only a part of one.
    #[error("{} is damaged or no ledger of this version of dray", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Why a ledger could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A damaged one could not be set aside.
    #[error("failed to set the damaged {} aside", .file.display())]
    SetAside {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be written.
    #[error("failed to write {}", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Ledger {
    /// Opens the ledger of a runtime directory that this process owns, for a data plane under `bpffs`.
    /// A damaged file is reported in the log and set aside.
    ///
    /// # Errors
    /// When the file cannot be read, set aside or written.
    pub fn open(runtime_dir: &Path, bpffs: &Path) -> Result<Self, OpenError> {
        let file = path(runtime_dir);
        let vips = match read(runtime_dir) {
            Ok(record) => record.map(|record| record.vips).unwrap_or_default(),
            Err(ReadError::Damaged { file, source }) => {
                let aside = set_aside(&file).map_err(|source| OpenError::SetAside {
                    file: file.clone(),
                    source,
                })?;
                warn!(
                    file = %file.display(), aside = %aside.display(), error = %source,
                    "the ledger is damaged and was set aside; VIPs that an earlier run added are not removed any \
                     more: compare `ip address` with the configuration"
                );
                BTreeSet::new()
            }
            Err(error) => return Err(error.into()),
        };
        let ledger = Self {
            file,
            record: Record {
                bpffs: bpffs.to_owned(),
                vips,
            },
        };
        write(&ledger.file, &ledger.record).map_err(|source| OpenError::Write {
            file: ledger.file.clone(),
            source,
        })?;
        Ok(ledger)
    }
}

impl VipLedger for Ledger {
    fn load(&mut self) -> io::Result<BTreeSet<AddedVip>> {
        Ok(self.record.vips.clone())
    }

    fn save(&mut self, added: &BTreeSet<AddedVip>) -> io::Result<()> {
        let record = Record {
            vips: added.clone(),
            ..self.record.clone()
        };
        write(&self.file, &record)?;
        self.record = record;
        Ok(())
    }
}

/// Reads the ledger of a runtime directory, whoever owns it; `None` when there is none.
///
/// # Errors
/// When it is there and cannot be read or understood.
pub fn read(runtime_dir: &Path) -> Result<Option<Record>, ReadError> {
    let file = path(runtime_dir);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ReadError::Read { file, source }),
    };
    match serde_json::from_slice::<Written>(&text) {
        Ok(written) => Ok(Some(written.into())),
        Err(source) => Err(ReadError::Damaged { file, source }),
    }
}

/// Removes the ledger of a runtime directory: nothing that it named is left.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(runtime_dir: &Path) -> io::Result<()> {
    match fs::remove_file(path(runtime_dir)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn path(runtime_dir: &Path) -> PathBuf {
    runtime_dir.join("ledger.json")
}

/// Whoever reads the file sees the old record or the new one, also after a power failure.
fn write(file: &Path, record: &Record) -> io::Result<()> {
    let fresh = file.with_extension("json.new");
    let mut out = File::create(&fresh)?;
    serde_json::to_writer_pretty(&mut out, &Written::from(record))?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    fs::rename(&fresh, file)?;
    File::open(file.parent().expect("the file is in the runtime directory"))?.sync_all()
}

fn set_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = (1..)
        .map(|number| file.with_extension(format!("json.damaged-{number}")))
        .find(|aside| !aside.exists())
        .expect("numbers do not run out");
    fs::rename(file, &aside)?;
    Ok(aside)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: Format,
    bpffs: PathBuf,
    vips: Vec<WrittenVip>,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "dray ledger 1")]
    First,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVip {
    interface: String,
    vip: IpAddr,
}

impl From<&Record> for Written {
    fn from(record: &Record) -> Self {
        let vips = record.vips.iter();
        Self {
            format: Format::First,
            bpffs: record.bpffs.clone(),
            vips: vips
                .map(|added| WrittenVip {
                    interface: added.interface.clone(),
                    vip: added.vip,
                })
                .collect(),
        }
    }
}

impl From<Written> for Record {
    fn from(
        Written {
            format: Format::First,
            bpffs,
            vips,
        }: Written,
    ) -> Self {
        let vips = vips.into_iter();
        Self {
            bpffs,
            vips: vips
                .map(|WrittenVip { interface, vip }| AddedVip { interface, vip })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vip(text: &str) -> AddedVip {
        AddedVip {
            interface: "eth0".to_owned(),
            vip: text.parse().expect("an address"),
        }
    }

    #[test]
    fn what_was_saved_is_there_for_the_next_run() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(read(dir.path()).expect("readable"), None);
        let mut ledger = Ledger::open(dir.path(), Path::new("/bpf")).expect("opens");
        assert_eq!(ledger.load().expect("loads"), BTreeSet::new());
        let vips = BTreeSet::from([vip("10.77.0.100"), vip("2001:db8::100")]);
        ledger.save(&vips).expect("saves");
        drop(ledger);

        let record = Record {
            bpffs: PathBuf::from("/bpf"),
            vips: vips.clone(),
        };
        assert_eq!(read(dir.path()).expect("readable"), Some(record));
        let mut next = Ledger::open(dir.path(), Path::new("/bpf")).expect("opens");
        assert_eq!(next.load().expect("loads"), vips);
        remove(dir.path()).expect("removes");
        assert_eq!(read(dir.path()).expect("readable"), None);
    }

    #[test]
    fn a_damaged_or_foreign_file_is_set_aside_and_kept() {
        let whole = r#"{"format":"dray ledger 1","bpffs":"/bpf","vips":[]}"#;
        let torn = &whole[..whole.len() - 3];
        let foreign = whole.replace('1', "2");
        for damaged in ["", torn, &foreign, "[]", "\u{0}\u{0}"] {
            let dir = tempfile::tempdir().expect("a directory");
            fs::write(path(dir.path()), damaged).expect("writes");
            fs::write(dir.path().join("ledger.json.damaged-1"), "older").expect("writes");
            assert!(
                matches!(read(dir.path()), Err(ReadError::Damaged { .. })),
                "{damaged:?}"
            );

            let mut ledger = Ledger::open(dir.path(), Path::new("/bpf")).expect("opens");
            assert_eq!(
                ledger.load().expect("loads"),
                BTreeSet::new(),
                "{damaged:?}"
            );
            let kept = |name| fs::read_to_string(dir.path().join(name)).expect("reads");
            assert_eq!(kept("ledger.json.damaged-1"), "older");
            assert_eq!(kept("ledger.json.damaged-2"), damaged);
            assert!(read(dir.path()).expect("readable").is_some());
        }
    }

    #[test]
    fn a_write_that_was_cut_off_leaves_the_record_of_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut ledger = Ledger::open(dir.path(), Path::new("/bpf")).expect("opens");
        let vips = BTreeSet::from([vip("10.77.0.100")]);
        ledger.save(&vips).expect("saves");
        fs::write(dir.path().join("ledger.json.new"), r#"{"format":"#).expect("writes");
        let mut next = Ledger::open(dir.path(), Path::new("/bpf")).expect("opens");
        assert_eq!(next.load().expect("loads"), vips);
    }
}
