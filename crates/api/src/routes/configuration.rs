//! The configuration as a whole.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use dray_model::{Desired, config, document::Document};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{
    preconditions,
    refusals::{BodyRefusals, Refusals},
};
use crate::{
    Application, Backend, ETag,
    answer::{Answer, tagged},
    request::{Accept, Condition, ConfigurationBody, IfNoneMatch, Media, Query, Reader, Writer},
    v1::{ApplyQuery, ConfirmQuery, Confirmed, Outcome, Period, Problem},
};

/// The configuration in force, edits included
#[utoipa::path(
    get, path = "/v1/configuration", tag = "configuration",
    params(preconditions::IfNoneMatch),
    responses(
        (status = 200, headers(("ETag" = String, description = "Its revision")), content(
            (Document = "application/json"), (String = "application/toml"),
        )),
        (status = 304, description = "It is as If-None-Match says"),
        (status = 406, description = "Accept has neither of its forms", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn configuration<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Accept(media): Accept,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let configuration = backend.configuration().await?;
    let tag = ETag::of_revision(configuration.revision);
    Ok(tagged(&tag, &seen, || {
        let document = Document::from(&*configuration.desired);
        match media {
            Media::Json => Json(document).into_response(),
            Media::Toml => {
                let kind = [(header::CONTENT_TYPE, "application/toml")];
                (kind, document.to_toml()).into_response()
            }
        }
    }))
}

/// Put a configuration in force, or only tell what that would change
#[utoipa::path(
    put, path = "/v1/configuration", tag = "configuration",
    params(
        ApplyQuery,
        preconditions::IfMatch,
    ),
    request_body(content((Document = "application/json"), (String = "application/toml"))),
    responses(
        (status = 200, body = Outcome),
        (status = 409, description = "Another configuration waits for its confirmation", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn put_configuration<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Query(query): Query<ApplyQuery>,
    Condition(precondition): Condition,
    body: ConfigurationBody,
) -> Answer<Outcome> {
    let file = query.file.clone();
    // The largest configurations take long enough to keep others waiting.
    let (text, desired) = spawn_blocking(move || parse(body, file.as_deref()))
        .await
        .map_err(|_| Problem::failed("the configuration could not be read"))??;
    let application = Application {
        text,
        desired,
        file: query.file,
        edits: query.edits,
        confirm: query.confirm.map(Period::duration),
        precondition,
    };
    if query.plan {
        let plan = backend.plan(application).await?;
        return Ok(Json(Outcome {
            plan,
            applied: None,
        }));
    }
    Ok(Json(backend.apply(caller, application).await?))
}

/// Keep the configuration that waits for its confirmation
#[utoipa::path(
    post, path = "/v1/configuration/confirm", tag = "configuration", params(ConfirmQuery),
    responses(
        (status = 200, body = Confirmed),
        (status = 409, description = "None waits, or another", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn confirm<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Query(query): Query<ConfirmQuery>,
) -> Answer<Confirmed> {
    Ok(Json(backend.confirm(caller, query.number).await?))
}

/// The text for the history, and what it says.
fn parse(body: ConfigurationBody, file: Option<&str>) -> Result<(String, Desired), Problem> {
    match body {
        ConfigurationBody::Toml(text) => {
            let parsed = config::parse(file.unwrap_or("configuration"), &text);
            let desired = parsed.map_err(|diagnostics| Problem::from(&diagnostics))?;
            Ok((text, desired))
        }
        ConfigurationBody::Json(value) => of_json(&value),
    }
}

fn of_json(value: &Value) -> Result<(String, Desired), Problem> {
    let desired = config::parse_json(value)
        .map_err(|errors| Problem::bad_fields("nothing was changed", errors))?;
    Ok((Document::from(&desired).to_toml(), desired))
}
