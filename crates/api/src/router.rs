//! The router: which path asks what of the daemon.

use axum::{
    Json, Router,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    Backend,
    v1::{
        self, Connections, ConnectionsQuery, Problem, Reloaded, Status, StopRequest, Stopped,
        Templates, TemplatesQuery,
    },
};

/// The API of a daemon.
pub fn router<B: Backend>(backend: B) -> Router {
    Router::new()
        .route(v1::STATUS, get(status::<B>))
        .route(v1::CONNECTIONS, get(connections::<B>))
        .route(v1::TEMPLATES, get(templates::<B>))
        .route(v1::RELOAD, post(reload::<B>))
        .route(v1::STOP, post(stop::<B>))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(backend)
}

async fn status<B: Backend>(State(backend): State<B>) -> Answer<Status> {
    Ok(Json(backend.status().await?))
}

async fn connections<B: Backend>(
    State(backend): State<B>,
    query: Result<Query<ConnectionsQuery>, QueryRejection>,
) -> Answer<Connections> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    Ok(Json(backend.connections(query).await?))
}

async fn templates<B: Backend>(
    State(backend): State<B>,
    query: Result<Query<TemplatesQuery>, QueryRejection>,
) -> Answer<Templates> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    Ok(Json(backend.templates(query).await?))
}

async fn reload<B: Backend>(State(backend): State<B>) -> Answer<Reloaded> {
    Ok(Json(backend.reload().await?))
}

async fn stop<B: Backend>(
    State(backend): State<B>,
    request: Result<Json<StopRequest>, JsonRejection>,
) -> Answer<Stopped> {
    let Json(request) = request.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    Ok(Json(backend.stop(request.mode).await?))
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::method_not_allowed(format!("{} does not take {method}", uri.path()))
}

type Answer<T> = Result<Json<T>, Problem>;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
