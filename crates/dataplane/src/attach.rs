//! Attaching the program to an interface, by a link that is pinned.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::programs::{
    ProgramError, Xdp, XdpMode as Attach,
    links::{FdLink, LinkError, PinnedLink},
    xdp::{XdpLink, XdpLinkId},
};
use dray_abi::MAX_PORTS;
use dray_model::XdpMode;
use tracing::warn;

use crate::program::{DIRECTOR, LoadError};

/// An interface could not be made a port.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// More interfaces than ports.
    #[error("a director has at most {MAX_PORTS} interfaces")]
    TooMany,
    /// The program could not be loaded for it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// XDP could not be attached.
    #[error("failed to attach XDP to {interface}{}", busy_hint(.source))]
    Attach {
        /// The interface's name.
        interface: String,
        /// Why.
        #[source]
        source: Box<ProgramError>,
    },
    /// The kernel gave no link that can be pinned.
    #[error("the kernel has no XDP links for {interface} (they came with Linux 5.9)")]
    NoLink {
        /// The interface's name.
        interface: String,
        /// Why.
        #[source]
        source: LinkError,
    },
    /// The link could not be pinned.
    #[error("failed to pin the XDP link of {interface} at {}", path.display())]
    Pin {
        /// The interface's name.
        interface: String,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn busy_hint(error: &ProgramError) -> &'static str {
    match error {
        ProgramError::SyscallError(error) if error.io_error.raw_os_error() == Some(libc::EBUSY) => {
            ": it has another XDP program (`ip link show` names it; `ip link set dev IF xdp off` removes it)"
        }
        _ => "",
    }
}

/// Where a port's link is pinned.
pub(crate) fn link_path(pins: &Path, port: u32) -> PathBuf {
    pins.join(format!("link_{port}"))
}

/// Puts the program in the place of another daemon's on the pinned link; false when that link is gone or dead.
pub(crate) fn take_over(director: &mut Xdp, path: &Path) -> bool {
    match replace(director, path) {
        Some(Ok(_)) => true,
        Some(Err(error)) => {
            warn!(%error, path = %path.display(), "the pinned link is dead (its interface is gone): attaching anew");
            let _ = fs::remove_file(path);
            false
        }
        None => false,
    }
}

/// Puts the program in the place of our own on the pinned link; false when that link is gone or dead.
pub(crate) fn renew(director: &mut Xdp, path: &Path) -> Result<bool, LoadError> {
    match replace(director, path) {
        Some(Ok(_)) => Ok(true),
        Some(Err(error)) if !is_dead(&error) => Err(LoadError::Program {
            program: DIRECTOR,
            source: Box::new(error),
        }),
        _ => Ok(false),
    }
}

/// Puts the program in the place of the one on the pinned link, if there is one.
fn replace(director: &mut Xdp, path: &Path) -> Option<Result<XdpLinkId, ProgramError>> {
    let pinned = PinnedLink::from_pin(path).ok()?;
    let link = XdpLink::try_from(FdLink::from(pinned)).ok()?;
    Some(director.attach_to_link(link))
}

/// Whether the link's interface is gone.
fn is_dead(error: &ProgramError) -> bool {
    matches!(error, ProgramError::SyscallError(error) if error.io_error.raw_os_error() == Some(libc::ENOLINK))
}

/// Attaches the program to an interface that has none of ours, and pins the link.
pub(crate) fn anew(
    director: &mut Xdp,
    path: &Path,
    name: &str,
    index: u32,
) -> Result<XdpMode, AttachError> {
    let (link, mode) = natively_or_not(director, name, index)?;
    let attach = |source| AttachError::Attach {
        interface: name.to_owned(),
        source: Box::new(source),
    };
    let link = director.take_link(link).map_err(attach)?;
    let link = FdLink::try_from(link).map_err(|source| AttachError::NoLink {
        interface: name.to_owned(),
        source,
    })?;
    let _ = fs::remove_file(path);
    let pin = |source: io::Error| AttachError::Pin {
        interface: name.to_owned(),
        path: path.to_owned(),
        source: Box::new(source),
    };
    link.pin(path)
        .map_err(|error| pin(io::Error::other(error)))?;
    Ok(mode)
}

/// Attaches a program to an interface in its driver, or before the host's stack where the driver cannot.
pub(crate) fn natively_or_not(
    program: &mut Xdp,
    name: &str,
    index: u32,
) -> Result<(XdpLinkId, XdpMode), AttachError> {
    let native = match program.attach_to_if_index(index, Attach::Driver) {
        Ok(link) => return Ok((link, XdpMode::Native)),
        Err(error) => error,
    };
    match program.attach_to_if_index(index, Attach::Skb) {
        Ok(link) => {
            warn!(interface = %name, error = %native, "no native XDP on this interface: using the slower generic one");
            Ok((link, XdpMode::Generic))
        }
        // What the native attempt says is what there is to mend.
        Err(_) => Err(AttachError::Attach {
            interface: name.to_owned(),
            source: Box::new(native),
        }),
    }
}
