//! The door to a running director: wire types, the router that serves them over a Unix socket, and the
//! typed client that the command line is made of.
//!
//! ```text
//! dray status ─▶ Client ─▶ RUNTIME_DIR/control.sock ─▶ router ─▶ Backend (the daemon)
//!                                                        │
//!                          v1::Status, v1::Problem, … ◀──┘   HTTP/1.1, JSON
//! ```
//!
//! A daemon owns its [`RuntimeDir`]: the lock in it is what says that a daemon runs, the socket is only
//! where it answers. Everything on the wire is in [`v1`]; a change that an old client could not read gets
//! a `v2` beside it. Start with [`router`].

mod backend;
mod client;
mod router;
mod runtime_dir;
mod server;
pub mod v1;

pub use backend::Backend;
pub use client::{CallError, Client};
pub use router::router;
pub use runtime_dir::{ClaimError, ListenError, RuntimeDir};
pub use server::{Listener, serve};
