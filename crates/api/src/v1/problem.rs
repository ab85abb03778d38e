//! Why a call was refused: problem details for HTTP (RFC 9457), as `application/problem+json`.

use dray_model::{
    config::{Diagnostics, FieldError},
    edit::EditError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// The HTTP status code, again.
    pub status: u16,
    /// What went wrong, the same words each time.
    pub title: String,
    /// What went wrong this time and what to do.
    pub detail: String,
    /// The errors of a configuration file as a person reads them, with the lines that they are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
    /// The errors of a configuration file as a program reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ConfigError>,
    /// The errors of a JSON body.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>)]
    pub fields: Box<[FieldError]>,
}

/// One error of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub cure: String,
}

impl Problem {
    /// The request makes no sense (400).
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad request", detail)
    }

    /// The caller does not say who it is, or not truly (401).
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, "not known", detail)
    }

    /// The caller may not do that (403).
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "not allowed", detail)
    }

    /// There is nothing at that path (404).
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not found", detail)
    }

    /// The path exists, but not for that method (405).
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, "method not allowed", detail)
    }

    /// The answer exists in none of the forms that the caller takes (406).
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new(406, "not acceptable", detail)
    }

    /// The body of the request took too long to come (408).
    pub fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(408, "too slow", detail)
    }

    /// What is there already, or is not, forbids it (409).
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", detail)
    }

    /// What the caller has seen is no longer so (412); nothing was changed.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(412, "changed meanwhile", detail)
    }

    /// The body of the request is too large (413).
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(413, "too large", detail)
    }

    /// The body of the request is of a kind that is not taken there (415).
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(415, "unsupported media type", detail)
    }

    /// The configuration file has errors; nothing was changed (422).
    pub fn bad_config(
        detail: impl Into<String>,
        rendered: String,
        errors: Vec<ConfigError>,
    ) -> Self {
        Self {
            rendered: Some(rendered),
            errors,
            ..Self::new(422, "the configuration has errors", detail)
        }
    }

    /// The body has values that cannot be; nothing was changed (422).
    pub fn bad_fields(detail: impl Into<String>, fields: Vec<FieldError>) -> Self {
        Self {
            fields: fields.into(),
            ..Self::new(422, "the configuration has errors", detail)
        }
    }

    /// The daemon could not do it (500).
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::new(500, "the daemon could not do it", detail)
    }

    /// The daemon is about to end (503).
    pub fn stopping() -> Self {
        Self::new(
            503,
            "the daemon is stopping",
            "it takes no more requests; forwarding does not need it",
        )
    }

    fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: title.to_owned(),
            detail: detail.into(),
            rendered: None,
            errors: Vec::new(),
            fields: Box::default(),
        }
    }
}

impl From<&Diagnostics> for Problem {
    fn from(diagnostics: &Diagnostics) -> Self {
        let errors = diagnostics.iter().map(|diagnostic| ConfigError {
            line: diagnostic.place.line,
            column: diagnostic.place.column,
            cause: diagnostic.cause.clone(),
            cure: diagnostic.cure.clone(),
        });
        let errors = errors.collect();
        Self::bad_config("nothing was changed", diagnostics.render(false), errors)
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NoSuchService { .. } | EditError::NoSuchReal { .. } => {
                Self::not_found(error.to_string())
            }
            EditError::Exists(existing) => Self::conflict(existing.to_string()),
            EditError::Invalid(errors) => Self::bad_fields("nothing was changed", errors),
        }
    }
}
