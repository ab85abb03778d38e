//! Bodies: read whole, within bounds of size and time, and of a kind that is understood.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};
use tokio::time::timeout;

use crate::v1::{FieldError, Problem};

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A merge patch (RFC 7396).
#[derive(Debug)]
pub(crate) struct Patch(pub(crate) Value);

/// A whole configuration.
#[derive(Debug)]
pub(crate) enum ConfigurationBody {
    /// As JSON.
    Json(Value),
    /// As the text of a file.
    Toml(String),
}

/// How much a body may be, and how long it may take.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: usize,
    time: Duration,
}

const ORDINARY: Bounds = Bounds {
    bytes: 1 << 20,
    time: Duration::from_secs(30),
};

/// The largest configurations are some 20 MiB.
const CONFIGURATION: Bounds = Bounds {
    bytes: 64 << 20,
    time: Duration::from_secs(120),
};

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        expect(&request, &["application/json"])?;
        let bytes = read(request.into_body(), ORDINARY).await?;
        // serde takes a list for a struct too, by the order of its fields, which is nothing to rely on.
        if bytes.trim_ascii_start().starts_with(b"[") {
            parse::<Value>(&bytes)?;
            return Err(no_object("the body must be an object"));
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        expect(
            &request,
            &["application/merge-patch+json", "application/json"],
        )?;
        let patch: Value = parse(&read(request.into_body(), ORDINARY).await?)?;
        if patch.is_object() {
            return Ok(Self(patch));
        }
        Err(no_object("a patch must be an object"))
    }
}

impl<S: Sync> FromRequest<S> for ConfigurationBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        match expect(&request, &["application/json", "application/toml"])? {
            "application/json" => {
                parse(&read(request.into_body(), CONFIGURATION).await?).map(Self::Json)
            }
            _ => {
                let bytes = read(request.into_body(), CONFIGURATION).await?;
                String::from_utf8(bytes.into())
                    .map(Self::Toml)
                    .map_err(|error| {
                        let at = error.utf8_error().valid_up_to();
                        Problem::bad_request(format!(
                            "the configuration is not UTF-8 from byte {at} on: save it as UTF-8"
                        ))
                    })
            }
        }
    }
}

/// The kind of the body, which is one of these.
fn expect(request: &Request, kinds: &[&'static str]) -> Result<&'static str, Problem> {
    let kind = kind(request.headers());
    let found = kinds.iter().find(|known| kind.eq_ignore_ascii_case(known));
    found.copied().ok_or_else(|| {
        let known = kinds.join(" or ");
        Problem::unsupported_media_type(match kind {
            "" => format!("say what the body is: Content-Type: {known}"),
            kind => format!("the body is said to be {kind:?}; send {known}"),
        })
    })
}

/// The kind without its parameters, of which `charset` may only say what is so anyway.
fn kind(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    text.split(';').next().unwrap_or("").trim()
}

async fn read(body: Body, bounds: Bounds) -> Result<Bytes, Problem> {
    let whole = timeout(bounds.time, Limited::new(body, bounds.bytes).collect());
    let whole = whole.await.map_err(|_| {
        let seconds = bounds.time.as_secs();
        Problem::too_slow(format!("the body has not come within {seconds} s"))
    })?;
    match whole {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(format!(
            "the body may have at most {} MiB",
            bounds.bytes >> 20
        ))),
        Err(error) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = pointer(error.path());
        let error = error.into_inner();
        match error.classify() {
            Category::Data => {
                let error = FieldError {
                    path,
                    cause: without_place(&error),
                    cure: "write it as GET /v1/openapi.json describes it".to_owned(),
                };
                Problem::bad_fields("nothing was changed", vec![error])
            }
            _ => not_json(&error),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn no_object(cause: &str) -> Problem {
    let error = FieldError {
        path: String::new(),
        cause: cause.to_owned(),
        cure: "write the keys with their values, as in `{\"weight\": 3}`".to_owned(),
    };
    Problem::bad_fields("nothing was changed", vec![error])
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body is not JSON: {error}"))
}

/// The message alone: the path says the place.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// As a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.collect()
}
