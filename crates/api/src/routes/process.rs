//! The daemon as a process.

use axum::{Json, extract::State};

use super::refusals::{BodyRefusals, Refusals};
use crate::{
    Backend,
    answer::Answer,
    request::{Json as Body, Writer},
    v1::{Problem, Reloaded, StopRequest, Stopped},
};

/// Read the configuration file again, and put it in force
#[utoipa::path(
    post, path = "/v1/reload", tag = "director",
    responses(
        (status = 200, body = Reloaded),
        (status = 409, description = "A configuration waits for its confirmation", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The file has errors; nothing was changed", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn reload<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
) -> Answer<Reloaded> {
    Ok(Json(backend.reload(caller).await?))
}

/// End the daemon
#[utoipa::path(
    post, path = "/v1/stop", tag = "director", request_body = StopRequest,
    responses((status = 200, body = Stopped), BodyRefusals)
)]
pub(crate) async fn stop<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Body(request): Body<StopRequest>,
) -> Answer<Stopped> {
    Ok(Json(backend.stop(caller, request.mode).await?))
}
