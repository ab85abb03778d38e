//! The differential fuzzer: random scenarios, played by the kernel and by a subject, until their answers differ.
//!
//! ```text
//! seed, number ─ generate ─▶ scenarios ─ record, batch by batch ─▶ with the kernel's answers
//!      ─ Subject ─▶ with its answers ─ compared, exceptions ─▶ agreed | explained | Finding ─ shrink ─▶ a small one
//! ```
//!
//! Both sides are asked again for each step of shrinking, the kernel for many candidates at once.

mod chance;
mod exceptions;
mod generate;
mod judge;
mod run;
mod shrink;

pub use exceptions::{EXCEPTIONS, Exception};
pub use judge::{Dray, Finding, Subject};
pub use run::{Extent, Outcome, run};
pub use shrink::shrink;

use dray_replay::Scenario;

/// Scenario `number` of the run `seed`: always the same one.
#[must_use]
pub fn scenario(seed: u64, number: u64) -> Scenario {
    generate::scenario(seed, number)
}
