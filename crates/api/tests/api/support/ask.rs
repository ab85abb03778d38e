//! Asks a router without a socket.

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use dray_api::{Access, Caller, router, v1::Problem};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::director::Director;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when there is none.
    pub(crate) fn json(&self) -> Value {
        match self.bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&self.bytes).expect("JSON"),
        }
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers[name].to_str().expect("plain text")
    }

    /// The body, which must be a problem of that status.
    pub(crate) fn problem(&self, status: u16) -> Problem {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            "application/problem+json"
        );
        let problem: Problem = serde_json::from_slice(&self.bytes).expect("a problem");
        assert_eq!(problem.status, status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        problem
    }

    /// The body, which must be JSON and no problem.
    pub(crate) fn success(&self, status: u16) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        if !self.bytes.is_empty() {
            assert_eq!(self.header(header::CONTENT_TYPE), "application/json");
        }
        self.json()
    }
}

/// Asks as somebody who may change things.
pub(crate) async fn ask(director: &Director, request: Request<Body>) -> Answer {
    ask_as(director, Access::Write, request).await
}

/// Asks as somebody with that access.
pub(crate) async fn ask_as(director: &Director, access: Access, request: Request<Body>) -> Answer {
    let caller: Result<_, Problem> = Ok(Caller::new("the test", access));
    let mut request = request;
    request.extensions_mut().insert(caller);
    ask_plainly(director, request).await
}

/// Asks as the request is.
pub(crate) async fn ask_plainly(director: &Director, request: Request<Body>) -> Answer {
    let router = router(director.clone());
    let response = router
        .oneshot(request)
        .await
        .expect("a router always answers");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        bytes: body.into(),
    }
}

pub(crate) fn get(uri: &str) -> Request<Body> {
    bare(Method::GET, uri)
}

pub(crate) fn delete(uri: &str) -> Request<Body> {
    bare(Method::DELETE, uri)
}

pub(crate) fn post(uri: &str, body: &str) -> Request<Body> {
    json(Method::POST, uri, body)
}

pub(crate) fn put(uri: &str, body: &str) -> Request<Body> {
    json(Method::PUT, uri, body)
}

pub(crate) fn patch(uri: &str, body: &str) -> Request<Body> {
    json(Method::PATCH, uri, body)
}

/// A request without a body.
pub(crate) fn bare(method: Method, uri: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(uri);
    request.body(Body::empty()).expect("a request")
}

/// A request with a body of that kind.
pub(crate) fn with_body(method: Method, uri: &str, kind: &str, body: &str) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::CONTENT_TYPE, kind);
    request
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

/// The request with one more header.
pub(crate) fn with(
    mut request: Request<Body>,
    name: header::HeaderName,
    value: &str,
) -> Request<Body> {
    let value = value.try_into().expect("plain text");
    request.headers_mut().append(name, value);
    request
}

fn json(method: Method, uri: &str, body: &str) -> Request<Body> {
    with_body(method, uri, "application/json", body)
}
