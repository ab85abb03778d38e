//! What tests of several rooms share. A dev-dependency only.
//!
//! - [`frames`]: Ethernet frames, built field by field, for whatever reads packets.
//! - [`FakeDataPlane`] and [`FakeNet`]: the two ports of `dray-model`, on plain maps.
//! - [`eventually!`]: waiting for something to become true, without a guess at how long it takes.
//! - [`once_free`]: taking a lock that its last owner may seem to hold a moment longer.

mod dataplane;
mod eventually;
pub mod frames;
mod net;
mod once_free;

pub use dataplane::FakeDataPlane;
pub use eventually::{PAUSE, patience};
pub use net::FakeNet;
pub use once_free::once_free;

#[doc(hidden)]
pub use tokio;
