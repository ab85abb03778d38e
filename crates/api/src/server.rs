//! Serves a router on the daemon's socket.

use std::{fs, future::Future, io, path::PathBuf};

use axum::Router;
use tokio::net::UnixListener;

/// The daemon's open socket. Its file goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    file: File,
}

/// Serves the router until `shutdown` is over and the calls under way then are answered.
///
/// # Errors
/// When the socket fails.
pub async fn serve(
    listener: Listener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let Listener {
        listener,
        file: _file,
    } = listener;
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
}

impl Listener {
    pub(crate) fn new(listener: UnixListener, path: PathBuf) -> Self {
        Self {
            listener,
            file: File(path),
        }
    }
}

#[derive(Debug)]
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        // The daemon still holds the lock here, so the file can be nobody else's. One that is gone
        // already is as good.
        let _ = fs::remove_file(&self.0);
    }
}
