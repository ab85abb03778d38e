//! The data plane as user space sees it: loads the eBPF object, pins it, finds it again after a restart, and
//! carries out the control room's actions on its maps. The only room that names aya.
//!
//! ```text
//!                    BPFFS/v<ABI>/  maps, links        (outlive the daemon)
//!                          │ open
//! Action ─▶ KernelDataPlane ─┬─ Maps: arrays mapped into our memory, no system calls
//!                            ├─ Arena: where scheduling records lie
//!                            └─ Ports: interfaces and the program's copy on each
//! ```
//!
//! Everything that packets read is published by storing one word (see `dray_abi`). What packets may still be
//! reading is used again only after a grace period (`grace.rs`).
//!
//! Start with [`open`], then [`KernelDataPlane`].

mod apply;
mod arena;
mod attach;
mod capacity;
mod clock;
mod connections;
mod decapsulator;
mod destination;
mod drop_entries;
mod end_entries;
mod ending;
mod features;
mod fragments;
mod freed;
mod grace;
mod interface;
mod kernel;
pub mod lab;
mod link;
mod locality;
mod locals;
mod mapped;
mod maps;
mod marks;
mod observe;
mod occupancy;
mod open;
mod pins;
mod policy;
mod ports;
mod private;
mod program;
mod published;
mod settings;
mod slots;
mod sweep;
mod translations;
pub mod verifier;
mod wire;

pub use attach::AttachError;
pub use capacity::Capacity;
pub use decapsulator::{
    DecapCount, Decapsulator, DecapsulatorError, Network, NetworkError, Tunnels,
};
pub use kernel::{KernelDataPlane, TableBytes};
pub use occupancy::Occupancy;
pub use open::{OpenError, Opened, Options, open, pinned, withdraw};
pub use private::{Outcome, Private, RunError};
pub use program::LoadError;
