//! Opening the data plane: the one that is pinned, or a fresh one.

use std::{
    io,
    path::{Path, PathBuf},
};

use aya::VerifierLogLevel;
use dray_abi::{ABI_VERSION, HashKey, Identity, SLOTS_PER_BUCKET};
use tracing::warn;

use crate::{
    Capacity, KernelDataPlane, LoadError,
    attach::AttachError,
    interface::{self, Interface},
    mapped::Mapped,
    maps::{Maps, MapsError},
    pins::{self, PinError},
    ports::Ports,
    program::Loader,
    sweep::Leftovers,
};

/// What a data plane is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory on a bpffs for its pins.
    pub bpffs: PathBuf,
    /// Interfaces that it forwards on, by name.
    pub interfaces: Vec<String>,
    /// Who opens it: the daemon's runtime directory, absolute.
    pub owner: String,
    /// How large a fresh one is made.
    pub capacity: Capacity,
}

/// How the data plane was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It was made.
    Fresh,
    /// It was there, forwarding, and goes on.
    Adopted,
}

/// The data plane could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The pin directory.
    #[error(transparent)]
    Pins(#[from] PinError),
    /// The eBPF object.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An interface.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// A map.
    #[error(transparent)]
    Maps(#[from] MapsError),
    /// There is no such interface.
    #[error("there is no interface `{name}` with an Ethernet address here{}", known(.present))]
    NoInterface {
        /// The name asked for.
        name: String,
        /// Those that there are.
        present: Vec<String>,
    },
    /// A system call failed.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

fn known(present: &[String]) -> String {
    if present.is_empty() {
        String::new()
    } else {
        format!(" (there is {})", present.join(", "))
    }
}

/// Opens the data plane in the network namespace of the calling thread.
///
/// One that is pinned is adopted: its maps stay as they are, and the program of this binary takes the old
/// one's place on each interface between two packets. Otherwise a fresh one is made and pinned.
///
/// # Errors
/// When something is missing, in the way, or another daemon's; what forwarded before goes on forwarding.
pub fn open(options: &Options) -> Result<(KernelDataPlane, Opened), OpenError> {
    let wanted = interfaces(&options.interfaces)?;
    let directory = pins::directory(&options.bpffs)?;
    let owner = fingerprint(&options.owner);
    let adopted = pinned_identity(&directory, owner)?;
    let identity = match adopted {
        Some(identity) => identity,
        None => {
            pins::remove_leftovers(&directory)?;
            fresh_identity(&options.capacity, owner).map_err(|source| OpenError::System {
                what: "make a hash key",
                source,
            })?
        }
    };
    if identity.connections != u64::from(options.capacity.connections) {
        warn!(
            running = identity.connections,
            configured = options.capacity.connections,
            "max_connections takes effect when the data plane is made anew (`dray stop --withdraw`)"
        );
    }
    if identity.translation_buckets != options.capacity.translation_buckets() {
        warn!(
            running_slots = identity.translation_buckets * SLOTS_PER_BUCKET as u32,
            configured = options.capacity.translations,
            "max_translations takes effect when the data plane is made anew (`dray stop --withdraw`)"
        );
    }
    let loader = Loader {
        identity,
        own_clock: false,
        pins: Some(directory.clone()),
        log: VerifierLogLevel::default(),
    };
    // The first load makes and pins the maps that are missing; the ports' copies find them there.
    let mut maps = Maps::take(&mut loader.load(0, 0)?, &identity)?;
    if adopted.is_none() {
        // Written last: a directory without it is one whose making was interrupted.
        maps.identity.write(0, identity);
    }
    let ports = Ports::attach(&mut maps, &directory, wanted, loader)?;
    let mut plane = KernelDataPlane::assemble(maps, identity, ports);
    if adopted.is_none() {
        return Ok((plane, Opened::Fresh));
    }
    plane.leftovers = Leftovers::UNKNOWN;
    Ok((plane, Opened::Adopted))
}

/// Ends the data plane that is pinned under `bpffs`: detaches its programs and removes its maps. False when
/// there was none.
///
/// # Errors
/// When something there cannot be removed.
pub fn withdraw(bpffs: &Path) -> Result<bool, OpenError> {
    Ok(pins::remove_all(bpffs)?)
}

/// Whether a data plane is pinned under `bpffs`, and so forwards with or without a daemon.
///
/// # Errors
/// When the directory cannot be read.
pub fn pinned(bpffs: &Path) -> Result<bool, OpenError> {
    Ok(pins::anything(bpffs)?)
}

/// The identity of a data plane to be made.
pub(crate) fn fresh_identity(capacity: &Capacity, owner: u64) -> io::Result<Identity> {
    let buckets = capacity.buckets();
    Ok(Identity {
        abi_version: ABI_VERSION,
        processors: processors()?,
        buckets4: buckets,
        buckets6: buckets,
        destinations: capacity.destinations,
        services: capacity.services,
        words: capacity.words,
        hops: capacity.hops,
        template_buckets: capacity.template_buckets(),
        translation_buckets: capacity.translation_buckets(),
        owner,
        connections: u64::from(capacity.connections),
        hash_key: hash_key()?,
    })
}

/// The identity of what is pinned, checked against what is really there.
fn pinned_identity(directory: &Path, owner: u64) -> Result<Option<Identity>, OpenError> {
    let Some(map) = pins::identity_map(directory)? else {
        return Ok(None);
    };
    let memory = |source| MapsError::Memory {
        name: dray_abi::maps::IDENTITY,
        source,
    };
    let mapped: Mapped<Identity> =
        Mapped::new(std::os::fd::AsFd::as_fd(map.fd()), 1).map_err(memory)?;
    let Some(identity) = mapped
        .read(0)
        .filter(|identity| identity.abi_version == ABI_VERSION)
    else {
        return Ok(None);
    };
    if identity.owner != owner {
        return Err(PinError::OtherOwner {
            path: directory.to_owned(),
        }
        .into());
    }
    pins::check(directory, &identity)?;
    Ok(Some(identity))
}

fn interfaces(names: &[String]) -> Result<Vec<(String, Interface)>, OpenError> {
    let present = interface::all().map_err(|source| OpenError::System {
        what: "read the interfaces",
        source,
    })?;
    let find = |name: &String| {
        let missing = || OpenError::NoInterface {
            name: name.clone(),
            present: present.keys().cloned().collect(),
        };
        present
            .get(name)
            .map(|interface| (name.clone(), *interface))
            .ok_or_else(missing)
    };
    names.iter().map(find).collect()
}

fn hash_key() -> io::Result<HashKey> {
    let mut key = HashKey::default();
    for multiplier in &mut key.multipliers {
        let mut bytes = [0; 8];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        *multiplier = u64::from_ne_bytes(bytes) | 1;
    }
    Ok(key)
}

/// Processors that the kernel may ever use: what it numbers them by.
fn processors() -> io::Result<u32> {
    let count = aya::util::nr_cpus().map_err(|(_, error)| error)?;
    u32::try_from(count).map_err(io::Error::other)
}

/// FNV-1a, 64 bits: stable over releases, which the standard library's hashes are not.
fn fingerprint(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
