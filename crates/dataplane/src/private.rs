//! A data plane that nobody else sees: for tests, benchmarks and replays.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use aya::{
    Ebpf, VerifierLogLevel,
    maps::MapError,
    programs::{ProgramError, TestRun as _, TestRunOptions, Xdp},
};
use dray_abi::ticks_of_nanoseconds;
use dray_model::Mac;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::{
    Capacity, KernelDataPlane,
    interface::Interface,
    maps::Maps,
    open::fresh_identity,
    ports::Ports,
    program::{self, LoadError, Loader},
};

/// The time by an instance's clock when it is made: so much that nothing lies before the clock's beginning.
const BEGINNING: Duration = Duration::from_secs(1 << 20);

/// A data plane that nobody else sees: nothing pinned that anybody could find, nothing attached, packets by
/// `BPF_PROG_TEST_RUN`, and a clock of its own that stands still until it is [advanced](Self::advance).
///
/// Its first port is interface number 1, named `port0`, the next one number 2, `port1`, and so on.
pub struct Private {
    /// The program's copy for each port, from the first packet that comes in by it on.
    copies: Vec<Option<Copy>>,
    plane: KernelDataPlane,
    loader: Loader,
    now: Duration,
    /// Goes after what leads to the maps by it.
    _pins: Pins,
}

/// A port's copy of the program.
struct Copy {
    ebpf: Ebpf,
    /// The parts that it was loaded with.
    features: u32,
}

/// What the program did with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// XDP's verdict (`enum xdp_action` of the kernel).
    pub verdict: u32,
    /// The frame as it left the program.
    pub frame: Vec<u8>,
}

/// A frame could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The instance has no such port.
    #[error("there is no port {0}")]
    NoPort(usize),
    /// The port's copy of the program could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel does not take the frame.
    #[error("the kernel does not run the program on a frame of {length} bytes")]
    Frame {
        /// Its length.
        length: usize,
        /// Why.
        #[source]
        source: Box<ProgramError>,
    },
}

impl Private {
    /// Makes one whose ports have these addresses.
    ///
    /// # Errors
    /// When the object cannot be loaded, which needs CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN.
    pub fn new(capacity: Capacity, ports: &[Mac]) -> Result<Self, LoadError> {
        let system = |what| move |source| LoadError::System { what, source };
        let identity = fresh_identity(&capacity, 0).map_err(system("make a hash key"))?;
        let pins = Pins::new().map_err(system("make a bpffs that nobody sees"))?;
        let loader = Loader {
            identity,
            own_clock: true,
            pins: Some(pins.path.clone()),
            log: VerifierLogLevel::default(),
        };
        let mut first = loader.load_director(0, 0)?;
        let mut maps = Maps::take(&mut first, &identity)?;
        let interfaces = ports
            .iter()
            .zip(1..)
            .map(|(mac, index)| Interface { index, mac: *mac });
        let unattached = Ports::unattached(&mut maps, interfaces)
            .map_err(io::Error::other)
            .map_err(system("write the egress map"))?;
        let first = Copy {
            ebpf: first,
            features: 0,
        };
        let mut copies = vec![Some(first)];
        copies.resize_with(ports.len().max(1), || None);
        let private = Self {
            copies,
            plane: KernelDataPlane::assemble(maps, identity, unattached),
            loader,
            now: Duration::ZERO,
            _pins: pins,
        };
        private.set_clock();
        Ok(private)
    }

    /// The data plane.
    pub fn data_plane(&mut self) -> &mut KernelDataPlane {
        &mut self.plane
    }

    #[cfg(test)]
    pub(crate) fn plane(&self) -> &KernelDataPlane {
        &self.plane
    }

    /// The data plane alone, without the program.
    pub fn into_data_plane(self) -> KernelDataPlane {
        self.plane
    }

    /// Makes it as it was when it was made: as good as a new one, and had in no time, because the programs are loaded
    /// already, with the parts that were ever asked for.
    ///
    /// # Errors
    /// When the kernel does not let a service go.
    pub fn reset(&mut self) -> Result<(), MapError> {
        self.plane.clear()?;
        self.now = Duration::ZERO;
        self.set_clock();
        Ok(())
    }

    /// How much time has passed since the instance was made.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Lets time pass. Packets and sweeps see it in ticks of 67 ms; what a tick does not hold is not lost.
    pub fn advance(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        self.set_clock();
    }

    fn set_clock(&self) {
        let nanoseconds = BEGINNING.saturating_add(self.now).as_nanos() as u64;
        self.plane
            .maps()
            .store_clock(ticks_of_nanoseconds(nanoseconds));
    }

    /// Gives the program a frame that comes in by the first port.
    ///
    /// # Errors
    /// As [`Self::run_on`].
    pub fn run(&mut self, frame: &[u8]) -> Result<Outcome, RunError> {
        self.run_on(0, frame)
    }

    /// Gives the program a frame that comes in by this port.
    ///
    /// # Errors
    /// When there is no such port, or the kernel does not take the frame: shorter than an Ethernet header (14 bytes), or longer
    /// than a page and 17 fragments of one hold. When it is the first frame of this port: when the port's copy of the
    /// program cannot be loaded.
    pub fn run_on(&mut self, port: usize, frame: &[u8]) -> Result<Outcome, RunError> {
        let mut out = vec![0; frame.len() + 256];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let refused = |source| RunError::Frame {
            length: frame.len(),
            source: Box::new(source),
        };
        let result = self.copy(port)?.test_run(options).map_err(refused)?;
        out.truncate(result.data_size_out as usize);
        Ok(Outcome {
            verdict: result.return_value,
            frame: out,
        })
    }

    /// The program of the first port as it is now, for benchmarks.
    ///
    /// # Errors
    /// When it cannot be loaded with the parts that are asked for since the last packet.
    pub fn director(&mut self) -> Result<&mut Xdp, RunError> {
        self.copy(0)
    }

    /// The port's copy of the program, which shares the maps with all others, with the parts that the data plane asks for.
    fn copy(&mut self, port: usize) -> Result<&mut Xdp, RunError> {
        let copy = self.copies.get_mut(port).ok_or(RunError::NoPort(port))?;
        let features = self.plane.features();
        if copy.as_ref().is_none_or(|copy| copy.features != features) {
            let ebpf = self.loader.load_director(port as u32, features)?;
            *copy = Some(Copy { ebpf, features });
        }
        let copy = copy.as_mut().ok_or(RunError::NoPort(port))?;
        Ok(program::director(&mut copy.ebpf)?)
    }
}

/// A bpffs that is mounted nowhere, by which the copies of the program come to the same maps. It goes with its handle.
struct Pins {
    path: PathBuf,
    _mount: OwnedFd,
}

impl Pins {
    fn new() -> io::Result<Self> {
        let context = fsopen("bpf", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let mount = fsmount(
            context.as_fd(),
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::empty(),
        )?;
        let path = Path::new("/proc/self/fd").join(mount.as_raw_fd().to_string());
        Ok(Self {
            path,
            _mount: mount,
        })
    }
}
