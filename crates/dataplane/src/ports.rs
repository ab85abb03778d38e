//! The director's interfaces: the program's copy on each, and the entries that packets read.

use std::{
    collections::BTreeMap,
    fs, io,
    mem::offset_of,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use aya::{
    Ebpf,
    maps::xdp::XdpMapError,
    programs::{
        ProgramError, Xdp, XdpMode as Attach,
        links::{FdLink, LinkError, PinnedLink},
        xdp::XdpLink,
    },
};
use dray_abi::{MAX_PORTS, Port};
use dray_model::{InterfaceStatus, XdpMode};
use dray_packet::ethernet::address_word;
use tracing::{info, warn};

use crate::{
    interface::{self, Interface},
    link,
    maps::Maps,
    program::{self, DIRECTOR, LoadError},
};

/// Entry of the port map that says how the program is attached.
const NATIVE: u32 = 1;
const GENERIC: u32 = 2;

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

/// The director's interfaces by port number.
pub(crate) struct Ports {
    ports: BTreeMap<u32, Attached>,
    /// Whether interfaces are real, so that changes of theirs are to be followed.
    follow: bool,
}

struct Attached {
    name: String,
    interface: Interface,
    mode: XdpMode,
}

impl Ports {
    /// Ports of a private instance, attached to nothing.
    pub(crate) fn unattached(
        maps: &mut Maps,
        interfaces: impl Iterator<Item = Interface>,
    ) -> Result<Self, XdpMapError> {
        /// The one interface that every network namespace has. A test run says that a frame is to leave by
        /// another port, and sends nothing; but the map takes no interface that there is not.
        const LOOPBACK: u32 = 1;
        let mut ports = BTreeMap::new();
        for (interface, port) in interfaces.zip(0..) {
            maps.egress.set(port, LOOPBACK, None, 0)?;
            write(maps, port, interface, XdpMode::Native);
            let name = format!("port{port}");
            ports.insert(
                port,
                Attached {
                    name,
                    interface,
                    mode: XdpMode::Native,
                },
            );
        }
        Ok(Self {
            ports,
            follow: false,
        })
    }

    /// Makes each of the interfaces a port, on links pinned in `pins`. Those that had a link get the new
    /// program in the old one's place, between two packets.
    pub(crate) fn attach(
        maps: &mut Maps,
        pins: &Path,
        wanted: Vec<(String, Interface)>,
        mut load: impl FnMut(u32) -> Result<Ebpf, LoadError>,
    ) -> Result<Self, AttachError> {
        let mut ports = BTreeMap::new();
        for (name, interface) in wanted {
            let port = port_for(maps, interface.index).ok_or(AttachError::TooMany)?;
            let mut ebpf = load(port)?;
            let director = program::verify(&mut ebpf, DIRECTOR)?;
            let link = link_path(pins, port);
            let mode = match old_mode(maps, port, interface.index) {
                Some(mode) if replace(director, &link) => mode,
                _ => attach_anew(director, &link, &name, interface.index)?,
            };
            let system = |source: XdpMapError| AttachError::Pin {
                interface: name.clone(),
                path: pins.join(dray_abi::maps::EGRESS),
                source: Box::new(source),
            };
            maps.egress
                .set(port, interface.index, None, 0)
                .map_err(system)?;
            write(maps, port, interface, mode);
            info!(interface = %name, ?mode, "interface attached");
            ports.insert(
                port,
                Attached {
                    name,
                    interface,
                    mode,
                },
            );
        }
        for port in 0..MAX_PORTS {
            let used = maps.ports.read(port).is_some_and(|entry| entry.used != 0);
            if used && !ports.contains_key(&port) {
                // A link that is not there has ended already.
                let _ = link::end(&link_path(pins, port));
                release(maps, port);
            }
        }
        Ok(Self {
            ports,
            follow: true,
        })
    }

    /// The port of the interface with this number.
    pub(crate) fn port_of(&self, interface: u32) -> Option<u32> {
        self.ports
            .iter()
            .find(|(_, attached)| attached.interface.index == interface)
            .map(|(port, _)| *port)
    }

    /// The port of the interface with this name.
    pub(crate) fn port_named(&self, interface: &str) -> Option<u32> {
        self.ports
            .iter()
            .find(|(_, attached)| attached.name == interface)
            .map(|(port, _)| *port)
    }

    pub(crate) fn status(&self) -> Vec<InterfaceStatus> {
        let status = |attached: &Attached| InterfaceStatus {
            name: attached.name.clone(),
            index: attached.interface.index,
            mode: attached.mode,
        };
        self.ports.values().map(status).collect()
    }

    /// Follows changes of the interfaces' own addresses.
    pub(crate) fn refresh(&mut self, maps: &Maps) {
        if !self.follow {
            return;
        }
        let present = match interface::all() {
            Ok(present) => present,
            Err(error) => {
                warn!(%error, "failed to read the interfaces");
                return;
            }
        };
        for (port, attached) in &mut self.ports {
            let Some(now) = present.get(&attached.name) else {
                continue;
            };
            if now.index == attached.interface.index && now.mac != attached.interface.mac {
                info!(interface = %attached.name, mac = %now.mac, "the interface's address changed");
                attached.interface.mac = now.mac;
                if let Some(word) = maps.ports.word(*port, offset_of!(Port, mac)) {
                    word.store(address_word(now.mac.0), Ordering::Release);
                }
            }
        }
    }
}

/// Where a port's link is pinned.
pub(crate) fn link_path(pins: &Path, port: u32) -> PathBuf {
    pins.join(format!("link_{port}"))
}

/// The port that the interface is already, or a number that nothing uses.
fn port_for(maps: &Maps, interface: u32) -> Option<u32> {
    let of = |port: u32| maps.ports.read(port).unwrap_or_default();
    let is_port = |port: &u32| of(*port).used != 0 && of(*port).interface == interface;
    if let Some(port) = (0..MAX_PORTS).find(is_port) {
        return Some(port);
    }
    let mut free: Vec<bool> = (0..MAX_PORTS).map(|port| of(port).used == 0).collect();
    for hop in (1..maps.hops.len()).filter_map(|number| maps.hops.read(number)) {
        if let Some(free) = free.get_mut(hop.port as usize).filter(|_| hop.used != 0) {
            *free = false;
        }
    }
    free.iter().position(|free| *free).map(|port| port as u32)
}

fn old_mode(maps: &Maps, port: u32, interface: u32) -> Option<XdpMode> {
    let entry = maps
        .ports
        .read(port)
        .filter(|entry| entry.interface == interface)?;
    match entry.used {
        NATIVE => Some(XdpMode::Native),
        GENERIC => Some(XdpMode::Generic),
        _ => None,
    }
}

/// Puts the program in the place of the one on the pinned link; false when that link is gone or dead.
fn replace(director: &mut Xdp, path: &Path) -> bool {
    let Ok(pinned) = PinnedLink::from_pin(path) else {
        return false;
    };
    let Ok(link) = XdpLink::try_from(FdLink::from(pinned)) else {
        return false;
    };
    match director.attach_to_link(link) {
        Ok(_) => true,
        Err(error) => {
            warn!(%error, path = %path.display(), "the pinned link is dead (its interface is gone): attaching anew");
            let _ = fs::remove_file(path);
            false
        }
    }
}

fn attach_anew(
    director: &mut Xdp,
    path: &Path,
    name: &str,
    index: u32,
) -> Result<XdpMode, AttachError> {
    let (link, mode) = match director.attach_to_if_index(index, Attach::Driver) {
        Ok(link) => (link, XdpMode::Native),
        Err(native) => match director.attach_to_if_index(index, Attach::Skb) {
            Ok(link) => {
                warn!(interface = %name, error = %native, "no native XDP on this interface: using the slower generic one");
                (link, XdpMode::Generic)
            }
            // What the native attempt says is what there is to mend.
            Err(_) => {
                return Err(AttachError::Attach {
                    interface: name.to_owned(),
                    source: Box::new(native),
                });
            }
        },
    };
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

/// Writes what the port map says of a port, and leaves its settings as they are.
fn write(maps: &Maps, port: u32, interface: Interface, mode: XdpMode) {
    let used = match mode {
        XdpMode::Native => NATIVE,
        XdpMode::Generic => GENERIC,
    };
    let settings = maps.ports.read(port).unwrap_or_default().settings;
    let mac = address_word(interface.mac.0);
    maps.ports.write(
        port,
        Port {
            mac,
            interface: interface.index,
            used,
            settings,
        },
    );
}

/// Marks a port as not in use.
fn release(maps: &Maps, port: u32) {
    let settings = maps.ports.read(port).unwrap_or_default().settings;
    maps.ports.write(
        port,
        Port {
            settings,
            ..Port::default()
        },
    );
}
