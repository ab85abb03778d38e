//! What other balancers are configured with, in; dray's configuration and a report of every line, out.
//!
//! ```text
//! keepalived.conf ─▶ keepalived ─┐
//!                                ├─▶ draft ─ model::config::parse judges ─▶ TOML text
//! ipvsadm-save    ─▶ ipvsadm ────┘     │
//!                                      └─▶ report: each line's verdict and why
//! ```
//!
//! What dray can do is translated. What it does in another way is approximated, and the report says how. What it cannot do
//! yet stands as a comment at its place in the TOML, and so does what makes no sense to it: nothing is dropped silently.
//! The rules of dray's own configuration are nowhere repeated here: [`draft`] lets the model's parser judge, and what it
//! refuses becomes a comment with its words. So every import is a file that `dray check` accepts.
//!
//! The room is pure: files come through [`keepalived::Files`].

mod draft;
pub mod ipvsadm;
pub mod keepalived;
mod report;

pub use keepalived::{Fault, Faults, Files, Name};
pub use report::{Entry, Report, Verdict};

/// The interface's name where nothing says which one it is. No interface has it, so a director that is started with it
/// says so, instead of taking the wrong one.
pub const PLACEHOLDER: &str = "REPLACE-ME";

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// A configuration that `dray check` accepts, with comments that say where its parts come from.
    pub toml: String,
    /// What became of each line, and what is left to be done by hand.
    pub report: Report,
}
