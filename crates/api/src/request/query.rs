//! Queries.

use axum::{
    extract::{FromRequestParts, Query as Inner, rejection::QueryRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::v1::Problem;

/// A query, of which every key is known.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parsed = Inner::from_request_parts(parts, state).await;
        parsed
            .map(|Inner(query)| Self(query))
            .map_err(|rejection: QueryRejection| Problem::bad_request(rejection.body_text()))
    }
}
