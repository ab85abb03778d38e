//! Carrying a plan out, step by step.

use dray_model::DataPlaneError;

/// A step of a plan could not be carried out. Those before it were; each leaves the data plane in a
/// state that forwards correctly.
#[derive(Debug, thiserror::Error)]
#[error("failed to {step}")]
pub struct ApplyError {
    /// The step, in words.
    pub step: String,
    /// Why it failed.
    #[source]
    pub source: DataPlaneError,
}
