//! HTTP/1.1 with keep-alive, to the lab's web servers.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::HOST,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::exchange::{Answer, Exchange};
use crate::servers::{SERVER_HEADER, UPLOADS};

/// Requests to an address.
#[derive(Clone, Debug)]
pub struct Http {
    address: SocketAddr,
    path: String,
    method: Method,
    body: Bytes,
}

impl Http {
    /// Requests for `/` at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            path: "/".to_owned(),
            method: Method::GET,
            body: Bytes::new(),
        }
    }

    /// Requests for another path.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    /// Sends so many bytes to be stored below [`UPLOADS`], instead of asking for something.
    #[must_use]
    pub fn upload(self, bytes: usize) -> Self {
        Self {
            path: format!("{UPLOADS}received"),
            method: Method::PUT,
            body: Bytes::from(vec![b'x'; bytes]),
            ..self
        }
    }
}

impl Exchange for Http {
    type Connection = SendRequest<Full<Bytes>>;

    async fn open(&self) -> Result<Self::Connection> {
        let stream = TcpStream::connect(self.address)
            .await
            .context("failed to connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .context("failed to begin HTTP")?;
        // Errors of the connection come out of the request that meets them.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn ask(&self, connection: &mut Self::Connection) -> Result<Answer> {
        let request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(HOST, self.address.to_string())
            .body(Full::new(self.body.clone()))?;
        connection
            .ready()
            .await
            .context("the connection was closed")?;
        let response = connection
            .send_request(request)
            .await
            .context("no response")?;
        ensure!(
            response.status().is_success(),
            "the response is {}",
            response.status()
        );
        let server = response
            .headers()
            .get(SERVER_HEADER)
            .with_context(|| format!("the response has no header {SERVER_HEADER}"))?
            .to_str()?
            .to_owned();
        let body = response
            .into_body()
            .collect()
            .await
            .context("the response broke off")?
            .to_bytes();
        Ok(Answer {
            server,
            bytes: body.len(),
        })
    }
}
