//! Why a call brought no answer.

use std::{io, path::PathBuf};

use crate::v1::Problem;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No daemon answers there.
    #[error("no daemon answers at {}", .socket.display())]
    NoDaemon {
        /// Where it was looked for.
        socket: PathBuf,
    },
    /// The caller may not use the socket.
    #[error("not allowed to use {}: run this as root, or as a member of its group", .socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
    },
    /// A daemon may be there, but the socket cannot be used.
    #[error("failed to connect to {}", .socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The daemon went away during the call.
    #[error("the daemon at {} ended before it had answered", .socket.display())]
    Broken {
        /// The socket.
        socket: PathBuf,
        /// What broke.
        #[source]
        source: hyper::Error,
    },
    /// The daemon takes calls and does not answer.
    #[error(
        "the daemon at {} has not answered for {seconds} s; if it goes on so, look at its log, or kill it: forwarding goes on",
        .socket.display()
    )]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The daemon refused.
    #[error(transparent)]
    Refused(Problem),
    /// The answer is none that this version knows.
    #[error("the daemon at {} gave an answer that this version of dray cannot read (HTTP {status})", .socket.display())]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// Its HTTP status code.
        status: u16,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}
