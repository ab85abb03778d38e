//! Where the data plane is pinned, and whether what is pinned there is ours.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::maps::{MapData, MapError, MapInfo, MapType};
use dray_abi::{ABI_VERSION, Identity, maps};
use rustix::mount::{MountFlags, mount};

use crate::{link, maps::entries};

/// Where a host's bpffs is, by custom.
const HOST: &str = "/sys/fs/bpf";
/// `BPF_FS_MAGIC` of the kernel's `magic.h`.
const MAGIC: i64 = 0xcafe_4a11;

/// The pin directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// No bpffs there, and none could be mounted.
    #[error(
        "{} is not on a bpffs, and mounting one there failed (mount one with `mount -t bpf bpf DIR`, \
         outside of `ip netns exec`, whose mounts are gone when it ends)",
        path.display()
    )]
    NoBpffs {
        /// The directory.
        path: PathBuf,
        /// Why mounting failed.
        #[source]
        source: io::Error,
    },
    /// The directory cannot be read or written.
    #[error("failed to {what} {}", path.display())]
    Directory {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A data plane of another ABI version forwards.
    #[error(
        "{} holds a running data plane of ABI version {found}, and this binary speaks version {ABI_VERSION}; \
         run the binary that made it, or end it with `dray stop --withdraw` (its connections are lost) and start again",
        path.display()
    )]
    OtherVersion {
        /// The pin directory.
        path: PathBuf,
        /// The version that is there.
        found: String,
    },
    /// A pinned map is not what this binary would make.
    #[error(
        "the map pinned at {} is not the one this binary uses ({difference}); it was changed by something else: \
         end the data plane with `dray stop --withdraw` and start again",
        path.display()
    )]
    OtherMap {
        /// Where it is pinned.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A pinned map cannot be opened.
    #[error("failed to open the map pinned at {}", path.display())]
    Map {
        /// Where it is pinned.
        path: PathBuf,
        /// Why.
        #[source]
        source: MapError,
    },
    /// Another daemon's data plane.
    #[error(
        "the data plane pinned at {} belongs to the daemon of another runtime directory; \
         give this one a `--bpffs` of its own",
        path.display()
    )]
    OtherOwner {
        /// The pin directory.
        path: PathBuf,
    },
}

/// The directory of this ABI version's pins, on a bpffs.
pub(crate) fn directory(bpffs: &Path) -> Result<PathBuf, PinError> {
    ensure_bpffs(bpffs)?;
    for (version, path) in versions(bpffs)? {
        if version != version_name() && has_link(&path)? {
            return Err(PinError::OtherVersion {
                path: bpffs.to_owned(),
                found: version.trim_start_matches('v').to_owned(),
            });
        }
    }
    let path = bpffs.join(version_name());
    create(&path)?;
    Ok(path)
}

/// Whether anything is pinned under `bpffs`, of whatever version.
pub(crate) fn anything(bpffs: &Path) -> Result<bool, PinError> {
    for (_, path) in versions(bpffs)? {
        if !files(&path)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes everything pinned under `bpffs`, of whatever version; links first, so that no packet meets a
/// program on its way out. When it returns, no program is attached any more. False when there was nothing.
pub(crate) fn remove_all(bpffs: &Path) -> Result<bool, PinError> {
    let mut any = false;
    for (_, path) in versions(bpffs)? {
        for file in files(&path)? {
            let removed = if is_link(&file) {
                link::end(&file)
            } else {
                fs::remove_file(&file)
            };
            removed.map_err(failed("remove", &file))?;
            any = true;
        }
        fs::remove_dir(&path).map_err(failed("remove", &path))?;
    }
    Ok(any)
}

/// Removes what an interrupted first start left: maps without an identity.
pub(crate) fn remove_leftovers(directory: &Path) -> Result<(), PinError> {
    for file in files(directory)? {
        fs::remove_file(&file).map_err(failed("remove", &file))?;
    }
    Ok(())
}

/// Whether what is pinned is exactly what this binary would make for that identity.
pub(crate) fn check(directory: &Path, identity: &Identity) -> Result<(), PinError> {
    for name in maps::ALL {
        let path = directory.join(name);
        let open = |source| PinError::Map {
            path: path.clone(),
            source,
        };
        let info = MapInfo::from_pin(&path).map_err(open)?;
        let found = Shape {
            kind: info.map_type().map_err(open)?,
            key: info.key_size(),
            value: info.value_size(),
            entries: info.max_entries(),
        };
        let wanted = shape(name, identity);
        if found != wanted {
            let difference = format!("found {found}, want {wanted}");
            return Err(PinError::OtherMap { path, difference });
        }
    }
    Ok(())
}

/// The pinned identity map, if there is one.
pub(crate) fn identity_map(directory: &Path) -> Result<Option<MapData>, PinError> {
    let path = directory.join(maps::IDENTITY);
    if !path.exists() {
        return Ok(None);
    }
    MapData::from_pin(&path)
        .map(Some)
        .map_err(|source| PinError::Map { path, source })
}

#[derive(PartialEq)]
struct Shape {
    kind: MapType,
    key: u32,
    value: u32,
    entries: u32,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} of {} entries, {}-byte keys, {}-byte values",
            self.kind, self.entries, self.key, self.value
        )
    }
}

fn shape(name: &str, identity: &Identity) -> Shape {
    use dray_abi as abi;
    let (kind, key, value) = match name {
        maps::CONNECTIONS4 => (MapType::Array, 4, size_of::<abi::Bucket4>()),
        maps::CONNECTIONS6 => (MapType::Array, 4, size_of::<abi::Bucket6>()),
        maps::TEMPLATES => (MapType::Array, 4, size_of::<abi::TemplateBucket>()),
        maps::TRANSLATIONS => (MapType::Array, 4, size_of::<abi::TranslationBucket>()),
        maps::LOCALS => (MapType::Array, 4, size_of::<abi::LocalAddress>()),
        maps::FRAGMENTS => (MapType::Array, 4, size_of::<abi::FragmentBucket>()),
        maps::LOCALITY => (MapType::Array, 4, size_of::<abi::LocalityBucket>()),
        maps::RULES => (MapType::Array, 4, size_of::<abi::Rule>()),
        maps::SERVICE_INDEX => (MapType::Hash, size_of::<abi::ServiceKey>(), 4),
        maps::SERVICES => (MapType::Array, 4, size_of::<abi::Service>()),
        maps::DESTINATIONS => (MapType::Array, 4, size_of::<abi::Destination>()),
        maps::DESTINATION_INFO => (MapType::Array, 4, size_of::<abi::DestinationInfo>()),
        maps::LIVE => (MapType::Array, 4, size_of::<abi::Live>()),
        maps::COUNTERS => (MapType::Array, 4, size_of::<abi::Counters>()),
        maps::HOPS => (MapType::Array, 4, size_of::<abi::Hop>()),
        maps::PORTS => (MapType::Array, 4, size_of::<abi::Port>()),
        maps::EGRESS => (MapType::DevMap, 4, 8),
        maps::IDENTITY => (MapType::Array, 4, size_of::<abi::Identity>()),
        // RECORDS and REASONS.
        _ => (MapType::Array, 4, size_of::<u64>()),
    };
    Shape {
        kind,
        key: key as u32,
        value: value as u32,
        entries: entries(name, identity),
    }
}

fn version_name() -> String {
    format!("v{ABI_VERSION}")
}

/// Pin directories of all versions, by name.
fn versions(bpffs: &Path) -> Result<Vec<(String, PathBuf)>, PinError> {
    let entries = match fs::read_dir(bpffs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", bpffs)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("read", bpffs))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name
            .strip_prefix('v')
            .is_some_and(|number| number.parse::<u32>().is_ok())
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// What is pinned in a version's directory, links first.
fn files(directory: &Path) -> Result<Vec<PathBuf>, PinError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
        files.push(entry.map_err(failed("read", directory))?.path());
    }
    files.sort_by_key(|path| !is_link(path));
    Ok(files)
}

fn has_link(directory: &Path) -> Result<bool, PinError> {
    Ok(files(directory)?.iter().any(|path| is_link(path)))
}

fn is_link(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("link_"))
}

fn ensure_bpffs(path: &Path) -> Result<(), PinError> {
    if !is_bpffs(path) {
        let at = if path.starts_with(HOST) {
            Path::new(HOST)
        } else {
            path
        };
        let mounted = fs::create_dir_all(at).and_then(|()| {
            mount("bpf", at, "bpf", MountFlags::empty(), None).map_err(io::Error::from)
        });
        mounted.map_err(|source| PinError::NoBpffs {
            path: path.to_owned(),
            source,
        })?;
    }
    create(path)
}

/// Whether the path, or what exists of it, lies on a bpffs.
fn is_bpffs(path: &Path) -> bool {
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    existing
        .and_then(|ancestor| rustix::fs::statfs(ancestor).ok())
        .is_some_and(|stat| stat.f_type == MAGIC)
}

fn create(path: &Path) -> Result<(), PinError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> PinError + 'a {
    move |source| PinError::Directory {
        what,
        path: path.to_owned(),
        source,
    }
}
