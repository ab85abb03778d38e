//! Connections to the daemon's socket, kept for the next call.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::{Answer, CallError};

/// What is sent: nothing, or one piece.
pub(super) type Body = Full<Bytes>;

/// Connections to one socket: those under way belong to their calls, the others wait here.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    socket: Arc<Path>,
    idle: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

impl Connections {
    pub(super) fn to(socket: PathBuf) -> Self {
        Self {
            socket: socket.into(),
            idle: Arc::default(),
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends a request and reads the answer whole.
    pub(super) async fn exchange(&self, request: Request<Body>) -> Result<Answer, CallError> {
        let (response, sender) = self.send(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|source| self.broken(source))?;
        self.lock().push(sender);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// Sends a request. The answer's body comes as long as the sender is there.
    pub(super) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, SendRequest<Body>), CallError> {
        while let Some(mut sender) = self.idle() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut error) => match error.take_message() {
                    // The daemon had closed it for want of use, and has seen nothing of the request.
                    Some(unsent) => request = unsent,
                    None => return Err(self.broken(error.into_error())),
                },
            }
        }
        let mut sender = self.open().await?;
        match sender.send_request(request).await {
            Ok(response) => Ok((response, sender)),
            Err(source) => Err(self.broken(source)),
        }
    }

    /// A connection that waits and, as far as is known, is open.
    fn idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.lock();
        idle.retain(|sender| !sender.is_closed());
        idle.pop()
    }

    async fn open(&self) -> Result<SendRequest<Body>, CallError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| self.unreachable(source))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|source| self.broken(source))?;
        // It ends with the sender; what breaks it is told to whoever sends.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Body>>> {
        // A list of connections cannot be half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, source: io::Error) -> CallError {
        let socket = self.socket.to_path_buf();
        match source.kind() {
            // Refused: the file is there, but its daemon was killed.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                CallError::NoDaemon { socket }
            }
            io::ErrorKind::PermissionDenied => CallError::Denied { socket },
            _ => CallError::Connect { socket, source },
        }
    }

    pub(super) fn broken(&self, source: hyper::Error) -> CallError {
        CallError::Broken {
            socket: self.socket.to_path_buf(),
            source,
        }
    }
}
