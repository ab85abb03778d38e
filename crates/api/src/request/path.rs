//! Parts of a path that name something.

use axum::{
    extract::{FromRequestParts, Path as Inner, rejection::PathRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::v1::Problem;

/// The parts of the path that its pattern has names for, decoded.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let decoded = Inner::from_request_parts(parts, state).await;
        decoded
            .map(|Inner(value)| Self(value))
            .map_err(|rejection: PathRejection| Problem::bad_request(rejection.body_text()))
    }
}
