//! What tests of several rooms share. A dev-dependency only.
//!
//! - [`frames`]: Ethernet frames, built field by field.

pub mod frames;
