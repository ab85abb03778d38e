//! What is wrong with a configuration that is not text: by field instead of by line.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One error of a configuration or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field, as a JSON pointer (RFC 6901) into what was given; empty for all of it.
    #[schema(example = "/service/0/real/1/weight")]
    pub path: String,
    /// What is wrong.
    #[schema(example = "`weight` is out of range")]
    pub cause: String,
    /// What to do.
    #[schema(example = "write 0 to 65_535; 0 quiesces the real server")]
    pub cure: String,
}

impl FieldError {
    pub(crate) fn new(
        path: impl Into<String>,
        cause: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            cause: cause.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, cause, cure } = self;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        write!(f, "{cause}: {cure}")
    }
}
