//! What is wrong with a file: where, why, and what to do.

use std::{fmt, ops::Range, slice};

use super::{fault::Fault, lines::Lines, render};

/// Every error of one file, in the order of its text; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file_name: String,
    text: String,
    list: Vec<Diagnostic>,
}

/// One error of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The place.
    pub place: Place,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub cure: String,
    /// A few words for the place itself.
    pub label: String,
    /// Other places that explain it ("first used here").
    pub related: Vec<Label>,
}

/// Another place of the text, with what it has to do with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub place: Place,
    /// What it has to do with the error.
    pub text: String,
}

/// A place of the text, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In bytes from the start of the text (after a byte order mark).
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column of its start, in characters from 1.
    pub column: usize,
}

impl Diagnostics {
    pub(super) fn new(file_name: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        let lines = Lines::new(text);
        let list = faults
            .into_iter()
            .map(|fault| diagnostic(fault, &lines))
            .collect();
        Self {
            file_name: file_name.to_owned(),
            text: text.to_owned(),
            list,
        }
    }

    /// The errors, in the order of the text.
    pub fn iter(&self) -> slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// All errors as text for people, in the look of rustc, with or without colours (ANSI escapes).
    pub fn render(&self, color: bool) -> String {
        render::render(&self.file_name, &self.text, &self.list, color)
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

fn diagnostic(fault: Fault, lines: &Lines<'_>) -> Diagnostic {
    let related = fault.related.into_iter().map(|(span, text)| Label {
        place: lines.place(span),
        text,
    });
    Diagnostic {
        place: lines.place(fault.span),
        cause: fault.cause,
        cure: fault.cure,
        label: fault.label,
        related: related.collect(),
    }
}
