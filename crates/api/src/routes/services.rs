//! Virtual services.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use dray_model::{Service, document, edit::Edit};

use super::{
    live::{no_such_service, service_name},
    patches::ServicePatch,
    preconditions,
    refusals::{BodyRefusals, Refusals},
};
use crate::{
    Backend, ETag,
    answer::{changed, tagged},
    etag::find_service,
    request::{Condition, IfNoneMatch, Json as Body, Patch, Path, Reader, Writer},
    v1::{Problem, Services},
};

/// The virtual services of the configuration
#[utoipa::path(
    get, path = "/v1/services", tag = "services",
    params(preconditions::IfNoneMatch),
    responses(
        (status = 200, body = Services, headers(("ETag" = String, description = "The revision of the configuration"))),
        (status = 304, description = "They are as If-None-Match says"),
        Refusals,
    )
)]
pub(crate) async fn services<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let configuration = backend.configuration().await?;
    let tag = ETag::of_revision(configuration.revision);
    Ok(tagged(&tag, &seen, || {
        let services = configuration.desired.services.iter();
        let services = services.map(|service| (&**service).into()).collect();
        Json(Services { services }).into_response()
    }))
}

/// Add a service, at the end of the list
#[utoipa::path(
    post, path = "/v1/services", tag = "services",
    params(preconditions::IfMatch),
    request_body = document::Service,
    responses(
        (status = 201, body = document::Service, headers(
            ("ETag" = String, description = "Its tag"), ("Location" = String, description = "Its path"),
        )),
        (status = 409, description = "There is such a service already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The configuration has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn add_service<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Condition(condition): Condition,
    Body(service): Body<document::Service>,
) -> Result<Response, Problem> {
    let name = service.name.clone();
    let edit = Edit::AddService(service);
    let after = backend.edit(caller, edit, condition).await?.after;
    answer(StatusCode::CREATED, find_service(&after, &name), &name)
}

/// Remove every service
#[utoipa::path(
    delete, path = "/v1/services", tag = "services",
    params(preconditions::IfMatch),
    responses(
        (status = 204, description = "There is none any more"),
        (status = 412, description = "The configuration has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn clear<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Condition(condition): Condition,
) -> Result<StatusCode, Problem> {
    backend.edit(caller, Edit::Clear, condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One service
#[utoipa::path(
    get, path = "/v1/services/{name}", tag = "services",
    params(("name" = String, Path, description = "Its name", example = "web"), preconditions::IfNoneMatch),
    responses(
        (status = 200, body = document::Service, headers(("ETag" = String, description = "Its tag"))),
        (status = 304, description = "It is as If-None-Match says"),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn service<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Path(name): Path<String>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let desired = backend.configuration().await?.desired;
    let service = find_service(&desired, &name).ok_or_else(|| no_such_service(&name))?;
    Ok(tagged(&ETag::of_service(service), &seen, || {
        Json(document::Service::from(service)).into_response()
    }))
}

/// Put a service in the place of the one of that name, or add it
#[utoipa::path(
    put, path = "/v1/services/{name}", tag = "services",
    params(
        ("name" = String, Path, description = "The name that it has now; another one in the body renames it", example = "web"),
        preconditions::IfMatch,
        preconditions::IfNone,
    ),
    request_body = document::Service,
    responses(
        (status = 200, body = document::Service, headers(("ETag" = String, description = "Its tag"))),
        (status = 201, description = "It is new", body = document::Service, headers(
            ("ETag" = String, description = "Its tag"), ("Location" = String, description = "Its path"),
        )),
        (status = 404, description = "There is no such service, and the body has another name", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is such a service already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn put_service<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path(name): Path<String>,
    Condition(condition): Condition,
    Body(document): Body<document::Service>,
) -> Result<Response, Problem> {
    let now = document.name.clone();
    let edit = Edit::PutService {
        name: service_name(&name)?,
        document,
    };
    let edited = backend.edit(caller, edit, condition).await?;
    let status = match find_service(&edited.before, &name) {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    answer(status, find_service(&edited.after, &now), &now)
}

/// Change some of a service's settings
#[utoipa::path(
    patch, path = "/v1/services/{name}", tag = "services",
    params(
        ("name" = String, Path, description = "The name that it has now; another one in the body renames it", example = "web"),
        preconditions::IfMatch,
    ),
    request_body(description = "A merge patch (RFC 7396)", content(
        (ServicePatch = "application/merge-patch+json"), (ServicePatch = "application/json"),
    )),
    responses(
        (status = 200, body = document::Service, headers(("ETag" = String, description = "Its tag"))),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is such a service already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn patch_service<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path(name): Path<String>,
    Condition(condition): Condition,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    let now = patch.get("name").and_then(|name| name.as_str());
    let now = now.unwrap_or(&name).to_owned();
    let edit = Edit::PatchService {
        name: service_name(&name)?,
        patch,
    };
    let after = backend.edit(caller, edit, condition).await?.after;
    answer(StatusCode::OK, find_service(&after, &now), &now)
}

/// Remove a service. Its connections go on
#[utoipa::path(
    delete, path = "/v1/services/{name}", tag = "services",
    params(
        ("name" = String, Path, description = "Its name", example = "web"),
        preconditions::IfMatch,
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn remove_service<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path(name): Path<String>,
    Condition(condition): Condition,
) -> Result<StatusCode, Problem> {
    let edit = Edit::RemoveService {
        name: service_name(&name)?,
    };
    backend.edit(caller, edit, condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The service as it is after an edit.
fn answer(status: StatusCode, service: Option<&Service>, name: &str) -> Result<Response, Problem> {
    let service = service.ok_or_else(|| no_such_service(name))?;
    let document = document::Service::from(service);
    let mut response = changed(status, &ETag::of_service(service), document);
    if status == StatusCode::CREATED {
        // Names have no character that a path would not.
        let path = format!("/v1/services/{}", service.name);
        let location = path.try_into().expect("a name is plain ASCII");
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
