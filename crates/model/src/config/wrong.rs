//! Something wrong with a part of a text, before its place in the file is known.

use std::ops::Range;

/// Something wrong with a part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The part, in bytes of the text.
    pub(super) part: Range<usize>,
    /// What is wrong.
    pub(super) cause: String,
    /// A few words for the place.
    pub(super) label: &'static str,
    /// What to do.
    pub(super) cure: String,
}

impl Wrong {
    pub(super) fn new(
        part: Range<usize>,
        cause: impl Into<String>,
        label: &'static str,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            part,
            cause: cause.into(),
            label,
            cure: cure.into(),
        }
    }
}
