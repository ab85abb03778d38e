//! The headers `If-Match`, `If-None-Match` and `Accept`.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use crate::{
    ETag, Precondition,
    etag::{self, Comparison},
    v1::Problem,
};

/// What must hold for a change to be made.
#[derive(Debug)]
pub(crate) struct Condition(pub(crate) Precondition);

/// What the caller has already.
#[derive(Debug)]
pub(crate) enum IfNoneMatch {
    /// Whatever there is: the caller only wants to know whether there is anything.
    Any,
    /// What has one of these tags.
    Tags(Vec<ETag>),
}

/// The form in which the caller wants a configuration.
#[derive(Debug)]
pub(crate) struct Accept(pub(crate) Media);

/// A form of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// As JSON.
    Json,
    /// As the text of a file.
    Toml,
}

impl<S: Sync> FromRequestParts<S> for Condition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let if_match = text(&parts.headers, header::IF_MATCH)?;
        let if_none_match = text(&parts.headers, header::IF_NONE_MATCH)?;
        let condition = match (if_match.as_deref(), if_none_match.as_deref()) {
            (None, None) => Precondition::None,
            (Some("*"), None) => Precondition::Exists,
            (Some(tags), None) => {
                Precondition::OneOf(self::tags(header::IF_MATCH, tags, Comparison::Strong)?)
            }
            (None, Some("*")) => Precondition::Absent,
            (None, Some(_)) => {
                return Err(Problem::bad_request(
                    "with a change, the header If-None-Match may only be `*`: what is put must not be there yet",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request(
                    "the headers If-Match and If-None-Match do not go together",
                ));
            }
        };
        Ok(Self(condition))
    }
}

impl IfNoneMatch {
    /// Whether the caller has what has this tag.
    pub(crate) fn has(&self, tag: &ETag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(tag),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match text(&parts.headers, header::IF_NONE_MATCH)?.as_deref() {
            None => Ok(Self::Tags(Vec::new())),
            Some("*") => Ok(Self::Any),
            Some(tags) => self::tags(header::IF_NONE_MATCH, tags, Comparison::Weak).map(Self::Tags),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Accept {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(text) = text(&parts.headers, header::ACCEPT)? else {
            return Ok(Self(Media::Json));
        };
        let mut ranges = text.split(',').filter_map(|range| media(range.trim()));
        ranges.next().map(Self).ok_or_else(|| {
            Problem::not_acceptable("there is application/json and application/toml")
        })
    }
}

/// The first form that a media range takes.
fn media(range: &str) -> Option<Media> {
    let kind = range.split(';').next().unwrap_or(range).trim();
    match kind.to_ascii_lowercase().as_str() {
        "application/json" | "application/*" | "*/*" => Some(Media::Json),
        "application/toml" => Some(Media::Toml),
        _ => None,
    }
}

fn tags(name: HeaderName, text: &str, comparison: Comparison) -> Result<Vec<ETag>, Problem> {
    etag::tags(text, comparison)
        .map_err(|error| Problem::bad_request(format!("the header {name} makes no sense: {error}")))
}

/// A header's text; several of the name are one list (RFC 9110 §5.3).
fn text(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, Problem> {
    let mut texts = Vec::new();
    for value in headers.get_all(&name) {
        let text = value.to_str().map_err(|_| {
            Problem::bad_request(format!("the header {name} is not plain ASCII text"))
        })?;
        texts.push(text);
    }
    Ok((!texts.is_empty()).then(|| texts.join(", ").trim().to_owned()))
}
