//! What concerns the director as a whole.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use dray_model::{document, edit::Edit};

use super::{
    patches::DirectorPatch,
    preconditions,
    refusals::{BodyRefusals, Refusals},
};
use crate::{
    Backend, ETag,
    answer::{changed, tagged},
    request::{Condition, IfNoneMatch, Patch, Reader, Writer},
    v1::Problem,
};

/// The director's settings
#[utoipa::path(
    get, path = "/v1/director", tag = "configuration",
    params(preconditions::IfNoneMatch),
    responses(
        (status = 200, body = document::Director, headers(("ETag" = String, description = "Its tag"))),
        (status = 304, description = "They are as If-None-Match says"),
        Refusals,
    )
)]
pub(crate) async fn director<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let desired = backend.configuration().await?.desired;
    Ok(tagged(&ETag::of_director(&desired), &seen, || {
        Json(document::Director::from(&desired.director)).into_response()
    }))
}

/// Change some of the director's settings
#[utoipa::path(
    patch, path = "/v1/director", tag = "configuration",
    params(preconditions::IfMatch),
    request_body(description = "A merge patch (RFC 7396)", content(
        (DirectorPatch = "application/merge-patch+json"), (DirectorPatch = "application/json"),
    )),
    responses(
        (status = 200, body = document::Director, headers(("ETag" = String, description = "Its tag"))),
        (status = 412, description = "They have another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn patch_director<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Condition(condition): Condition,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    let edit = Edit::PatchDirector { patch };
    let after = backend.edit(caller, edit, condition).await?.after;
    let body = document::Director::from(&after.director);
    Ok(changed(StatusCode::OK, &ETag::of_director(&after), body))
}
