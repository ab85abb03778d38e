//! The typed client. Calls that follow one another go over the same connection to the daemon's socket.

mod connection;
mod error;
mod events;
mod resources;

use std::{path::Path, time::Duration};

use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{self, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{
    ETag, Precondition, RuntimeDir,
    etag::{self, Comparison},
};

use self::connection::{Body, Connections};

pub use error::CallError;
pub use events::Events;

/// Calls the daemon of one runtime directory. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    connections: Connections,
}

/// Something with its entity tag, by which a later change can say what it was meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged<T> {
    /// The tag.
    pub tag: ETag,
    /// What has it.
    pub value: T,
}

/// How long a call waits. The longest that a daemon needs is for a reload of the largest configurations.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    /// A client of the daemon of that runtime directory. Nothing is opened yet.
    pub fn new(runtime_dir: &Path) -> Self {
        Self {
            connections: Connections::to(RuntimeDir::socket(runtime_dir)),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.call(Call::new(Method::GET, path)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, CallError> {
        self.get(&with_query(path, query)).await
    }

    async fn tagged<T: DeserializeOwned>(&self, path: &str) -> Result<Tagged<T>, CallError> {
        let answer = self.send(Call::new(Method::GET, path)).await?;
        self.with_tag(answer)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CallError> {
        self.call(Call::new(Method::POST, path).json(body)).await
    }

    async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, CallError> {
        let answer = self.send(call).await?;
        self.read(&answer)
    }

    /// A call whose answer has no body.
    async fn order(&self, call: Call) -> Result<(), CallError> {
        self.send(call).await.map(drop)
    }

    /// An answer that is no refusal.
    async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let exchange = timeout(PATIENCE, self.connections.exchange(call.request()));
        let answer = exchange.await.map_err(|_| CallError::Silent {
            socket: self.connections.socket().to_owned(),
            seconds: PATIENCE.as_secs(),
        })??;
        if answer.status.is_success() {
            return Ok(answer);
        }
        match serde_json::from_slice(&answer.body) {
            Ok(problem) => Err(CallError::Refused(problem)),
            Err(source) => Err(self.foreign(answer.status, source)),
        }
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, CallError> {
        serde_json::from_slice(&answer.body).map_err(|source| self.foreign(answer.status, source))
    }

    fn with_tag<T: DeserializeOwned>(&self, answer: Answer) -> Result<Tagged<T>, CallError> {
        Ok(Tagged {
            tag: self.tag(&answer)?,
            value: self.read(&answer)?,
        })
    }

    fn tag(&self, answer: &Answer) -> Result<ETag, CallError> {
        let text = answer.headers.get(header::ETAG);
        let text = text.and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let tags = etag::tags(text, Comparison::Strong).ok();
        let tag = tags.and_then(|mut tags| tags.pop());
        tag.ok_or_else(|| {
            let source = serde::de::Error::custom("it has no entity tag");
            self.foreign(answer.status, source)
        })
    }

    fn foreign(&self, status: StatusCode, source: serde_json::Error) -> CallError {
        CallError::Foreign {
            socket: self.connections.socket().to_owned(),
            status: status.as_u16(),
            source,
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// A call that is being put together.
#[derive(Debug)]
struct Call(Request<Body>);

impl Call {
    fn new(method: Method, path: &str) -> Self {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "dray")
            .body(Body::default());
        Self(request.expect("method, path and headers are well formed"))
    }

    fn json(self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("a request has only plain fields");
        self.body("application/json", bytes.into())
    }

    fn body(mut self, kind: &'static str, bytes: Bytes) -> Self {
        let kind = HeaderValue::from_static(kind);
        self.0.headers_mut().insert(header::CONTENT_TYPE, kind);
        *self.0.body_mut() = Body::new(bytes);
        self
    }

    fn accept(mut self, kind: &'static str) -> Self {
        let kind = HeaderValue::from_static(kind);
        self.0.headers_mut().insert(header::ACCEPT, kind);
        self
    }

    fn only_if(mut self, condition: &Precondition) -> Self {
        let (name, value) = match condition {
            Precondition::None => return self,
            Precondition::Exists => (header::IF_MATCH, "*".to_owned()),
            Precondition::Absent => (header::IF_NONE_MATCH, "*".to_owned()),
            Precondition::OneOf(tags) => {
                let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
                (header::IF_MATCH, tags.join(", "))
            }
        };
        let value = value.try_into().expect("tags are plain ASCII");
        self.0.headers_mut().insert(name, value);
        self
    }

    fn request(self) -> Request<Body> {
        self.0
    }
}

fn with_query(path: &str, query: &impl Serialize) -> String {
    let query = serde_urlencoded::to_string(query).expect("a query has only plain fields");
    format!("{path}?{query}")
}
