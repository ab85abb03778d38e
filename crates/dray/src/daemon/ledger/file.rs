//! The ledger as a file:
//!
//! ```json
//! {
//!   "format": "dray ledger 1",
//!   "bpffs": "/sys/fs/bpf/dray",
//!   "network_namespace": 4026531840,
//!   "vips": [{ "interface": "eth0", "vip": "10.77.0.100" }]
//! }
//! ```
//!
//! It is replaced whole and durably, so it survives a kill at any moment. A file that is not such a record
//! is set aside, never written over.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    net::IpAddr,
    path::{Path, PathBuf},
};

use dray_control::AddedVip;
use serde::{Deserialize, Serialize};

use super::{NetworkNamespace, Record};

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

/// Where the ledger of a runtime directory is.
pub(crate) fn path(runtime_dir: &Path) -> PathBuf {
    runtime_dir.join("ledger.json")
}

/// Whoever reads the file sees the old record or the new one, also after a power failure.
pub(super) fn write(file: &Path, record: &Record) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(&Written::from(record))?;
    text.push(b'\n');
    let fresh = file.with_extension("json.new");
    let mut out = File::create(&fresh)?;
    out.write_all(&text)?;
    out.sync_all()?;
    fs::rename(&fresh, file)?;
    File::open(file.parent().expect("the file is in the runtime directory"))?.sync_all()
}

/// Gives a damaged file a name that no other has.
pub(super) fn set_aside(file: &Path) -> io::Result<PathBuf> {
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
    network_namespace: u64,
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
    fn from(
        Record {
            bpffs,
            namespace,
            vips,
        }: &Record,
    ) -> Self {
        let written = |added: &AddedVip| WrittenVip {
            interface: added.interface.clone(),
            vip: added.vip,
        };
        Self {
            format: Format::First,
            bpffs: bpffs.clone(),
            network_namespace: namespace.0,
            vips: vips.iter().map(written).collect(),
        }
    }
}

impl From<Written> for Record {
    fn from(
        Written {
            format: Format::First,
            bpffs,
            network_namespace,
            vips,
        }: Written,
    ) -> Self {
        let added = |WrittenVip { interface, vip }| AddedVip { interface, vip };
        Self {
            bpffs,
            namespace: NetworkNamespace(network_namespace),
            vips: vips.into_iter().map(added).collect(),
        }
    }
}
