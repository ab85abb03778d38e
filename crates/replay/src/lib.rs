//! Recorded scenarios of IPVS, played on a private data plane and compared: the proof that dray makes the same choices.
//!
//! ```text
//!   file ─▶ scenario ─▶ play ─────────────────────────────▶ answers ─▶ compare ─▶ verdict
//!                        │ commands          │ packets
//!                        ▼                   ▼
//!                     ipvsadm ─▶ ipvs ─▶ director: private data plane + host
//!                        ▲         │
//!                        └ listing ┘
//! ```
//!
//! - [`scenario`] is the file's format, [`site`] what surrounds every director.
//! - [`frame`] builds packets and says what those mean that come out; [`compare`] says whether two plays are the same. These three
//!   need no data plane: a harness that plays scenarios elsewhere uses them too.
//! - [`ipvs`] is IPVS's configuration as a pure state machine, [`dray_ipvsadm`] and [`sysctl`] the languages that change it, and
//!   [`listing`] what it looks like.
//! - [`console`] carries commands out on any data plane, [`host`] is the network stack around it, [`director`] all of it
//!   together on a private one, and [`play`](mod@play) the player.
//!
//! Start reading at `play.rs`.

pub mod compare;
pub mod console;
pub mod director;
mod endpoint;
pub mod frame;
pub mod host;
pub mod ipvs;
pub mod listing;
pub mod play;
pub mod scenario;
pub mod shell;
pub mod site;
pub mod sysctl;
mod words;

pub use endpoint::{Endpoint, NotAnEndpoint};
pub use play::{PlayError, Played, Player, Stop, Verdict, judge, play};
pub use scenario::Scenario;
