//! The end of the server, for answers that would go on for ever.

use std::{convert::Infallible, future};

use axum::{extract::FromRequestParts, http::request::Parts};
use tokio::sync::watch;

/// Tells when the server is about to end.
#[derive(Clone, Debug)]
pub(crate) struct Closing(Option<watch::Receiver<bool>>);

impl Closing {
    /// What is closed when the value becomes true, or when its sender is gone.
    pub(crate) fn new(closed: watch::Receiver<bool>) -> Self {
        Self(Some(closed))
    }

    /// Waits for it.
    pub(crate) async fn closed(&mut self) {
        match &mut self.0 {
            // An error means that the server is gone already.
            Some(closed) => drop(closed.wait_for(|closed| *closed).await),
            None => future::pending().await,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Closing {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self(None)))
    }
}
