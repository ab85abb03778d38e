//! Offers a router on the daemon's Unix socket and, where the configuration wants it, over TCP.
//!
//! ```text
//! Unix socket ─ accept ─ who is the process? ───────────────┐
//!                                                           ├─▶ connection: HTTP/1.1, times and numbers bounded
//! TCP ─ accept ─ TLS ─ whose certificate, or bearer token? ─┘        each request ─▶ (caller, or why not) ─▶ router
//! ```
//!
//! Each door has its own connections, so that those of one do not keep others from another.

mod certificate;
mod connection;
mod credentials;
mod files;
mod peer;
mod tcp;
mod tokens;
mod unix;

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use axum::Router;
use dray_model::Api;
use tracing::warn;

use crate::{Backend, ListenError, RuntimeDir, router};

use self::{tcp::TcpDoor, unix::UnixDoor};

pub use credentials::CredentialsError;
pub use tokens::TokensError;
pub(crate) use unix::Listener;

/// How long calls may take to end when the server does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves the API until it is ended or dropped.
#[derive(Debug)]
pub struct Server {
    router: Router,
    unix: UnixDoor,
    tcp: Option<TcpDoor>,
}

/// Why the API cannot be offered as the configuration wants it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The Unix socket cannot be opened.
    #[error(transparent)]
    Socket(#[from] ListenError),
    /// The Unix socket cannot be made usable for whom it is for.
    #[error("failed to set the mode of {}", .socket.display())]
    Mode {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("failed to listen on {address} for the API (`[director.api.tcp]`)")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The files of the API over TCP cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl Server {
    /// Opens the socket of a runtime directory, and what else the configuration wants, and serves the backend there.
    ///
    /// # Errors
    /// When a socket cannot be opened or a file be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start<B: Backend>(
        runtime_dir: &RuntimeDir,
        backend: B,
        options: &Api,
    ) -> Result<Self, ServeError> {
        let router = router(backend);
        let listener = runtime_dir.listen()?;
        let unix = UnixDoor::open(listener, router.clone(), options.readers)?;
        let tcp = options.tcp.as_ref();
        let tcp = tcp.map(|options| TcpDoor::open(options, router.clone()));
        Ok(Self {
            router,
            unix,
            tcp: tcp.transpose()?,
        })
    }

    /// Does as a new configuration wants, and reads certificates, keys and tokens again. Connections that are open stay
    /// so, unless the API is no longer offered where they are.
    ///
    /// # Errors
    /// When something cannot be done. What was offered over TCP stays as it was then.
    pub fn configure(&mut self, options: &Api) -> Result<(), ServeError> {
        self.unix.set_readers(options.readers)?;
        match (&mut self.tcp, &options.tcp) {
            (door, None) => *door = None,
            (Some(door), Some(options)) if door.is_at(options.listen) => door.renew(options)?,
            (door, Some(options)) => {
                *door = Some(TcpDoor::open(options, self.router.clone())?);
            }
        }
        Ok(())
    }

    /// Takes no more calls, and lets those under way have their answers.
    pub async fn end(self) {
        let tcp = async {
            if let Some(tcp) = &self.tcp {
                tcp.shut().await;
            }
        };
        let doors = async { tokio::join!(self.unix.shut(), tcp) };
        if tokio::time::timeout(PATIENCE, doors).await.is_err() {
            warn!("a client kept its call open; it was cut off");
        }
    }
}
