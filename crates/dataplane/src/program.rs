//! Loading the eBPF object: one copy of the program for each port, all on the same maps.

use std::{io, path::PathBuf};

use aya::{
    Ebpf, EbpfError, EbpfLoader, VerifierLogLevel,
    programs::{ProgramError, Xdp},
};
use dray_abi::{Identity, maps};

use crate::maps::{MapsError, entries};

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

/// What every copy of the program is loaded with.
pub(crate) struct Loader {
    pub(crate) identity: Identity,
    /// Whether time is what the settings say.
    pub(crate) own_clock: bool,
    /// Where the maps are pinned; without, each copy has its own.
    pub(crate) pins: Option<PathBuf>,
    /// What an error of the verifier tells.
    pub(crate) log: VerifierLogLevel,
}

impl Loader {
    /// Loads the object for a port, with these [parts](dray_abi::Features). Pinned maps are used; what is missing is made.
    pub(crate) fn load(&self, port: u32, features: u32) -> Result<Ebpf, LoadError> {
        self.load_logged(port, features, self.log)
    }

    fn load_logged(
        &self,
        port: u32,
        features: u32,
        log: VerifierLogLevel,
    ) -> Result<Ebpf, LoadError> {
        let object = dray_bpf::director().ok_or(LoadError::NoObject)?;
        let identity = &self.identity;
        let own_clock = u32::from(self.own_clock);
        let mut loader = EbpfLoader::new();
        loader
            .verifier_log_level(log)
            .override_global("PORT", &port, true)
            .override_global("FEATURES", &features, true)
            .override_global("BUCKETS4", &identity.buckets4, true)
            .override_global("BUCKETS6", &identity.buckets6, true)
            .override_global("TEMPLATE_BUCKETS", &identity.template_buckets, true)
            .override_global("TRANSLATION_BUCKETS", &identity.translation_buckets, true)
            .override_global("DESTINATION_ROOM", &identity.destinations, true)
            .override_global("OWN_CLOCK", &own_clock, true)
            .override_global("HASH_KEY", &identity.hash_key.multipliers[..], true);
        for name in maps::ALL {
            loader.map_max_entries(name, entries(name, identity));
            if let Some(directory) = &self.pins {
                loader.map_pin_path(name, directory.join(name));
            }
        }
        loader
            .load(object)
            .map_err(|error| LoadError::Object(Box::new(error)))
    }

    /// Loads the object for a port and has the kernel verify its director. The verifier's log, which takes far longer than to
    /// verify without, is asked for only when the program was refused.
    pub(crate) fn load_director(&self, port: u32, features: u32) -> Result<Ebpf, LoadError> {
        let mut silent = self.load_logged(port, features, VerifierLogLevel::DISABLE)?;
        if verify(&mut silent, DIRECTOR).is_ok() {
            return Ok(silent);
        }
        let mut logged = self.load(port, features)?;
        verify(&mut logged, DIRECTOR)?;
        Ok(logged)
    }
}

/// The director of a loaded object.
pub(crate) fn director(ebpf: &mut Ebpf) -> Result<&mut Xdp, LoadError> {
    program(ebpf, DIRECTOR)
}

/// A program of a loaded object.
pub(crate) fn program<'a>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut Xdp, LoadError> {
    let program = ebpf.program_mut(name).ok_or(LoadError::NoObject)?;
    program.try_into().map_err(|source| LoadError::Program {
        program: name,
        source: Box::new(source),
    })
}

/// Hands a program of the object to the kernel's verifier.
pub(crate) fn verify<'a>(
    ebpf: &'a mut Ebpf,
    program: &'static str,
) -> Result<&'a mut Xdp, LoadError> {
    let xdp = self::program(ebpf, program)?;
    let mut outcome = xdp.load();
    // A signal that comes meanwhile ends the verifier's work, but not for good.
    for _ in 1..ATTEMPTS {
        if !outcome.as_ref().is_err_and(is_interrupted) {
            break;
        }
        outcome = xdp.load();
    }
    outcome.map_err(|source| LoadError::Program {
        program,
        source: Box::new(source),
    })?;
    Ok(xdp)
}

/// How often a program is handed over whose verification is interrupted: as often as by libbpf.
const ATTEMPTS: u32 = 5;

fn is_interrupted(error: &ProgramError) -> bool {
    matches!(error, ProgramError::LoadError { io_error, .. } if io_error.kind() == io::ErrorKind::WouldBlock)
}
