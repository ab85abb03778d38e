//! What runs inside the kernel that dray is compared with, and how the host talks to it.
//!
//! The host boots a User-Mode-Linux kernel whose `/init` is this crate's binary. They exchange files in one folder
//! that the host lends to the guest:
//!
//! ```text
//! host                       folder (/guest)                        guest
//! oracle: scenario ─▶ Plan ─▶ plans/0 plans/1 … ─▶ /init: mounts, modules; one child for each plan
//! oracle: answers ◀─ events ◀─ reports/0 reports/1 … ◀─ child: own network namespace, two taps, the plan
//!                            kernel  errors
//! ```
//!
//! Both formats are lines of text, so that a plan or a report that surprises can be read. They are read and written by
//! hand-made code and not by a library, because libraries choose vector instructions by asking the processor, and
//! this kernel does not keep vector registers over a page fault (see `oracle`, which also keeps the C library from
//! them).
//!
//! The binary is linked statically and has nothing but this crate in it: the guest's files come from packages.

mod line;
mod plan;
mod report;

pub use plan::{Instruction, Plan, Side};
pub use report::{Event, Frame, events};

/// Where the guest finds the folder that the host lends it.
pub const FOLDER: &str = "/guest";
/// The plans, in [`FOLDER`]: one file each, named by a number from 0.
pub const PLANS: &str = "plans";
/// The reports, in [`FOLDER`]: one file for each plan, of the same name.
pub const REPORTS: &str = "reports";
/// The file in [`FOLDER`] with the guest kernel's release and version.
pub const KERNEL: &str = "kernel";
/// The file in [`FOLDER`] with what went wrong before or beside the plans; absent when nothing did.
pub const ERRORS: &str = "errors";
/// The variable in the guest's environment (that is, on the kernel's command line) with the host's path of [`FOLDER`].
pub const FOLDER_VARIABLE: &str = "DRAY_FOLDER";
/// The variable with the host's path of the kernel's modules.
pub const MODULES_VARIABLE: &str = "DRAY_MODULES";

/// What a line of a plan or of a report should have been.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {number} is not understood: `{line}`")]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// The line.
    pub line: String,
}
