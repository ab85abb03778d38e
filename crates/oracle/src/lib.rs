//! The real kernel's IPVS, asked: what would it do?
//!
//! dray promises IPVS's choices. The proof is to let a real kernel play the same scenarios, here in User-Mode-Linux
//! (see [`Machine`]), and to compare its answers with dray's, which `dray-replay` gives:
//!
//! ```text
//! Scenario ─ plan ─▶ Plan ─ Machine ─▶ events ─ answers ─▶ Scenario with the kernel's answers   (record)
//! Scenario with answers ─▶ record ─▶ compared                                                  (is the record right?)
//! seed ─ fuzz::generate ─▶ Scenario ─▶ record ─▶ dray plays it ─▶ compared ─▶ shrunk           (is dray right?)
//! ```
//!
//! All scenarios of one call share a few boots of about 3 s, one on each processor; each has a network namespace of its
//! own, with the director's surroundings of `dray_replay::site`.

pub mod fuzz;
mod machine;
mod record;

pub use machine::{Machine, Played};
pub use record::{Complaint, Recording, record};

use std::path::{Path, PathBuf};

/// Where this checkout keeps its machine: in `target/`, so that it is there for the next run.
#[must_use]
pub fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in the workspace's folder of crates")
        .join("target/oracle")
}
