//! From pieces to a tree: statements with their blocks, each with its keyword.

use super::{
    Files, Options,
    fault::{Fault, Faults},
    keyword::{self, Body, Keyword},
    lines::{self, Kind, MAX_FAULTS, Token, fault},
    words,
};
use crate::report::{Ledger, Place};

/// How deep blocks may be in each other.
const MAX_DEPTH: usize = 32;

/// A statement with its block.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) place: Place,
    /// As it is written, without its block.
    pub(super) text: String,
    pub(super) words: Vec<String>,
    pub(super) known: Known,
    /// What stands in its block; `None` where it has none.
    pub(super) body: Option<Vec<Statement>>,
}

/// What is known of a statement's first word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// It is a keyword.
    Keyword(&'static Keyword),
    /// It is a line of a block that has no keywords.
    Value,
    /// It is no keyword where it stands; this one may be meant.
    Unknown(Option<&'static str>),
}

/// Reads the configuration.
pub(super) fn read(
    files: &dyn Files,
    options: &Options<'_>,
    ledger: &mut Ledger,
) -> Result<Vec<Statement>, Faults> {
    let mut faults = Vec::new();
    let tokens = lines::read(files, options, ledger, &mut faults);
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        ledger,
        faults,
    };
    let statements = parser.block(Body::Keywords(keyword::ROOT), None, 0);
    let mut faults = parser.faults;
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() {
        Ok(statements)
    } else {
        Err(Faults(faults))
    }
}

struct Parser<'l> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    ledger: &'l Ledger,
    faults: Vec<Fault>,
}

impl Parser<'_> {
    /// The statements up to the end of the block that was opened at `open`, or of the configuration.
    fn block(&mut self, body: Body, open: Option<Place>, depth: usize) -> Vec<Statement> {
        if let Some(open) = open.filter(|_| depth > MAX_DEPTH) {
            self.fault(
                open,
                "blocks are more than 32 deep in each other",
                "close some with `}`",
            );
            // Nobody can tell any more which block the rest belongs to.
            self.tokens.by_ref().for_each(drop);
            return Vec::new();
        }
        let mut statements = Vec::new();
        while let Some(token) = self.tokens.next() {
            match token.kind {
                Kind::Statement(text) => {
                    statements.push(self.statement(token.place, text, body, depth))
                }
                Kind::Close if open.is_some() => return statements,
                Kind::Close => self.fault(token.place, "`}` closes nothing", "remove it"),
                Kind::Open => {
                    self.fault(
                        token.place,
                        "`{` has no keyword in front of it that takes a block",
                        "remove it, with the `}` that belongs to it, or write the keyword in front of it",
                    );
                    self.block(Body::Values(""), Some(token.place), depth + 1);
                }
            }
        }
        if let Some(open) = open {
            self.fault(
                open,
                "the block that begins here has no end",
                "close it with `}`",
            );
        }
        statements
    }

    fn statement(&mut self, place: Place, text: String, body: Body, depth: usize) -> Statement {
        let words = words::split(&text);
        let first = words.first().map_or("", String::as_str);
        let known = match body {
            Body::Keywords(lists) => match keyword::find(lists, first) {
                Some(keyword) => Known::Keyword(keyword),
                None => Known::Unknown(keyword::nearest(lists, first)),
            },
            Body::Values(_) | Body::None => Known::Value,
        };
        let inner = match known {
            Known::Keyword(keyword) => keyword.body,
            Known::Value | Known::Unknown(_) => Body::Values(""),
        };
        let is_open = matches!(self.tokens.peek(), Some(token) if token.kind == Kind::Open);
        let body = match (is_open, inner) {
            (true, Body::None) => {
                self.fault(
                    place,
                    &format!("`{first}` takes no block"),
                    "remove the block, or write its statements behind this one",
                );
                let open = self.tokens.next().map(|token| token.place);
                self.block(Body::Values(""), open, depth + 1);
                None
            }
            (true, inner) => {
                let open = self.tokens.next().map(|token| token.place);
                Some(self.block(inner, open, depth + 1))
            }
            (false, Body::Keywords(_) | Body::Values(_)) if matches!(known, Known::Keyword(_)) => {
                let cure = match inner {
                    Body::Values(line) => {
                        format!("write `{{` behind it, lines such as `{line}`, and `}}`")
                    }
                    Body::Keywords(_) | Body::None => {
                        "write `{` behind it, its statements, and `}`".to_owned()
                    }
                };
                self.fault(place, &format!("the block of `{first}` is missing"), &cure);
                None
            }
            (false, _) => None,
        };
        Statement {
            place,
            text,
            words,
            known,
            body,
        }
    }

    fn fault(&mut self, place: Place, what: &str, cure: &str) {
        self.faults.push(fault(self.ledger, place, what, cure));
    }
}

impl Statement {
    /// The word behind the keyword at this place, from 0.
    pub(super) fn argument(&self, at: usize) -> Option<&str> {
        self.words.get(at + 1).map(String::as_str)
    }

    /// What stands behind the keyword.
    pub(super) fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// What stands in its block.
    pub(super) fn inside(&self) -> &[Statement] {
        self.body.as_deref().unwrap_or_default()
    }
}
