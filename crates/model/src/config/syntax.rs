//! Errors of TOML itself: told, and then mended, so that one of them does not hide the rest of the file.
//!
//! Mended is what can be (a comma put in, a value without quotes replaced by a stand-in); otherwise the
//! statement is taken out. Then toml reads again, until what is left is TOML. Places in the mended text lead
//! back to the text as it was given.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use toml::de::Error;

use super::{
    edits::{Edits, New},
    fault::Fault,
    keys::{Key, Presence, TABLES, Table},
    lines::Lines,
    slip::{Slip, slip},
    statement::{Kind, Statement, bare_value, inline_tables, is_statement, scan},
    twice::twice,
    wording,
};

/// Rounds in which pieces of statements are mended; after these, statements are taken out.
const ROUNDS: usize = 8;

/// What was done to a text to make TOML out of it, and what was wrong with it.
#[derive(Debug)]
pub(super) struct Repair<'t> {
    text: &'t str,
    lines: Lines<'t>,
    statements: Vec<Statement>,
    edits: Edits<'t>,
    /// How often toml has read the text.
    round: usize,
    /// Statements and starts of lines that this round has dealt with, and whether only values were wrong.
    seen: BTreeMap<(usize, usize), bool>,
    /// The inline tables of the statement that had a complaint last, by their ends.
    inline_tables: (usize, Vec<Range<usize>>),
    /// Places that have been told about.
    told: BTreeSet<usize>,
    faults: Vec<Fault>,
}

/// One error of toml, at its place in the original text.
struct Complaint<'e> {
    span: Range<usize>,
    message: &'e str,
    slip: Slip,
    statement: Option<usize>,
}

impl<'t> Repair<'t> {
    /// The repair of a text, before toml has looked at it: headers with the wrong brackets are put right.
    pub(super) fn new(text: &'t str) -> Self {
        let mut repair = Self {
            text,
            lines: Lines::new(text),
            statements: scan(text),
            edits: Edits::new(text),
            round: 0,
            seen: BTreeMap::new(),
            inline_tables: (usize::MAX, Vec::new()),
            told: BTreeSet::new(),
            faults: Vec::new(),
        };
        for number in 0..repair.statements.len() {
            repair.check_brackets(number);
        }
        repair
    }

    /// The mended text, if it is another one than the one given.
    pub(super) fn mended(&mut self) -> Option<String> {
        (!self.edits.is_empty()).then(|| self.edits.apply())
    }

    /// Takes toml's syntax errors in the mended text. Gives the text to read next, if there is more to mend.
    pub(super) fn absorb(&mut self, errors: &[Error]) -> Option<String> {
        self.round += 1;
        self.seen.clear();
        let mut complaints = self.complaints(errors);
        complaints.retain(|complaint| complaint.slip != Slip::Twice);
        let last = complaints.last()?.span.start;
        let runaway = (0..self.statements.len()).find(|number| self.runs_away(*number, last));
        let mut changed = runaway.is_some();
        for complaint in complaints {
            // What toml says after a bracket left open is about text that it took for something else.
            if runaway
                .is_some_and(|number| complaint.span.start > self.statements[number].span.start)
            {
                break;
            }
            changed |= self.tell(&complaint);
        }
        for number in runaway.unwrap_or(self.statements.len())..self.statements.len() {
            if self.runs_away(number, last) {
                self.faults
                    .push(wording::unclosed(self.text, &self.statements[number]));
                self.take_out(number);
            }
        }
        changed.then(|| self.edits.apply())
    }

    /// Takes the errors after the last round: what is given twice needs no mending. Then gives all faults.
    pub(super) fn into_faults(mut self, errors: &[Error]) -> Vec<Fault> {
        self.seen.clear();
        for complaint in self.complaints(errors) {
            if complaint.slip != Slip::Twice {
                self.tell(&complaint);
            } else if self.told.insert(complaint.span.start) {
                let (number, span) = (complaint.statement, complaint.span);
                self.faults
                    .push(twice(self.text, &self.statements, number, span));
            }
        }
        self.faults
    }

    /// A place of the mended text in the original.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        self.edits.original(span)
    }

    /// Whether a place of the mended text is not of the user's making.
    pub(super) fn is_stand_in(&self, span: &Range<usize>) -> bool {
        self.edits.is_stand_in(span)
    }

    /// Whether a statement was taken out that may have given this key to the table at that place of the
    /// mended text.
    pub(super) fn may_have_lost(&self, key: &Key, table: &Table, span: &Range<usize>) -> bool {
        let lost = |number: usize| self.edits.is_removed(&self.statements[number].span);
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
            .any(|name| {
                name == key.name
                    || matches!(key.presence, Presence::Unless(other) if other == name)
                    || table.keys.iter().all(|other| other.name != name)
            })
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
            let new = New::Text(table.header.to_owned());
            self.faults
                .push(wording::brackets(self.text, statement, table, closed > 0));
            self.edits.replace(statement.span.clone(), new, self.round);
        }
    }

    /// Whether a bracket of the statement is left open, and toml stumbled there or after it.
    fn runs_away(&self, number: usize, last_error: usize) -> bool {
        let statement = &self.statements[number];
        statement.unclosed.is_some()
            && last_error >= statement.span.start
            && !self.edits.is_removed(&statement.span)
    }

    /// The errors in the order of the text.
    fn complaints<'e>(&self, errors: &'e [Error]) -> Vec<Complaint<'e>> {
        let complaint = |error: &'e Error| {
            let span = self.original(&error.span().unwrap_or(0..0));
            let statement = self.statement_at(span.start);
            let message = error.message();
            let mut slip = slip(message);
            if slip == Slip::Unquoted && self.text[span.end..].trim_start().starts_with('=') {
                // toml took a key in a list for a value before it came to the `=`.
                slip = Slip::EqualsInList;
            }
            Complaint {
                span,
                message,
                slip,
                statement,
            }
        };
        let mut complaints: Vec<_> = errors.iter().map(complaint).collect();
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

    /// Makes a fault of a syntax error, unless it may follow from another of its line, and mends it. Says whether the text
    /// has changed.
    fn tell(&mut self, complaint: &Complaint<'_>) -> bool {
        let place = complaint.span.start;
        let statement = complaint.statement.map(|number| &self.statements[number]);
        if let Some(number) = complaint.statement {
            let line = self.lines.start(place);
            let edited = self.edits.round_at(place);
            let mended_header = self.is_header(number) && edited.is_some();
            let out = self.edits.is_removed(&self.statements[number].span);
            let first = match self.seen.get(&(number, line)) {
                None => true,
                // Only errors inside of values do not follow from others.
                Some(values) => *values && complaint.slip.is_value(),
            };
            if mended_header || out || !first || edited == Some(self.round) {
                return false;
            }
            self.seen.insert((number, line), complaint.slip.is_value());
        }
        if self.told.insert(place) {
            let span = complaint.span.clone();
            self.faults.push(wording::syntax(
                self.text,
                statement,
                span,
                complaint.slip,
                complaint.message,
            ));
        }
        match complaint.statement {
            Some(number) if self.is_header(number) => self.mend_header(number, complaint),
            Some(number) => self.mend_pair(number, complaint),
            None => false,
        }
    }

    /// Closes a header; one beyond repair is taken out with its pairs, that these do not fall to the table
    /// before it.
    fn mend_header(&mut self, number: usize, complaint: &Complaint<'_>) -> bool {
        let statement = &self.statements[number];
        let place = complaint.span.start;
        if complaint.slip == Slip::Trailing && is_statement(&self.text[place..]) {
            self.edits
                .replace(place..place, New::Text("\n".to_owned()), self.round);
        } else if let Some(header) =
            restored(statement.name(self.text), statement.header(self.text))
        {
            self.edits
                .replace(statement.span.clone(), New::Text(header), self.round);
        } else {
            self.take_out(number);
            for next in number + 1..self.statements.len() {
                if self.is_header(next) {
                    break;
                }
                self.take_out(next);
            }
        }
        true
    }

    /// Mends the piece of a pair that has the error, or takes the pair out. Says whether the text has
    /// changed.
    fn mend_pair(&mut self, number: usize, complaint: &Complaint<'_>) -> bool {
        let statement = &self.statements[number];
        let (place, end) = (complaint.span.start, statement.span.end);
        let before = self.edits.round_at(place);
        if before == Some(self.round) || self.edits.is_removed(&statement.span) {
            return false;
        }
        let (piece, new) = match complaint.slip {
            // What has been mended once and is wrong still cannot be mended so.
            _ if before.is_some() || self.round > ROUNDS => {
                self.take_out(number);
                return true;
            }
            Slip::NoComma => (place..place, New::Text(",".to_owned())),
            Slip::ExtraComma if !complaint.span.is_empty() => {
                (complaint.span.clone(), New::Text(String::new()))
            }
            slip if slip.is_value() => (
                bare_value(self.text, statement, &complaint.span),
                New::StandIn("\"\""),
            ),
            Slip::Trailing if is_statement(&self.text[place..]) => {
                (place..place, New::Text("\n".to_owned()))
            }
            Slip::Trailing => (place..end, New::Text(String::new())),
            _ => match self.inline_table_around(number, place) {
                Some(table) => (table, New::StandIn("{}")),
                None => {
                    self.take_out(number);
                    return true;
                }
            },
        };
        if self.edits.crosses(&piece) {
            self.take_out(number);
        } else {
            self.edits.replace(piece, new, self.round);
        }
        true
    }

    /// The smallest inline table of a statement that a place lies in.
    fn inline_table_around(&mut self, number: usize, place: usize) -> Option<Range<usize>> {
        if self.inline_tables.0 != number {
            self.inline_tables = (number, inline_tables(self.text, &self.statements[number]));
        }
        let tables = &self.inline_tables.1;
        let after = tables.partition_point(|table| table.end <= place);
        tables[after..]
            .iter()
            .find(|table| table.start < place)
            .cloned()
    }

    fn take_out(&mut self, number: usize) {
        let span = self.statements[number].span.clone();
        self.edits
            .replace(span, New::Text(String::new()), self.round);
    }
}

/// A header with its brackets closed; nothing when its name is beyond repair.
fn restored(name: &str, written: &str) -> Option<String> {
    let bare = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        !part.is_empty() && part.chars().all(fits)
    };
    let (open, close) = if written.starts_with("[[") {
        ("[[", "]]")
    } else {
        ("[", "]")
    };
    name.split('.')
        .all(bare)
        .then(|| format!("{open}{name}{close}"))
}
