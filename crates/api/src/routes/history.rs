//! The configurations that were applied.

use axum::{Json, extract::State};

use super::refusals::{BodyRefusals, Refusals};
use crate::{
    Backend,
    answer::Answer,
    request::{Json as Body, Path, Reader, Writer},
    v1::{HistoricConfiguration, History, Outcome, Problem, RollbackRequest},
};

/// The configurations that were applied last
#[utoipa::path(
    get, path = "/v1/history", tag = "configuration",
    responses((status = 200, body = History), Refusals)
)]
pub(crate) async fn history<B: Backend>(_: Reader, State(backend): State<B>) -> Answer<History> {
    Ok(Json(backend.history().await?))
}

/// One of them, with its text
#[utoipa::path(
    get, path = "/v1/history/{number}", tag = "configuration",
    params(("number" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = HistoricConfiguration),
        (status = 404, description = "It is not kept", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn historic<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Path(number): Path<u64>,
) -> Answer<HistoricConfiguration> {
    Ok(Json(backend.historic(number).await?))
}

/// Go back to an earlier configuration
#[utoipa::path(
    post, path = "/v1/rollback", tag = "configuration", request_body = RollbackRequest,
    responses(
        (status = 200, body = Outcome),
        (status = 404, description = "It is not kept", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another configuration waits for its confirmation", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn rollback<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Body(request): Body<RollbackRequest>,
) -> Answer<Outcome> {
    Ok(Json(backend.rollback(caller, request).await?))
}
