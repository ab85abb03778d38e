//! Where a subject may differ from the kernel, and why.
//!
//! Each is explained in `docs/equivalence.md` too. An exception is narrow: it names the step's difference, not a whole
//! scenario.

use dray_replay::{Scenario, compare::Difference};

/// A difference that is explained.
#[derive(Debug)]
pub struct Exception {
    /// Its name in the fuzzer's summary.
    pub name: &'static str,
    /// Why the two differ, and why that is right.
    pub reason: &'static str,
    applies: fn(&Scenario, &Difference) -> bool,
}

/// Every explained difference.
pub const EXCEPTIONS: &[Exception] = &[];

/// The exception that explains this difference of a scenario with the kernel's answers.
pub(super) fn explanation(
    recorded: &Scenario,
    difference: &Difference,
) -> Option<&'static Exception> {
    EXCEPTIONS
        .iter()
        .find(|exception| (exception.applies)(recorded, difference))
}
