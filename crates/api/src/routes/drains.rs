//! Drains.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::refusals::{BodyRefusals, Refusals};
use crate::{
    Backend,
    answer::Answer,
    request::{Json as Body, Path, Reader, Writer},
    v1::{Drain, DrainRequest, Drains, Problem},
};

/// The drains that are under way, and those that ended lately
#[utoipa::path(
    get, path = "/v1/drains", tag = "drains",
    responses((status = 200, body = Drains), Refusals)
)]
pub(crate) async fn drains<B: Backend>(_: Reader, State(backend): State<B>) -> Answer<Drains> {
    Ok(Json(backend.drains().await?))
}

/// Begin to empty a real server
#[utoipa::path(
    post, path = "/v1/drains", tag = "drains", request_body = DrainRequest,
    responses(
        (status = 201, body = Drain, headers(("Location" = String, description = "Its path"))),
        (status = 404, description = "The configuration has no such real server", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is being emptied already", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn start_drain<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Body(request): Body<DrainRequest>,
) -> Result<Response, Problem> {
    let drain = backend.drain(caller, request).await?;
    let location = [(header::LOCATION, format!("/v1/drains/{}", drain.id))];
    Ok((StatusCode::CREATED, location, Json(drain)).into_response())
}

/// One drain
#[utoipa::path(
    get, path = "/v1/drains/{id}", tag = "drains",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = Drain),
        (status = 404, description = "There is no such drain", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn drain<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Path(id): Path<u64>,
) -> Answer<Drain> {
    let drains = backend.drains().await?.drains;
    let found = drains.into_iter().find(|drain| drain.id == id);
    let none = || Problem::not_found(format!("there is no drain {id}; GET /v1/drains has them"));
    found.map(Json).ok_or_else(none)
}

/// Call a drain off: the real server gets its weight back
#[utoipa::path(
    delete, path = "/v1/drains/{id}", tag = "drains",
    params(("id" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "As it was at its end", body = Drain),
        (status = 404, description = "There is no such drain", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn cancel_drain<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path(id): Path<u64>,
) -> Answer<Drain> {
    Ok(Json(backend.cancel_drain(caller, id).await?))
}
