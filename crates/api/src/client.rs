//! The typed client: one call, one connection to the daemon's socket.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::UnixStream, time::timeout};

use crate::{
    RuntimeDir,
    v1::{
        self, Connections, ConnectionsQuery, Problem, Reloaded, Status, StopMode, StopRequest,
        Stopped, Templates, TemplatesQuery,
    },
};

/// Calls the daemon of one runtime directory.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

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
        "the daemon at {} has not answered for {} s; if it goes on so, look at its log, or kill it: forwarding goes on",
        .socket.display(), PATIENCE.as_secs()
    )]
    Silent {
        /// The socket.
        socket: PathBuf,
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

/// How long a call waits. The longest that a daemon needs is for a reload of the largest configurations.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    /// A client of the daemon of that runtime directory. Nothing is opened yet.
    pub fn new(runtime_dir: &Path) -> Self {
        Self {
            socket: RuntimeDir::socket(runtime_dir),
        }
    }

    /// What the director does at the moment.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn status(&self) -> Result<Status, CallError> {
        self.call(Method::GET, v1::STATUS, None::<&()>).await
    }

    /// The connections that the query asks for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn connections(&self, query: &ConnectionsQuery) -> Result<Connections, CallError> {
        self.ask(v1::CONNECTIONS, query).await
    }

    /// The persistence templates that the query asks for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn templates(&self, query: &TemplatesQuery) -> Result<Templates, CallError> {
        self.ask(v1::TEMPLATES, query).await
    }

    /// Makes the daemon read its configuration file again.
    ///
    /// # Errors
    /// See [`CallError`]; a file with errors is [`CallError::Refused`].
    pub async fn reload(&self) -> Result<Reloaded, CallError> {
        self.call(Method::POST, v1::RELOAD, None::<&()>).await
    }

    /// Ends the daemon. It has left the data plane as asked when this returns.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stop(&self, mode: StopMode) -> Result<Stopped, CallError> {
        self.call(Method::POST, v1::STOP, Some(&StopRequest { mode }))
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, CallError> {
        let query = serde_urlencoded::to_string(query).expect("a query has only plain fields");
        self.call(Method::GET, &format!("{path}?{query}"), None::<&()>)
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CallError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| self.unreachable(error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "dray")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.map(json).unwrap_or_default()))
            .expect("method, path and headers are well formed");
        let (status, body) = timeout(PATIENCE, exchange(stream, request))
            .await
            .map_err(|_| CallError::Silent {
                socket: self.socket.clone(),
            })?
            .map_err(|source| CallError::Broken {
                socket: self.socket.clone(),
                source,
            })?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|source| self.foreign(status, source));
        }
        match serde_json::from_slice(&body) {
            Ok(problem) => Err(CallError::Refused(problem)),
            Err(source) => Err(self.foreign(status, source)),
        }
    }

    fn unreachable(&self, source: io::Error) -> CallError {
        let socket = self.socket.clone();
        match source.kind() {
            // Refused: the file is there, but its daemon was killed.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                CallError::NoDaemon { socket }
            }
            io::ErrorKind::PermissionDenied => CallError::Denied { socket },
            _ => CallError::Connect { socket, source },
        }
    }

    fn foreign(&self, status: StatusCode, source: serde_json::Error) -> CallError {
        CallError::Foreign {
            socket: self.socket.clone(),
            status: status.as_u16(),
            source,
        }
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body)
        .expect("a request has only plain fields")
        .into()
}

async fn exchange(
    stream: UnixStream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    driver.abort();
    Ok((status, body))
}
