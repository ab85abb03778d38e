//! What handlers answer.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{ETag, request::IfNoneMatch, v1::Problem};

/// JSON, or why not.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// What has a tag, or nothing for a caller who has it already.
pub(crate) fn tagged(
    tag: &ETag,
    seen: &IfNoneMatch,
    answer: impl FnOnce() -> Response,
) -> Response {
    let mut response = match seen.has(tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => answer(),
    };
    let value = HeaderValue::from_str(&tag.to_string()).expect("a tag is plain ASCII");
    response.headers_mut().insert(header::ETAG, value);
    response
}

/// What was changed, as it is now.
pub(crate) fn changed(status: StatusCode, tag: &ETag, body: impl Serialize) -> Response {
    let tag = [(header::ETAG, tag.to_string())];
    (status, tag, Json(body)).into_response()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
