//! Programs that a lab made of veth pairs needs beside the director's.

use aya::{
    Ebpf, EbpfLoader,
    maps::{Map, xdp::DevMap},
    programs::{ProgramError, XdpMode},
};
use dray_abi::{Hop, maps};

use crate::{
    mapped::Mapped,
    program::{self, LoadError},
};

/// Name of the program that passes everything.
pub(crate) const PASS: &str = "pass";
/// Name of the program that pushes a VLAN tag.
pub(crate) const TAG: &str = "tag";

/// Keeps a program attached; detaches it when dropped.
pub struct Guard {
    _ebpf: Ebpf,
}

/// A lab program could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The object could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The program could not be attached.
    #[error("failed to attach the lab program `{program}` to interface {interface}")]
    Attach {
        /// The program's name.
        program: &'static str,
        /// The interface's number.
        interface: u32,
        /// Why.
        #[source]
        source: Box<ProgramError>,
    },
    /// Its maps could not be set.
    #[error("failed to set the map `{0}` of a lab program")]
    Map(&'static str),
}

/// Attaches a program that passes everything: a veth delivers what XDP sends into it only when its other
/// end has a program.
///
/// # Errors
/// When it cannot be loaded or attached.
pub fn attach_pass(interface: u32) -> Result<Guard, LabError> {
    attach(load()?, PASS, interface)
}

/// Attaches a program that pushes a VLAN tag onto every frame that comes in and sends it out by another
/// interface: the access port and the trunk of a switch.
///
/// # Errors
/// When it cannot be loaded or attached.
pub fn attach_tag(interface: u32, vlan: u16, trunk: u32) -> Result<Guard, LabError> {
    let mut ebpf = load()?;
    if let Some(Map::Array(map)) = ebpf.map(maps::HOPS) {
        let hops: Mapped<Hop> = Mapped::new(std::os::fd::AsFd::as_fd(map.fd()), 1)
            .map_err(|_| LabError::Map(maps::HOPS))?;
        hops.write(
            0,
            Hop {
                vlan: u32::from(vlan),
                ..Hop::default()
            },
        );
    }
    let egress = ebpf
        .map_mut(maps::EGRESS)
        .and_then(|map| DevMap::try_from(map).ok());
    let set = egress.map(|mut egress| egress.set(0, trunk, None, 0));
    match set {
        Some(Ok(())) => attach(ebpf, TAG, interface),
        _ => Err(LabError::Map(maps::EGRESS)),
    }
}

fn load() -> Result<Ebpf, LoadError> {
    let object = dray_bpf::director().ok_or(LoadError::NoObject)?;
    EbpfLoader::new()
        .load(object)
        .map_err(|error| LoadError::Object(Box::new(error)))
}

fn attach(mut ebpf: Ebpf, program: &'static str, interface: u32) -> Result<Guard, LabError> {
    let xdp = program::verify(&mut ebpf, program)?;
    xdp.attach_to_if_index(interface, XdpMode::Driver)
        .map_err(|source| LabError::Attach {
            program,
            interface,
            source: Box::new(source),
        })?;
    Ok(Guard { _ebpf: ebpf })
}
