//! Connections and persistence templates.

use axum::{Json, extract::State};

use super::refusals::Refusals;
use crate::{
    Backend,
    answer::Answer,
    request::{Query, Reader, Writer},
    v1::{Connections, ConnectionsQuery, EndQuery, Ended, Problem, Templates, TemplatesQuery},
};

/// The connections that every given filter accepts
#[utoipa::path(
    get, path = "/v1/connections", tag = "connections", params(ConnectionsQuery),
    responses(
        (status = 200, body = Connections),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn connections<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Query(query): Query<ConnectionsQuery>,
) -> Answer<Connections> {
    Ok(Json(backend.connections(query).await?))
}

/// End connections: the next packet of each is treated as that of a new one
#[utoipa::path(
    delete, path = "/v1/connections", tag = "connections", params(EndQuery),
    responses(
        (status = 200, body = Ended),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn end_connections<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Query(query): Query<EndQuery>,
) -> Answer<Ended> {
    if query.all == query.has_a_filter() {
        return Err(Problem::bad_request(
            "say which connections to end by client, service, real or state; or all=true for every one",
        ));
    }
    Ok(Json(backend.end_connections(caller, query).await?))
}

/// Persistence templates
#[utoipa::path(
    get, path = "/v1/templates", tag = "connections", params(TemplatesQuery),
    responses((status = 200, body = Templates), Refusals)
)]
pub(crate) async fn templates<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Query(query): Query<TemplatesQuery>,
) -> Answer<Templates> {
    Ok(Json(backend.templates(query).await?))
}
