//! Real servers of a service.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use dray_model::{
    Desired,
    document::{self, Endpoint},
    edit::Edit,
};

use super::{
    live::{no_such_service, service_name},
    patches::RealPatch,
    preconditions,
    refusals::{BodyRefusals, Refusals},
};
use crate::{
    Backend, ETag,
    answer::{changed, tagged},
    etag::{find_real, find_service},
    request::{Condition, IfNoneMatch, Json as Body, Patch, Path, Reader, Writer},
    v1::{Problem, Reals},
};

/// The real servers of a service
#[utoipa::path(
    get, path = "/v1/services/{name}/reals", tag = "services",
    params(("name" = String, Path, description = "The service's name", example = "web"), preconditions::IfNoneMatch),
    responses(
        (status = 200, body = Reals, headers(("ETag" = String, description = "The service's tag"))),
        (status = 304, description = "They are as If-None-Match says"),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn reals<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Path(name): Path<String>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let desired = backend.configuration().await?.desired;
    let service = find_service(&desired, &name).ok_or_else(|| no_such_service(&name))?;
    Ok(tagged(&ETag::of_service(service), &seen, || {
        let reals = service.reals.iter();
        let reals = reals.map(|real| document::Real::of(real, service));
        Json(Reals {
            reals: reals.collect(),
        })
        .into_response()
    }))
}

/// Add a real server, at the end of the list
#[utoipa::path(
    post, path = "/v1/services/{name}/reals", tag = "services",
    params(
        ("name" = String, Path, description = "The service's name", example = "web"),
        preconditions::IfMatch,
    ),
    request_body = document::Real,
    responses(
        (status = 201, body = document::Real, headers(
            ("ETag" = String, description = "Its tag"), ("Location" = String, description = "Its path"),
        )),
        (status = 404, description = "There is no such service", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The service has it already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The service has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn add_real<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path(name): Path<String>,
    Condition(condition): Condition,
    Body(real): Body<document::Real>,
) -> Result<Response, Problem> {
    let address = real.address.clone();
    let edit = Edit::AddReal {
        service: service_name(&name)?,
        real,
    };
    let after = backend.edit(caller, edit, condition).await?.after;
    answer(StatusCode::CREATED, &after, &name, &address)
}

/// One real server of a service
#[utoipa::path(
    get, path = "/v1/services/{name}/reals/{address}", tag = "services",
    params(
        ("name" = String, Path, description = "The service's name", example = "web"),
        ("address" = String, Path, description = "The real server: its address, and its port if that is not the service's", example = "10.77.0.11:8080"),
        preconditions::IfNoneMatch,
    ),
    responses(
        (status = 200, body = document::Real, headers(("ETag" = String, description = "Its tag"))),
        (status = 304, description = "It is as If-None-Match says"),
        (status = 404, description = "There is no such service or real server", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn real<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    Path((name, address)): Path<(String, String)>,
    seen: IfNoneMatch,
) -> Result<Response, Problem> {
    let desired = backend.configuration().await?.desired;
    let endpoint = endpoint(&name, &address)?;
    let found = find_real(&desired, &name, &endpoint);
    let (service, real) = found.ok_or_else(|| no_such_real(&name, &address))?;
    Ok(tagged(&ETag::of_real(real, service), &seen, || {
        Json(document::Real::of(real, service)).into_response()
    }))
}

/// Put a real server in the place of that one, or add it
#[utoipa::path(
    put, path = "/v1/services/{name}/reals/{address}", tag = "services",
    params(
        ("name" = String, Path, description = "The service's name", example = "web"),
        ("address" = String, Path, description = "The real server now; another address in the body puts another one in its place", example = "10.77.0.11:8080"),
        preconditions::IfMatch,
        preconditions::IfNone,
    ),
    request_body = document::Real,
    responses(
        (status = 200, body = document::Real, headers(("ETag" = String, description = "Its tag"))),
        (status = 201, description = "It is new", body = document::Real, headers(
            ("ETag" = String, description = "Its tag"), ("Location" = String, description = "Its path"),
        )),
        (status = 404, description = "There is no such service, or no such real server and the body has another address", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The service has it already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn put_real<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path((name, address)): Path<(String, String)>,
    Condition(condition): Condition,
    Body(document): Body<document::Real>,
) -> Result<Response, Problem> {
    let now = document.address.clone();
    let real = endpoint(&name, &address)?;
    let edit = Edit::PutReal {
        service: service_name(&name)?,
        real,
        document,
    };
    let edited = backend.edit(caller, edit, condition).await?;
    let status = match find_real(&edited.before, &name, &real) {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    answer(status, &edited.after, &name, &now)
}

/// Change some of a real server's settings
#[utoipa::path(
    patch, path = "/v1/services/{name}/reals/{address}", tag = "services",
    params(
        ("name" = String, Path, description = "The service's name", example = "web"),
        ("address" = String, Path, description = "The real server now; another address in the body puts another one in its place", example = "10.77.0.11:8080"),
        preconditions::IfMatch,
    ),
    request_body(description = "A merge patch (RFC 7396)", content(
        (RealPatch = "application/merge-patch+json"), (RealPatch = "application/json"),
    )),
    responses(
        (status = 200, body = document::Real, headers(("ETag" = String, description = "Its tag"))),
        (status = 404, description = "There is no such service or real server", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The service has it already", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        BodyRefusals,
    )
)]
pub(crate) async fn patch_real<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path((name, address)): Path<(String, String)>,
    Condition(condition): Condition,
    Patch(patch): Patch,
) -> Result<Response, Problem> {
    let now = patch.get("address").and_then(|address| address.as_str());
    let now = now.unwrap_or(&address).to_owned();
    let edit = Edit::PatchReal {
        service: service_name(&name)?,
        real: endpoint(&name, &address)?,
        patch,
    };
    let after = backend.edit(caller, edit, condition).await?.after;
    answer(StatusCode::OK, &after, &name, &now)
}

/// Remove a real server from a service. Its connections go on
#[utoipa::path(
    delete, path = "/v1/services/{name}/reals/{address}", tag = "services",
    params(
        ("name" = String, Path, description = "The service's name", example = "web"),
        ("address" = String, Path, description = "The real server", example = "10.77.0.11:8080"),
        preconditions::IfMatch,
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such service or real server", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "It has another tag; nothing was changed", body = Problem, content_type = "application/problem+json"),
        Refusals,
    )
)]
pub(crate) async fn remove_real<B: Backend>(
    Writer(caller): Writer,
    State(backend): State<B>,
    Path((name, address)): Path<(String, String)>,
    Condition(condition): Condition,
) -> Result<StatusCode, Problem> {
    let edit = Edit::RemoveReal {
        service: service_name(&name)?,
        real: endpoint(&name, &address)?,
    };
    backend.edit(caller, edit, condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The real server that a path names. What cannot be one is not there.
fn endpoint(service: &str, address: &str) -> Result<Endpoint, Problem> {
    address.parse().map_err(|_| no_such_real(service, address))
}

fn no_such_real(service: &str, real: &str) -> Problem {
    Problem::not_found(format!(
        "there is no service {service:?} with a real server {real:?}; write it as GET /v1/services/{service}/reals does"
    ))
}

/// The real server as it is after an edit.
fn answer(
    status: StatusCode,
    after: &Desired,
    service: &str,
    address: &str,
) -> Result<Response, Problem> {
    let found = find_real(after, service, &endpoint(service, address)?);
    let (service, real) = found.ok_or_else(|| no_such_real(service, address))?;
    let document = document::Real::of(real, service);
    let location = location(&service.name.to_string(), &document.address);
    let mut response = changed(status, &ETag::of_real(real, service), document);
    if status == StatusCode::CREATED {
        let location = location.try_into().expect("a path is plain ASCII");
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The path of a real server: brackets are no characters of a path's parts (RFC 3986 §3.3).
fn location(service: &str, address: &str) -> String {
    let address = address.replace('[', "%5B").replace(']', "%5D");
    format!("/v1/services/{service}/reals/{address}")
}
