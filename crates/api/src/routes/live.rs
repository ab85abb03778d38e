//! What the director does at the moment.

use axum::{Json, extract::State, http::StatusCode};
use dray_model::ServiceName;

use super::refusals::Refusals;
use crate::{
    Backend,
    answer::Answer,
    request::{Query, Reader, Writer},
    v1::{Counters, Neighbours, Problem, Status, Vips, ZeroQuery},
};

/// What the director does at the moment
#[utoipa::path(
    get, path = "/v1/status", tag = "director",
    responses((status = 200, body = Status), Refusals)
)]
pub(crate) async fn status<B: Backend>(_: Reader, State(backend): State<B>) -> Answer<Status> {
    Ok(Json(backend.status().await?))
}

/// What was counted, of services, of destinations and by reasons
#[utoipa::path(
    get, path = "/v1/counters", tag = "director",
    responses((status = 200, body = Counters), Refusals)
)]
pub(crate) async fn counters<B: Backend>(_: Reader, State(backend): State<B>) -> Answer<Counters> {
    Ok(Json(backend.status().await?.into()))
}

/// The director's addresses
#[utoipa::path(
    get, path = "/v1/vips", tag = "director",
    responses((status = 200, body = Vips), Refusals)
)]
pub(crate) async fn vips<B: Backend>(_: Reader, State(backend): State<B>) -> Answer<Vips> {
    let configuration = backend.configuration().await?;
    let status = backend.status().await?;
    Ok(Json(Vips::of(&configuration.desired, &status)))
}

/// The hosts that packets are handed to
#[utoipa::path(
    get, path = "/v1/neighbours", tag = "director",
    responses((status = 200, body = Neighbours), Refusals)
)]
pub(crate) async fn neighbours<B: Backend>(
    _: Reader,
    State(backend): State<B>,
) -> Answer<Neighbours> {
    Ok(Json(Neighbours::from(&backend.status().await?)))
}

/// Set counters to 0
#[utoipa::path(
    post, path = "/v1/zero", tag = "director", params(ZeroQuery),
    responses(
        (status = 204, description = "They are 0"),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn zero<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Query(query): Query<ZeroQuery>,
) -> Result<StatusCode, Problem> {
    let name = query.service.map(|name| service_name(&name)).transpose()?;
    backend.zero(caller, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The name of a service that somebody asks for.
///
/// # Errors
/// A 404 when it can be nobody's: there is no such service then.
pub fn service_name(name: &str) -> Result<ServiceName, Problem> {
    ServiceName::new(name).map_err(|_| no_such_service(name))
}

/// For whoever asks for a service that is not there.
pub(super) fn no_such_service(name: &str) -> Problem {
    Problem::not_found(format!(
        "there is no service {name:?}; GET /v1/services has the names"
    ))
}
