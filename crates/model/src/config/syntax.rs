//! Errors of TOML itself: set aside, so that one of them does not hide the rest of the file.
//!
//! A pair that toml cannot read is taken out, a header is put right, and toml reads again, until what is
//! left is TOML. Places in the repaired text are mapped back to the text as it was given.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use toml::de::Error;

use super::{
    fault::Fault,
    keys::{Key, TABLES, Table},
    statement::{Kind, Statement, scan},
    wording,
};

/// What was done to a text to make TOML out of it, and what was wrong with it.
#[derive(Debug)]
pub(super) struct Repair<'t> {
    text: &'t str,
    statements: Vec<Statement>,
    /// What replaces a statement's text, by the statement's number.
    edits: BTreeMap<usize, String>,
    /// The edits as they lie in the repaired text, in its order.
    seams: Vec<Seam>,
    /// Starts of the lines, or places outside of statements, that have been told about.
    told: BTreeSet<usize>,
    faults: Vec<Fault>,
}

/// Where a replaced piece lies in the repaired text, and where it lay.
#[derive(Debug)]
struct Seam {
    repaired: Range<usize>,
    original: Range<usize>,
}

/// One error of toml, at its place in the original text.
struct Complaint<'e> {
    span: Range<usize>,
    message: &'e str,
    statement: Option<usize>,
}

impl<'t> Repair<'t> {
    /// The repair of a text, before toml has looked at it: headers with the wrong brackets are put right.
    pub(super) fn new(text: &'t str) -> Self {
        let mut repair = Self {
            text,
            statements: scan(text),
            edits: BTreeMap::new(),
            seams: Vec::new(),
            told: BTreeSet::new(),
            faults: Vec::new(),
        };
        for number in 0..repair.statements.len() {
            repair.check_brackets(number);
        }
        repair
    }

    /// Whether the text needs no repair that can be seen without toml.
    pub(super) fn is_untouched(&self) -> bool {
        self.edits.is_empty()
    }

    /// Takes toml's syntax errors in the text of [`Self::text`] as it is now. Says whether the text is
    /// another one now, to be read again.
    pub(super) fn absorb(&mut self, errors: &[Error]) -> bool {
        let before = self.edits.len();
        let complaints = self.complaints(errors, |message| !wording::is_structural(message));
        let last = complaints.last().map(|complaint| complaint.span.start);
        let runaway = (0..self.statements.len()).find(|number| self.runs_away(*number, last));
        for complaint in complaints {
            // What toml says after a bracket left open is about text that it took for something else.
            if runaway
                .is_some_and(|number| complaint.span.start > self.statements[number].span.start)
            {
                break;
            }
            self.tell(&complaint);
        }
        if let Some(first) = runaway {
            for number in first..self.statements.len() {
                if self.runs_away(number, last) {
                    self.faults
                        .push(wording::unclosed(self.text, &self.statements[number]));
                    self.edits.insert(number, String::new());
                }
            }
        }
        self.edits.len() > before
    }

    /// The text with all edits.
    pub(super) fn text(&mut self) -> String {
        let mut repaired = String::with_capacity(self.text.len());
        let mut at = 0;
        self.seams.clear();
        for (number, replacement) in &self.edits {
            let original = self.statements[*number].span.clone();
            repaired.push_str(&self.text[at..original.start]);
            let start = repaired.len();
            repaired.push_str(replacement);
            at = original.end;
            self.seams.push(Seam {
                repaired: start..repaired.len(),
                original,
            });
        }
        repaired.push_str(&self.text[at..]);
        repaired
    }

    /// Takes the errors that need no repair: things given twice. Then gives all faults.
    pub(super) fn into_faults(mut self, errors: &[Error]) -> Vec<Fault> {
        for complaint in self.complaints(errors, |_| true) {
            if wording::is_structural(complaint.message) {
                if self.told.insert(complaint.span.start) {
                    let number = complaint.statement;
                    let span = complaint.span.clone();
                    self.faults
                        .push(wording::twice(self.text, &self.statements, number, span));
                }
            } else {
                self.tell(&complaint);
            }
        }
        self.faults
    }

    /// A place of the repaired text in the original.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        let seam = |place: usize| {
            let after = self
                .seams
                .partition_point(|seam| seam.repaired.start < place);
            after.checked_sub(1).map(|number| &self.seams[number])
        };
        let shifted = |seam: &Seam, place: usize| seam.original.end + (place - seam.repaired.end);
        let start = match seam(span.start) {
            None => span.start,
            Some(seam) if span.start < seam.repaired.end => seam.original.start,
            Some(seam) => shifted(seam, span.start),
        };
        let end = match seam(span.end) {
            None => span.end,
            Some(seam) if span.end < seam.repaired.end => seam.original.end,
            Some(seam) => shifted(seam, span.end),
        };
        start..end.max(start)
    }

    /// Whether a statement was taken out that may have given this key to the table at that place (of the
    /// repaired text).
    pub(super) fn may_have_lost(&self, key: &Key, table: &Table, span: &Range<usize>) -> bool {
        let lost = |number: usize| self.edits.get(&number).is_some_and(String::is_empty);
        let all = 0..self.statements.len();
        if table.header.is_empty()
            && all
                .clone()
                .any(|number| lost(number) && self.is_header(number))
        {
            return true;
        }
        let at = self.original(span).start;
        let first = if table.header.is_empty() {
            0
        } else {
            let next = self
                .statements
                .partition_point(|statement| statement.span.start <= at);
            // An inline table stands in a statement that is there, whole.
            if next == 0 || !self.is_header(next - 1) {
                return false;
            }
            next
        };
        (first..all.end)
            .take_while(|number| !self.is_header(*number))
            .filter(|number| lost(*number))
            .map(|number| self.statements[number].name(self.text))
            .any(|name| name == key.name || table.keys.iter().all(|other| other.name != name))
    }

    fn is_header(&self, number: usize) -> bool {
        self.statements[number].kind == Kind::Header
    }

    /// Puts a header right that names a table of ours in the wrong brackets.
    fn check_brackets(&mut self, number: usize) {
        let statement = &self.statements[number];
        if statement.kind != Kind::Header {
            return;
        }
        let name = statement.name(self.text);
        let Some(table) = TABLES.into_iter().find(|table| table.path() == name) else {
            return;
        };
        let written = &self.text[statement.span.clone()];
        let opened = written.len() - written.trim_start_matches('[').len();
        let after = &written[opened..].trim_start_matches(|c| c != ']');
        let closed = after.len() - after.trim_start_matches(']').len();
        let wanted = table.header.len() - table.header.trim_start_matches('[').len();
        if opened != wanted || closed != wanted {
            self.faults
                .push(wording::brackets(self.text, statement, table, closed > 0));
            self.edits.insert(number, table.header.to_owned());
        }
    }

    /// Whether a bracket of the statement is left open, and toml stumbled there or after it.
    fn runs_away(&self, number: usize, last_error: Option<usize>) -> bool {
        let statement = &self.statements[number];
        statement.unclosed.is_some()
            && !self.edits.contains_key(&number)
            && last_error.is_some_and(|last| last >= statement.span.start)
    }

    /// The errors that are wanted, in the order of the text.
    fn complaints<'e>(
        &self,
        errors: &'e [Error],
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<Complaint<'e>> {
        let mut complaints: Vec<_> = errors
            .iter()
            .filter(|error| wanted(error.message()))
            .map(|error| {
                let span = self.original(&error.span().unwrap_or(0..0));
                let statement = self.statement_at(span.start);
                Complaint {
                    span,
                    message: error.message(),
                    statement,
                }
            })
            .collect();
        complaints.sort_by_key(|complaint| complaint.span.start);
        complaints
    }

    /// The statement that a place belongs to; its end belongs to it.
    fn statement_at(&self, place: usize) -> Option<usize> {
        let next = self
            .statements
            .partition_point(|statement| statement.span.start <= place);
        next.checked_sub(1)
            .filter(|number| place <= self.statements[*number].span.end)
    }

    /// Makes a fault of a syntax error, the first of its line, and takes its statement out.
    fn tell(&mut self, complaint: &Complaint<'_>) {
        let Some(number) = complaint.statement else {
            if self.told.insert(complaint.span.start) {
                self.faults.push(wording::syntax(
                    self.text,
                    None,
                    complaint.span.clone(),
                    complaint.message,
                ));
            }
            return;
        };
        let statement = &self.statements[number];
        let line = self.text[..complaint.span.start]
            .rfind('\n')
            .map_or(0, |end| end + 1);
        let known = self.edits.contains_key(&number) && !self.told.contains(&statement.span.start);
        if known || !self.told.insert(line.max(statement.span.start)) {
            return;
        }
        self.told.insert(statement.span.start);
        self.faults.push(wording::syntax(
            self.text,
            Some(statement),
            complaint.span.clone(),
            complaint.message,
        ));
        let replacement = match statement.kind {
            Kind::Header => restored(
                statement.name(self.text),
                &self.text[statement.span.clone()],
            ),
            Kind::Pair => String::new(),
        };
        if statement.kind == Kind::Header && replacement.is_empty() {
            // Its pairs would fall to the table before it.
            let pairs = |next: &usize| self.statements[*next].kind == Kind::Pair;
            let lost = (number + 1..self.statements.len()).take_while(pairs);
            self.edits.extend(lost.map(|next| (next, String::new())));
        }
        self.edits.insert(number, replacement);
    }
}

/// A header with the brackets closed; nothing when its name is beyond repair.
fn restored(name: &str, written: &str) -> String {
    let bare = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    if !name.split('.').all(bare) {
        return String::new();
    }
    if written.starts_with("[[") {
        format!("[[{name}]]")
    } else {
        format!("[{name}]")
    }
}
