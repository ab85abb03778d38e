//! Why a call was refused: problem details for HTTP (RFC 9457), as `application/problem+json`.

use serde::{Deserialize, Serialize};

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
}

/// One error of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    /// There is nothing at that path (404).
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not found", detail)
    }

    /// The path exists, but not for that method (405).
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(405, "method not allowed", detail)
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
        }
    }
}
