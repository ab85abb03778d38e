//! The record of what a director has put into the kernel, and so may take out again. It outlives the
//! daemon, in the runtime directory.
//!
//! A director takes off only the VIPs that it knows it added. So when the record cannot be trusted, VIPs
//! are left where they are and the log says so.

mod file;

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use dray_control::{AddedVip, VipLedger};
use tracing::warn;

pub(crate) use file::path;
pub use file::{ReadError, read};

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
    /// The network namespace that its VIPs are in.
    pub namespace: NetworkNamespace,
    /// The VIPs that it added.
    pub vips: BTreeSet<AddedVip>,
}

/// A network namespace, by the number of its inode (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkNamespace(u64);

/// Why a ledger could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be read.
    #[error(transparent)]
    Read(ReadError),
    /// A damaged one could not be set aside.
    #[error("failed to set the damaged {} aside", .file.display())]
    SetAside {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Opening it would forget a data plane.
    #[error(
        "this director's data plane is pinned under {0}: give --bpffs {0}, or end it first with \
         `dray stop --withdraw`",
        .bpffs.display()
    )]
    PinnedElsewhere {
        /// Where it is pinned.
        bpffs: PathBuf,
    },
    /// The network namespace of this process could not be found out.
    #[error("failed to read /proc/thread-self/ns/net")]
    Namespace(#[source] io::Error),
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
    /// A damaged file is set aside.
    ///
    /// # Errors
    /// When the file cannot be read, set aside or written, or names a data plane somewhere else.
    pub fn open(runtime_dir: &Path, bpffs: &Path) -> Result<Self, OpenError> {
        let namespace = NetworkNamespace::of_this_thread().map_err(OpenError::Namespace)?;
        let vips = match read(runtime_dir) {
            Ok(None) => BTreeSet::new(),
            Ok(Some(record)) => vips_of_an_earlier_run(record, bpffs, namespace)?,
            Err(ReadError::Damaged { file, source }) => {
                let aside = file::set_aside(&file).map_err(|source| OpenError::SetAside {
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
            Err(error) => return Err(OpenError::Read(error)),
        };
        let file = file::path(runtime_dir);
        let record = Record {
            bpffs: bpffs.to_owned(),
            namespace,
            vips,
        };
        match file::write(&file, &record) {
            Ok(()) => Ok(Self { file, record }),
            Err(source) => Err(OpenError::Write { file, source }),
        }
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
        file::write(&self.file, &record)?;
        self.record = record;
        Ok(())
    }
}

impl NetworkNamespace {
    /// The one that the calling thread is in.
    ///
    /// # Errors
    /// When /proc is not there.
    pub fn of_this_thread() -> io::Result<Self> {
        fs::metadata("/proc/thread-self/ns/net").map(|namespace| Self(namespace.ino()))
    }
}

fn vips_of_an_earlier_run(
    record: Record,
    bpffs: &Path,
    namespace: NetworkNamespace,
) -> Result<BTreeSet<AddedVip>, OpenError> {
    // What cannot be read is as good as nothing here: opening the data plane says why.
    if record.bpffs != bpffs && dray_dataplane::pinned(&record.bpffs).unwrap_or(false) {
        return Err(OpenError::PinnedElsewhere {
            bpffs: record.bpffs,
        });
    }
    if record.namespace == namespace {
        return Ok(record.vips);
    }
    for AddedVip { interface, vip } in record.vips {
        warn!(%vip, interface, "an earlier run added this VIP in another network namespace; it is left there");
    }
    Ok(BTreeSet::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BPFFS: &str = "/nonexistent/bpf";

    #[test]
    fn what_was_saved_is_there_for_the_next_run() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(read(dir.path()).expect("readable"), None);
        let mut ledger = open(dir.path());
        assert_eq!(ledger.load().expect("loads"), BTreeSet::new());
        ledger.save(&vips()).expect("saves");
        drop(ledger);

        assert_eq!(read(dir.path()).expect("readable"), Some(record()));
        assert_eq!(open(dir.path()).load().expect("loads"), vips());
    }

    #[test]
    fn a_damaged_or_foreign_file_is_set_aside_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        drop(open(dir.path()));
        let whole = fs::read_to_string(file::path(dir.path())).expect("reads");
        let torn = &whole[..whole.len() - 3];
        let foreign = whole.replace("ledger 1", "ledger 2");
        for damaged in ["", torn, &foreign, "[]", "\u{0}\u{0}"] {
            let dir = tempfile::tempdir().expect("a directory");
            fs::write(file::path(dir.path()), damaged).expect("writes");
            fs::write(dir.path().join("ledger.json.damaged-1"), "older").expect("writes");
            assert!(
                matches!(read(dir.path()), Err(ReadError::Damaged { .. })),
                "{damaged:?}"
            );

            assert_eq!(
                open(dir.path()).load().expect("loads"),
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
        open(dir.path()).save(&vips()).expect("saves");
        fs::write(dir.path().join("ledger.json.new"), r#"{"format":"#).expect("writes");
        assert_eq!(open(dir.path()).load().expect("loads"), vips());
    }

    #[test]
    fn vips_of_another_network_namespace_are_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let elsewhere = Record {
            namespace: NetworkNamespace(1),
            ..record()
        };
        file::write(&file::path(dir.path()), &elsewhere).expect("writes");
        assert_eq!(open(dir.path()).load().expect("loads"), BTreeSet::new());
    }

    #[test]
    fn a_data_plane_that_is_pinned_elsewhere_is_not_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let old = dir.path().join("old");
        fs::create_dir_all(old.join("v1")).expect("a directory");
        let record = Record {
            bpffs: old.clone(),
            ..record()
        };
        file::write(&file::path(dir.path()), &record).expect("writes");

        fs::write(old.join("v1/settings"), "").expect("writes");
        match Ledger::open(dir.path(), Path::new(BPFFS)) {
            Err(OpenError::PinnedElsewhere { bpffs }) => assert_eq!(bpffs, old),
            other => panic!("expected a refusal, got {other:?}"),
        }
        assert_eq!(read(dir.path()).expect("readable"), Some(record));
        fs::remove_file(old.join("v1/settings")).expect("removes");
        assert_eq!(open(dir.path()).load().expect("loads"), vips());
    }

    fn open(runtime_dir: &Path) -> Ledger {
        Ledger::open(runtime_dir, Path::new(BPFFS)).expect("opens")
    }

    fn record() -> Record {
        let namespace = NetworkNamespace::of_this_thread().expect("/proc is there");
        Record {
            bpffs: BPFFS.into(),
            namespace,
            vips: vips(),
        }
    }

    fn vips() -> BTreeSet<AddedVip> {
        let vip = |text: &str| AddedVip {
            interface: "eth0".to_owned(),
            vip: text.parse().expect("an address"),
        };
        BTreeSet::from([vip("10.77.0.100"), vip("2001:db8::100")])
    }
}
