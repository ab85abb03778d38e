//! The door to a running director: wire types, the router and the server that offer them, and the typed client that the
//! command line is made of.
//!
//! ```text
//! dray status ─▶ Client ─▶ RUNTIME_DIR/control.sock ─▶ Server ─▶ router ─▶ Backend (the daemon)
//! others ─────────────────▶ TCP, with TLS ───────────────┘         │
//!                                    v1::Status, v1::Problem, … ◀──┘   HTTP/1.1, JSON
//! ```
//!
//! A daemon owns its [`RuntimeDir`]: the lock in it is what says that a daemon runs, the socket is only
//! where it answers. [`Server`] knows who calls, the [`router`] what that allows. Everything on the wire is in [`v1`], and
//! configurations are written as in [`dray_model::document`]; a change that an old client could not read gets a `v2`
//! beside it. Router and description ([`openapi`]) come from one list, in `routes.rs`: start there.

mod answer;
mod backend;
mod caller;
mod client;
mod etag;
mod request;
mod routes;
mod runtime_dir;
mod server;
pub mod v1;

pub use backend::{Application, Backend, Configuration, Edited};
pub use caller::{Access, Caller};
pub use client::{CallError, Client, Events, Tagged};
pub use etag::{ETag, Precondition};
pub use routes::{openapi, router, service_name};
pub use runtime_dir::{ClaimError, ListenError, RuntimeDir};
pub use server::{CredentialsError, ServeError, Server, TokensError};
