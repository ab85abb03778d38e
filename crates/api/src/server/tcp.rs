//! The API over TCP: TLS, and callers who have a certificate or a token.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use dray_model::ApiTcp;
use hyper::HeaderMap;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::debug;

use super::{
    ServeError, certificate,
    connection::{self, Places},
    credentials::{Credentials, Loaded},
};
use crate::{Access, Caller, request::Closing, v1::Problem};

/// Calls at a time. Strangers can take places, for as long as [`HANDSHAKE`].
const PLACES: u32 = 256;

/// How long a caller may take until its connection is made.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// An address where the API is offered.
#[derive(Debug)]
pub(super) struct TcpDoor {
    address: SocketAddr,
    credentials: watch::Sender<Arc<Credentials>>,
    shut: watch::Sender<bool>,
    places: Places,
    task: JoinHandle<()>,
}

impl TcpDoor {
    pub(super) fn open(options: &ApiTcp, router: Router) -> Result<Self, ServeError> {
        let (credentials, files) = watch::channel(Arc::new(Credentials::load(options)?));
        let address = options.listen;
        let listener = listen(address).map_err(|source| ServeError::Address { address, source })?;
        let places = Places::new(PLACES);
        let (shut, closing) = watch::channel(false);
        let task = tokio::spawn(accept(
            listener,
            places.clone(),
            files,
            router,
            Closing::new(closing),
        ));
        Ok(Self {
            address,
            credentials,
            shut,
            places,
            task,
        })
    }

    /// Whether this is the door at that address.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        self.address == address
    }

    /// Goes on with other files, or with what is in them now.
    pub(super) fn renew(&self, options: &ApiTcp) -> Result<(), ServeError> {
        let credentials = Credentials::load(options)?;
        self.credentials.send_replace(Arc::new(credentials));
        Ok(())
    }

    /// Takes no more calls, and waits for the end of those under way.
    pub(super) async fn shut(&self) {
        self.shut.send_replace(true);
        self.places.emptied().await;
    }
}

impl Drop for TcpDoor {
    fn drop(&mut self) {
        self.task.abort();
        self.shut.send_replace(true);
    }
}

/// Listens at once: what hinders it is the caller's to hear.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

async fn accept(
    listener: TcpListener,
    places: Places,
    files: watch::Receiver<Arc<Credentials>>,
    router: Router,
    closing: Closing,
) {
    let serve = |(stream, from), place| {
        let (files, router, closing) = (files.clone(), router.clone(), closing.clone());
        tokio::spawn(async move {
            let loaded = files.borrow().current();
            if let Some(stream) = handshake(stream, from, loaded).await {
                let admit = admission(&stream, files);
                connection::serve(stream, router, closing, admit).await;
            }
            drop(place);
        });
    };
    places
        .fill(closing.clone(), || listener.accept(), serve)
        .await;
}

/// Makes a TLS connection, with whom it can be made.
async fn handshake(
    stream: TcpStream,
    from: SocketAddr,
    loaded: Loaded,
) -> Option<TlsStream<TcpStream>> {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    match timeout(HANDSHAKE, TlsAcceptor::from(loaded.tls).accept(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => debug!(%from, %error, "no TLS with a caller of the API"),
        Err(_) => debug!(%from, "a caller of the API took too long over TLS"),
    }
    None
}

/// Says of each request whose it is: of the token that it carries, or of the certificate of the connection.
fn admission(
    stream: &TlsStream<TcpStream>,
    files: watch::Receiver<Arc<Credentials>>,
) -> impl Fn(&HeaderMap) -> Result<Caller, Problem> + use<> {
    let (_, tls) = stream.get_ref();
    let certificate = tls.peer_certificates().and_then(<[_]>::first);
    let name = certificate.map(certificate::name);
    move |headers| match (files.borrow().current().tokens, &name) {
        (Some(tokens), _) => tokens.admit(headers),
        (None, Some(name)) => Ok(Caller::new(format!("certificate {name}"), Access::Write)),
        (None, None) => Err(Problem::unauthorized(
            "callers have certificates now: connect anew, with yours",
        )),
    }
}
