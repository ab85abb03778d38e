//! One connection, whatever it came by.

use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{HeaderMap, Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    pin,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::{Caller, request::Closing, v1::Problem};

/// How long a connection may be without a request, and a request's head may take.
const IDLE: Duration = Duration::from_secs(60);

/// How long to wait after an accept that failed: for want of file numbers, most often, which others give back.
const BREATH: Duration = Duration::from_millis(100);

/// The connections of one door.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: u32,
}

impl Places {
    /// So many.
    pub(super) fn new(all: u32) -> Self {
        let free = usize::try_from(all).expect("this is no 16-bit machine");
        Self {
            free: Arc::new(Semaphore::new(free)),
            all,
        }
    }

    /// Waits until no connection is left.
    pub(super) async fn emptied(&self) {
        // An error would mean that it was closed, which nobody does.
        let _ = self.free.acquire_many(self.all).await;
    }

    /// Accepts for ever, but never more connections than there are places for.
    pub(super) async fn fill<T, A>(
        self,
        mut closing: Closing,
        accept: impl Fn() -> A,
        serve: impl Fn(T, OwnedSemaphorePermit),
    ) where
        A: Future<Output = io::Result<T>>,
    {
        loop {
            let place = Arc::clone(&self.free).acquire_owned().await;
            let place = place.expect("nobody closes it");
            let accepted = tokio::select! {
                accepted = accept() => accepted,
                () = closing.closed() => return,
            };
            match accepted {
                Ok(stream) => serve(stream, place),
                Err(error) => {
                    warn!(%error, "failed to accept a call of the API");
                    sleep(BREATH).await;
                }
            }
        }
    }
}

/// Serves a connection until either side ends it. `admit` says of each request whose it is.
pub(super) async fn serve<S>(
    stream: S,
    router: Router,
    mut closing: Closing,
    admit: impl Fn(&HeaderMap) -> Result<Caller, Problem>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closed = closing.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        let admission = admit(request.headers());
        request.extensions_mut().insert(admission);
        request.extensions_mut().insert(closed.clone());
        let router = router.clone();
        async move {
            let Ok(response) = router.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = closing.closed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        debug!(%error, "a connection to the API broke off");
    }
}
