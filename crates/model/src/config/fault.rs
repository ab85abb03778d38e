//! Faults while they are collected: spans, no lines yet.

use std::ops::Range;

use super::{
    keys::{Key, Table},
    syntax::Repair,
};

/// Something wrong at a place: of the text, in bytes, unless it is said.
#[derive(Debug)]
pub(super) struct Fault<P = Range<usize>> {
    /// Where.
    pub(super) span: P,
    /// What is wrong, as a sentence without a full stop.
    pub(super) cause: String,
    /// A few words for the place itself.
    pub(super) label: String,
    /// What to do.
    pub(super) cure: String,
    /// Other places that explain it.
    pub(super) related: Vec<(P, String)>,
}

impl<P> Fault<P> {
    pub(super) fn new(
        span: P,
        cause: impl Into<String>,
        label: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            span,
            cause: cause.into(),
            label: label.into(),
            cure: cure.into(),
            related: Vec::new(),
        }
    }

    /// Adds another place that explains it.
    pub(super) fn related(mut self, span: P, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }
}

/// The faults of one text, as the checks of its tables find them.
#[derive(Debug)]
pub(super) struct Faults<'r> {
    repair: &'r Repair<'r>,
    list: Vec<Fault>,
}

impl<'r> Faults<'r> {
    pub(super) fn new(repair: &'r Repair<'r>) -> Self {
        Self {
            repair,
            list: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// How many there are so far.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// Notes that a table lacks a key, unless a statement that toml cannot read may have given it.
    pub(super) fn push_missing(&mut self, key: &Key, table: &Table, fault: Fault) {
        if !self.repair.may_have_lost(key, table, &fault.span) {
            self.list.push(fault);
        }
    }

    /// All of them but those of stand-ins, with the places of the text as it was given.
    pub(super) fn into_original(self) -> Vec<Fault> {
        let mut list = self.list;
        list.retain(|fault| !self.repair.is_stand_in(&fault.span));
        for fault in &mut list {
            fault.span = self.repair.original(&fault.span);
            for (span, _) in &mut fault.related {
                *span = self.repair.original(span);
            }
        }
        list
    }
}

/// User's text in a message: short, on one line, in backticks.
pub(super) fn quote(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).flat_map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
