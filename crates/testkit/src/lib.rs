//! What tests of several rooms share. A dev-dependency only.
//!
//! - [`frames`]: Ethernet frames, built field by field, for whatever reads packets.
//! - [`FakeDataPlane`] and [`FakeNet`]: the two ports of `dray-model`, on plain maps.
//! - [`eventually!`]: waiting for something to become true, without a guess at how long it takes.

mod dataplane;
mod eventually;
pub mod frames;
mod net;

pub use dataplane::FakeDataPlane;
pub use eventually::{PAUSE, patience};
pub use net::FakeNet;

#[doc(hidden)]
pub use tokio;
