//! Loading the eBPF object: one copy of the program for each port, all on the same maps.

use std::{io, os::fd::AsFd as _, path::Path, time::Duration};

use aya::{
    Ebpf, EbpfError, EbpfLoader,
    programs::{ProgramError, TestRun as _, TestRunOptions, Xdp},
};
use dray_abi::{Identity, TICK_SHIFT, maps};
use dray_model::Mac;

use crate::{
    Capacity, KernelDataPlane,
    interface::Interface,
    maps::{Maps, MapsError, entries},
    open::fresh_identity,
    ports::Ports,
};

/// Name of the program that balances.
pub(crate) const DIRECTOR: &str = "director";

/// The object could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// This binary has none.
    #[error(
        "this binary was built without its eBPF object: run `cargo xtask setup` and build it again (docs/building.md)"
    )]
    NoObject,
    /// The maps or programs are not accepted.
    #[error("failed to load the eBPF object")]
    Object(#[source] Box<EbpfError>),
    /// The kernel refuses the program.
    #[error("the kernel refuses the program `{program}`")]
    Program {
        /// Its name.
        program: &'static str,
        /// Why, with the verifier's log.
        #[source]
        source: Box<ProgramError>,
    },
    /// A map of the object cannot be used.
    #[error(transparent)]
    Maps(#[from] MapsError),
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

/// Loads the object for a port. With `pins`, its maps are the pinned ones there; what is missing is made.
pub(crate) fn load(
    port: u32,
    identity: &Identity,
    own_clock: bool,
    pins: Option<&Path>,
) -> Result<Ebpf, LoadError> {
    let object = dray_bpf::director().ok_or(LoadError::NoObject)?;
    let own_clock = u32::from(own_clock);
    let mut loader = EbpfLoader::new();
    loader
        .override_global("PORT", &port, true)
        .override_global("BUCKETS4", &identity.buckets4, true)
        .override_global("BUCKETS6", &identity.buckets6, true)
        .override_global("DESTINATION_ROOM", &identity.destinations, true)
        .override_global("OWN_CLOCK", &own_clock, true)
        .override_global("HASH_KEY", &identity.hash_key.multipliers[..], true);
    for name in maps::ALL {
        loader.map_max_entries(name, entries(name, identity));
        if let Some(directory) = pins {
            loader.map_pin_path(name, directory.join(name));
        }
    }
    loader
        .load(object)
        .map_err(|error| LoadError::Object(Box::new(error)))
}

/// Hands a program of the object to the kernel's verifier.
pub(crate) fn verify<'a>(
    ebpf: &'a mut Ebpf,
    program: &'static str,
) -> Result<&'a mut Xdp, LoadError> {
    let refused = |source| LoadError::Program {
        program,
        source: Box::new(source),
    };
    let xdp: &mut Xdp = ebpf
        .program_mut(program)
        .ok_or(LoadError::NoObject)?
        .try_into()
        .map_err(refused)?;
    xdp.load().map_err(refused)?;
    Ok(xdp)
}

/// A data plane that nobody else sees: nothing pinned, nothing attached, packets by `BPF_PROG_TEST_RUN`,
/// and a clock of its own.
///
/// Its first port has the interface number 1, the next one 2, and so on.
pub struct Private {
    ebpf: Ebpf,
    plane: KernelDataPlane,
}

/// What the program did with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// XDP's verdict (`enum xdp_action` of the kernel).
    pub verdict: u32,
    /// The frame as it left the program.
    pub frame: Vec<u8>,
}

impl Private {
    /// Makes one whose ports have these addresses; frames come in by the first of them.
    ///
    /// # Errors
    /// When the object cannot be loaded, which needs CAP_BPF and CAP_NET_ADMIN.
    pub fn new(capacity: Capacity, ports: &[Mac]) -> Result<Self, LoadError> {
        let system = |what| move |source| LoadError::System { what, source };
        let identity = fresh_identity(&capacity, 0).map_err(system("make a hash key"))?;
        let mut ebpf = load(0, &identity, true, None)?;
        verify(&mut ebpf, DIRECTOR)?;
        let mut maps = Maps::take(&mut ebpf, &identity)?;
        let interfaces = ports
            .iter()
            .zip(1..)
            .map(|(mac, index)| Interface { index, mac: *mac });
        let ports = Ports::unattached(&mut maps, interfaces)
            .map_err(io::Error::other)
            .map_err(system("write the egress map"))?;
        let plane = KernelDataPlane::assemble(maps, identity, ports);
        plane.maps().set_clock(1);
        Ok(Self { ebpf, plane })
    }

    /// The data plane.
    pub fn data_plane(&mut self) -> &mut KernelDataPlane {
        &mut self.plane
    }

    /// The data plane alone, without the program.
    pub fn into_data_plane(self) -> KernelDataPlane {
        self.plane
    }

    /// Lets time pass, rounded down to ticks of 67 ms.
    pub fn pass_time(&mut self, time: Duration) {
        let ticks = (time.as_nanos() >> TICK_SHIFT) as u32;
        self.plane
            .maps()
            .set_clock(self.plane.maps().settings().clock.wrapping_add(ticks));
    }

    /// Gives the program a frame.
    ///
    /// # Errors
    /// When the kernel does not take it: shorter than an Ethernet header (14 bytes), or longer than a page allows.
    pub fn run(&mut self, frame: &[u8]) -> Result<Outcome, ProgramError> {
        let mut out = vec![0; frame.len() + 256];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let result = self.director().test_run(options)?;
        out.truncate(result.data_size_out as usize);
        Ok(Outcome {
            verdict: result.return_value,
            frame: out,
        })
    }

    /// The program, for benchmarks.
    pub fn director(&mut self) -> &mut Xdp {
        self.ebpf
            .program_mut(DIRECTOR)
            .and_then(|program| program.try_into().ok())
            .unwrap_or_else(|| unreachable!("`new` has loaded it"))
    }

    /// Instructions that the verifier looked at (its limit is 1,000,000).
    pub fn verified_instructions(&mut self) -> Option<u32> {
        let program = self.director();
        let _ = program.fd().ok()?.as_fd();
        program.info().ok()?.verified_instruction_count()
    }
}
