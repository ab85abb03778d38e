//! From files to pieces: statements, `{` and `}`, each with the place that it comes from.
//!
//! What keepalived does to lines before it looks for keywords is done here, in its order: comments go, `@id` lines are for
//! some machines only, `$NAME=` defines, `~SEQ` and `~LST` repeat, `$NAME` is replaced, `include` reads other files, and
//! braces part what is left.

use super::{
    Files, Options, comment,
    definition::{self, Definitions, Endless, Value},
    fault::Fault,
    include::{self, Include},
    repeat::{self, Repeat},
    source::{Line, LineKind, Source, Sources},
    words::{self, Piece},
};
use crate::report::{Ledger, Place, Verdict};

/// How many lines may be read, those of repetitions and parameters counted as often as they are used.
const MAX_LINES: usize = 2_000_000;

/// How many faults are told; what follows so many is not read.
pub(super) const MAX_FAULTS: usize = 100;

/// A piece of the configuration with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A statement, or the part of it before its block.
    Statement(String),
    /// `{`
    Open,
    /// `}`
    Close,
}

/// Reads all pieces of the configuration; faults go to `faults`.
pub(super) fn read(
    files: &dyn Files,
    options: &Options<'_>,
    ledger: &mut Ledger,
    faults: &mut Vec<Fault>,
) -> Vec<Token> {
    let sources = match Sources::open(files, options.main, ledger) {
        Ok(sources) => sources,
        Err(why) => {
            faults.push(Fault {
                file: options.main.display().to_string(),
                line: 1,
                what: format!("the file cannot be read ({why})"),
                cure: "name keepalived's configuration file".to_owned(),
            });
            return Vec::new();
        }
    };
    let mut lines = Lines {
        sources,
        config_id: options.config_id,
        definitions: predefined(options.config_id),
        nth: 0,
        count: 0,
        ledger,
        faults,
    };
    std::iter::from_fn(|| lines.next()).collect()
}

/// What keepalived defines by itself; `${_PWD}` follows the files, and `${_RANDOM}` stays as it is.
fn predefined(config_id: Option<&str>) -> Definitions {
    let mut definitions = Definitions::default();
    let all = [
        ("_HASH", Some("#")),
        ("_BANG", Some("!")),
        ("_INSTANCE", config_id),
    ];
    for (name, value) in all {
        if let Some(value) = value {
            definitions.define(name, Value::Text(value.to_owned()));
        }
    }
    definitions
}

/// Gives the pieces of a configuration one by one.
struct Lines<'a> {
    sources: Sources<'a>,
    config_id: Option<&'a str>,
    definitions: Definitions,
    /// The next statement's number on its line.
    nth: u32,
    count: usize,
    ledger: &'a mut Ledger,
    faults: &'a mut Vec<Fault>,
}

impl Lines<'_> {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> Option<Token> {
        while self.faults.len() < MAX_FAULTS {
            let Line {
                mut place,
                text,
                kind,
            } = self.sources.next(&mut self.definitions)?;
            if kind != LineKind::Rest {
                self.nth = 0;
            }
            place.nth = self.nth;
            self.count += 1;
            if self.count > MAX_LINES {
                let what = "the configuration makes more than two million lines";
                let cure = "look for a `~SEQ` or a `$parameter` that makes too many";
                self.fault(place, what, cure);
                self.sources.end();
                return None;
            }
            let plain = match kind {
                LineKind::Written => self.stripped(place, &text),
                LineKind::Whole | LineKind::Rest => Some(text),
            };
            let line = plain.and_then(|line| self.settle(place, line));
            if let Some(token) = line.and_then(|line| self.cut(place, &line)) {
                return Some(token);
            }
        }
        None
    }

    /// The first piece of a line; what is left of it is the next source.
    fn cut(&mut self, place: Place, line: &str) -> Option<Token> {
        let (piece, rest) = words::first_piece(line)?;
        if !rest.trim().is_empty() {
            self.push(place, Source::Rest(place, rest.to_owned()));
        }
        let kind = match piece {
            Piece::Text(text) => {
                self.nth += 1;
                Kind::Statement(text.to_owned())
            }
            Piece::Open => Kind::Open,
            Piece::Close => Kind::Close,
        };
        Some(Token { place, kind })
    }

    /// What is left of a line when conditions, definitions, repetitions, parameters and includes are done with.
    fn settle(&mut self, place: Place, mut line: String) -> Option<String> {
        loop {
            if line.starts_with('@') {
                line = self.condition(place, &line)?;
            }
            if let Some((name, value)) = definition::parse(&line) {
                self.define(place, name, value, &line);
                return None;
            }
            if repeat::is_repeat(&line) {
                self.repeat(place, &line);
                return None;
            }
            line = self.joined(place, line);
            match self.replaced(place, &line)? {
                Some(replaced) => line = replaced,
                None => break,
            }
        }
        if let Some(include) = include::parse(&line) {
            self.include(place, &line, &include);
            return None;
        }
        Some(line)
    }

    /// The line without its `@id`, or `None` where it is for other machines.
    fn condition(&mut self, place: Place, line: &str) -> Option<String> {
        let (condition, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let (is_not, id) = match condition[1..].strip_prefix('^') {
            Some(id) => (true, id),
            None => (false, &condition[1..]),
        };
        let is_id = self.config_id == Some(id);
        if is_id != is_not && !rest.is_empty() {
            return Some(rest.trim_start().to_owned());
        }
        let words = match self.config_id {
            Some(config_id) => format!("it is not for the config-id `{config_id}`"),
            None => "no config-id was named".to_owned(),
        };
        self.ledger.say(place, line, Verdict::Ignored, words);
        None
    }

    /// Takes a definition to heart, with the lines that belong to it.
    fn define(&mut self, place: Place, name: &str, first: &str, line: &str) {
        let words = "what it stands for is written out";
        self.ledger.say(place, line, Verdict::Translated, words);
        let value = match first.strip_suffix('\\') {
            None => Value::Text(first.to_owned()),
            Some(first) => {
                let mut lines = vec![(place, first.trim_end().to_owned())];
                self.further(&mut lines);
                Value::Lines(lines)
            }
        };
        self.definitions.define(name, value);
    }

    /// Adds the lines of a definition that goes on. An empty line ends it; a comment in it does not.
    fn further(&mut self, lines: &mut Vec<(Place, String)>) {
        let mut goes_on = true;
        while goes_on
            && let Some((place, text)) = self.sources.further().filter(|(_, text)| !text.is_empty())
        {
            let text = self.stripped(place, &text).unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            let before_end = text.strip_suffix('\\').map(str::trim_end);
            goes_on = before_end.is_some();
            let text = before_end.unwrap_or(&text);
            let statement = text.trim_matches([' ', '{', '}']);
            if !statement.is_empty() {
                let words = "nobody uses the parameter that it is part of";
                self.ledger.say(place, statement, Verdict::Ignored, words);
            }
            if !text.is_empty() {
                lines.push((place, text.to_owned()));
            }
        }
    }

    fn repeat(&mut self, place: Place, line: &str) {
        match repeat::parse(line, &self.definitions) {
            Ok(Repeat { mut rounds, text }) => {
                let words = "each round is written out";
                self.ledger.say(place, line, Verdict::Translated, words);
                rounds.reverse();
                self.push(
                    place,
                    Source::Rounds {
                        place,
                        rounds,
                        text,
                    },
                );
            }
            Err(why) => {
                let (kind, _) = line.split_at(4);
                let what = format!("this is no {kind} ({why})");
                let cure =
                    "write it as `~SEQ(NAME, start, step, end) …` or `~LST(NAME, value, …) …`";
                self.fault(place, &what, cure);
            }
        }
    }

    /// The line with those that it continues on: a `\` at its end.
    fn joined(&mut self, place: Place, mut line: String) -> String {
        while let Some(start) = line.strip_suffix('\\') {
            line = start.trim_end().to_owned();
            let Some((_, next)) = self.sources.written() else {
                break;
            };
            let next = self.stripped(place, &next).unwrap_or_default();
            line = format!("{line} {next}");
        }
        line
    }

    /// The line with its parameters replaced; an inner `None` where it has none, an outer one where nothing is left.
    fn replaced(&mut self, place: Place, line: &str) -> Option<Option<String>> {
        let directory = self.sources.directory().display().to_string();
        self.definitions.define("_PWD", Value::Text(directory));
        match self.definitions.replace(line) {
            Ok(None) => Some(None),
            Ok(Some(replaced)) => {
                let mut rest = replaced.rest;
                if !rest.is_empty() {
                    let names = replaced.names.join("`, `$");
                    let words = format!("the lines of `${names}` are written out");
                    self.ledger.say(place, line, Verdict::Translated, words);
                    rest.reverse();
                    self.push(place, Source::Parameter(rest));
                }
                let line = self.stripped(place, &replaced.line);
                line.filter(|line| !line.is_empty()).map(Some)
            }
            Err(endless) => {
                let what = match endless {
                    Endless::Names => "the parameters of this line name each other without an end",
                    Endless::Line => "with its parameters, the line gets longer than 1024 bytes",
                };
                self.fault(place, what, "look at the `$NAME=` definitions that it uses");
                None
            }
        }
    }

    fn include(&mut self, place: Place, line: &str, include: &Include<'_>) {
        let directory = self.sources.directory();
        let matches = include::matches(self.sources.files, &directory, include.pattern);
        let mut missing = matches.missing;
        let mut read = Vec::new();
        let mut texts = Vec::new();
        for path in matches.files {
            match self.sources.read(&path, self.ledger) {
                Ok(text) => {
                    read.push(self.sources.shown(&path));
                    texts.push(text);
                }
                Err(why) => missing.push(format!("{} ({why})", path.display())),
            }
        }
        texts.reverse();
        self.push(place, Source::Files(texts));
        let (verdict, words) = if !missing.is_empty() {
            (
                Verdict::Refused,
                format!("not there, and so not imported: {}", missing.join(", ")),
            )
        } else if !read.is_empty() {
            (
                Verdict::Translated,
                format!("it is read: {}", read.join(", ")),
            )
        } else if include.must_match {
            (
                Verdict::Refused,
                "no file matches: nothing of it is imported".to_owned(),
            )
        } else {
            (Verdict::Translated, "no file matches".to_owned())
        };
        if verdict == Verdict::Refused {
            let name = self.ledger.name(place);
            self.ledger.note(format!("{name}: {line}: {words}"));
        }
        self.ledger.say(place, line, verdict, words);
    }

    /// The line without its comment; `None` and a fault where a quote is open.
    fn stripped(&mut self, place: Place, line: &str) -> Option<String> {
        let stripped = comment::strip(line);
        if stripped.is_none() {
            self.fault(
                place,
                "a quote is not closed on its line",
                "close it with `\"`",
            );
        }
        stripped
    }

    fn push(&mut self, place: Place, source: Source) {
        if !self.sources.push(source) {
            let what = "files, parameters and repetitions are more than 64 deep in each other";
            let cure = "look for a file that includes itself, or a parameter that names itself";
            self.fault(place, what, cure);
        }
    }

    fn fault(&mut self, place: Place, what: &str, cure: &str) {
        self.faults.push(fault(self.ledger, place, what, cure));
    }
}

/// A fault at a place.
pub(super) fn fault(ledger: &Ledger, place: Place, what: &str, cure: &str) -> Fault {
    Fault {
        file: ledger.file_name(place).to_owned(),
        line: place.line,
        what: what.to_owned(),
        cure: cure.to_owned(),
    }
}
