//! Who may use the director's API, and where.

use std::{net::SocketAddr, path::PathBuf};

/// Who may use the API, and where besides its Unix socket it is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Api {
    /// Who may read on the Unix socket.
    pub readers: ApiReaders,
    /// Where it is offered over TCP; nowhere unless somebody asks for it.
    pub tcp: Option<ApiTcp>,
}

/// Who may read on the API's Unix socket. Root, the daemon's own user and the socket's group may read and write in
/// any case, and nobody else may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApiReaders {
    /// Those who may write.
    #[default]
    Group,
    /// Every user of the machine.
    All,
}

/// The API over TCP: TLS always, and nobody is let in unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTcp {
    /// Where it listens; the port is not 0.
    pub listen: SocketAddr,
    /// The server's certificate and those up to its authority's: PEM, an absolute path.
    pub certificate: PathBuf,
    /// The certificate's private key: PEM, an absolute path.
    pub key: PathBuf,
    /// By what callers are known.
    pub callers: ApiCallers,
}

/// By what callers over TCP are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiCallers {
    /// By a certificate of one of the authorities in this file (PEM, an absolute path). They may write.
    Certificates {
        /// The file.
        authorities: PathBuf,
    },
    /// By a bearer token (RFC 6750) whose hash is in this file (an absolute path), which says who may write.
    Tokens {
        /// The file.
        file: PathBuf,
    },
}
