//! The real server's side of tunnels: loads the decapsulator, which takes packets out of the tunnels of the directors that it is
//! told, and gives them to the host.
//!
//! ```text
//! NIC ─▶ decapsulator ─▶ the host's stack
//!             │   a tunnel's packet from a director: what is inside it
//!             │   any other tunnel's packet for this host: dropped
//!             └─  everything else: as it came
//! ```
//!
//! It belongs to its process: when that ends, however it does, the kernel detaches the program. No map is shared with a director.

mod network;

use std::num::NonZeroU16;

use aya::{
    Ebpf, EbpfLoader,
    maps::{LpmTrie, MapData, MapError, PerCpuArray, lpm_trie::Key},
    programs::{TestRun as _, TestRunOptions},
};
use dray_abi::{DecapReason, MAX_TUNNEL_SOURCES, maps};
use dray_model::{Mac, XdpMode};
use dray_packet::ethernet;

use crate::{
    attach::{self, AttachError},
    interface,
    private::{Outcome, RunError},
    program::{LoadError, program, verify},
};

pub use network::{Network, NetworkError};

/// Name of the program.
pub(crate) const DECAPSULATOR: &str = "decapsulator";

/// Which tunnels' packets are taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnels {
    /// Where they may come from: the directors' outer sources. At most 1,024.
    pub directors: Vec<Network>,
    /// The UDP port that GUE comes to.
    pub gue_port: NonZeroU16,
}

/// The decapsulator, as long as it is held.
pub struct Decapsulator {
    ebpf: Ebpf,
    counts: PerCpuArray<MapData, u64>,
}

/// How many packets something became of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecapCount {
    /// What became of them.
    pub reason: DecapReason,
    /// How many.
    pub packets: u64,
}

/// The decapsulator could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DecapsulatorError {
    /// There is no such interface.
    #[error("no interface {0} that carries Ethernet frames; `ip link` shows which there are")]
    NoInterface(String),
    /// The interfaces cannot be listed.
    #[error("failed to list the interfaces")]
    Interfaces(#[source] std::io::Error),
    /// More networks than there is room for.
    #[error(
        "{0} networks to take tunnels from, but there is room for {MAX_TUNNEL_SOURCES}: name larger ones"
    )]
    TooMany(usize),
    /// The program could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It could not be attached.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// A map cannot be used.
    #[error("failed to use the map {map}")]
    Map {
        /// Its name.
        map: &'static str,
        /// Why.
        #[source]
        source: MapError,
    },
}

impl Decapsulator {
    /// Takes packets out of tunnels that come in by this interface, from now on.
    ///
    /// # Errors
    /// When there is no such interface, it has another XDP program, or the kernel refuses the program. Needs CAP_BPF and
    /// CAP_NET_ADMIN.
    pub fn attach(name: &str, tunnels: &Tunnels) -> Result<(Self, XdpMode), DecapsulatorError> {
        let interfaces = interface::all().map_err(DecapsulatorError::Interfaces)?;
        let interface = interfaces
            .get(name)
            .ok_or_else(|| DecapsulatorError::NoInterface(name.to_owned()))?;
        let mut this = Self::load(interface.mac, tunnels)?;
        let program = program(&mut this.ebpf, DECAPSULATOR)?;
        let (_, mode) = attach::natively_or_not(program, name, interface.index)?;
        Ok((this, mode))
    }

    /// Loads it without an interface, for frames to this Ethernet address that [`run`](Self::run) gives it.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn load(own: Mac, tunnels: &Tunnels) -> Result<Self, DecapsulatorError> {
        let directors = &tunnels.directors;
        if directors.len() > MAX_TUNNEL_SOURCES as usize {
            return Err(DecapsulatorError::TooMany(directors.len()));
        }
        let object = dray_bpf::director().ok_or(LoadError::NoObject)?;
        let own = ethernet::address_word(own.0);
        let gue_port = u32::from(tunnels.gue_port.get());
        let mut loader = EbpfLoader::new();
        loader
            .override_global("OWN_ADDRESS", &own, true)
            .override_global("GUE_PORT", &gue_port, true);
        // The director's maps are in the same object, but nothing is put into them here.
        for name in maps::ALL {
            loader.map_max_entries(name, 1);
        }
        let mut ebpf = loader
            .load(object)
            .map_err(|error| LoadError::Object(Box::new(error)))?;
        verify(&mut ebpf, DECAPSULATOR)?;
        allow(&mut ebpf, directors).map_err(of(maps::TUNNEL_SOURCES))?;
        let counts = ebpf.take_map(maps::DECAP_REASONS);
        let counts = counts.ok_or(LoadError::NoObject)?;
        let counts = counts.try_into().map_err(of(maps::DECAP_REASONS))?;
        Ok(Self { ebpf, counts })
    }

    /// What became of packets so far.
    ///
    /// # Errors
    /// When the kernel does not let the counters be read.
    pub fn counts(&self) -> Result<Vec<DecapCount>, DecapsulatorError> {
        let count = |reason: &DecapReason| {
            let processors = self.counts.get(&(*reason as u32), 0);
            let processors = processors.map_err(of(maps::DECAP_REASONS))?;
            Ok(DecapCount {
                reason: *reason,
                packets: processors.iter().sum(),
            })
        };
        DecapReason::ALL.iter().map(count).collect()
    }

    /// Gives the program a frame, whether it is attached or not.
    ///
    /// # Errors
    /// When the kernel does not take the frame: shorter than an Ethernet header (14 bytes), or longer than a page and 17
    /// fragments of one hold.
    pub fn run(&mut self, frame: &[u8]) -> Result<Outcome, RunError> {
        let mut out = vec![0; frame.len()];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let refused = |source| RunError::Frame {
            length: frame.len(),
            source: Box::new(source),
        };
        let program = program(&mut self.ebpf, DECAPSULATOR)?;
        let result = program.test_run(options).map_err(refused)?;
        out.truncate(result.data_size_out as usize);
        Ok(Outcome {
            verdict: result.return_value,
            frame: out,
        })
    }
}

/// Lets tunnels come from these networks.
fn allow(ebpf: &mut Ebpf, directors: &[Network]) -> Result<(), MapError> {
    let map = ebpf.map_mut(maps::TUNNEL_SOURCES);
    let map = map.ok_or(MapError::InvalidName {
        name: maps::TUNNEL_SOURCES.to_owned(),
    })?;
    let mut sources: LpmTrie<_, [u8; 16], u32> = map.try_into()?;
    for director in directors {
        let key = director.key();
        sources.insert(&Key::new(key.prefix, key.address), 1, 0)?;
    }
    Ok(())
}

fn of(map: &'static str) -> impl Fn(MapError) -> DecapsulatorError {
    move |source| DecapsulatorError::Map { map, source }
}
