//! The director's interfaces: the program's copy on each, and the entries that packets read.

use std::{
    collections::BTreeMap,
    mem::offset_of,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use aya::maps::xdp::XdpMapError;
use dray_abi::{MAX_PORTS, Port};
use dray_model::{InterfaceStatus, XdpMode};
use dray_packet::ethernet::address_word;
use tracing::{info, warn};

use crate::{
    attach::{self, AttachError, link_path},
    interface::{self, Interface},
    link,
    maps::Maps,
    program::{self, LoadError, Loader},
};

/// Entry of the port map that says how the program is attached.
const NATIVE: u32 = 1;
const GENERIC: u32 = 2;

/// The director's interfaces by port number.
pub(crate) struct Ports {
    ports: BTreeMap<u32, Attached>,
    /// The parts of the program that its copies have: bits of [`Features`](dray_abi::Features).
    features: u32,
    /// What makes copies for real interfaces. A private instance's are not, and it loads its own.
    source: Option<Source>,
}

/// What a port's copy of the program is made of, and where its link is pinned.
struct Source {
    loader: Loader,
    pins: PathBuf,
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
            features: 0,
            source: None,
        })
    }

    /// Makes each of the interfaces a port, on links pinned in `pins`. Those that had a link get the new
    /// program in the old one's place, between two packets.
    pub(crate) fn attach(
        maps: &mut Maps,
        pins: &Path,
        wanted: Vec<(String, Interface)>,
        loader: Loader,
    ) -> Result<Self, AttachError> {
        let features = maps.features();
        let mut ports = BTreeMap::new();
        for (name, interface) in wanted {
            let port = port_for(maps, interface.index).ok_or(AttachError::TooMany)?;
            let mut ebpf = loader.load_director(port, features)?;
            let director = program::director(&mut ebpf)?;
            let link = link_path(pins, port);
            let mode = match old_mode(maps, port, interface.index) {
                Some(mode) if attach::take_over(director, &link) => mode,
                _ => attach::anew(director, &link, &name, interface.index)?,
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
            features,
            source: Some(Source {
                loader,
                pins: pins.to_owned(),
            }),
        })
    }

    /// The parts of the program that its copies have.
    pub(crate) fn features(&self) -> u32 {
        self.features
    }

    /// Gives every port a copy of the program with these parts, between two packets. When it fails, some ports may have
    /// it all the same.
    pub(crate) fn reload(&mut self, features: u32) -> Result<(), LoadError> {
        if let Some(Source { loader, pins }) = &self.source {
            // All are verified before the first one is replaced.
            let mut copies = Vec::new();
            for (port, attached) in &self.ports {
                let copy = loader.load_director(*port, features)?;
                copies.push((attached, link_path(pins, *port), copy));
            }
            for (attached, link, mut copy) in copies {
                if !attach::renew(program::director(&mut copy)?, &link)? {
                    warn!(interface = %attached.name, "the interface is gone: it stays without the program's new parts");
                }
            }
        }
        self.features = features;
        Ok(())
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
        if self.source.is_none() {
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
