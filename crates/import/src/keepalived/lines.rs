//! From files to pieces: statements, `{` and `}`, each with the place that it comes from.
//!
//! What keepalived does to lines before it looks for keywords is done here, in its order: comments go, `@id` lines are for
//! some machines only, `$NAME=` defines, `~SEQ` and `~LST` repeat, `$NAME` is replaced, `include` reads other files, and
//! braces part what is left.
//!
//! Lines come from a stack of sources: the rest of a line, the rounds of a repetition, the lines of a parameter, a file.
//! The innermost gives until it is empty.

use std::path::{Component, Path, PathBuf};

use super::{
    Files, Options, comment,
    definition::{self, Definitions, Endless, Value},
    fault::Fault,
    include,
    repeat::{self, Repeat},
    words::{self, Piece},
};
use crate::report::{Ledger, Place, Verdict};

/// How deep sources may be in each other: files, parameters, repetitions.
const MAX_DEPTH: usize = 64;

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

/// Gives the pieces of a configuration one by one.
pub(super) struct Lines<'a> {
    files: &'a dyn Files,
    options: &'a Options<'a>,
    root: PathBuf,
    definitions: Definitions,
    /// Innermost last.
    sources: Vec<Source>,
    /// The next statement's number on its line.
    nth: u32,
    count: usize,
}

/// Where lines come from.
enum Source {
    /// What is left of a line.
    Rest(Place, String),
    /// The rounds that are left of a repetition, in reverse.
    Rounds {
        place: Place,
        rounds: Vec<Vec<(String, String)>>,
        text: String,
    },
    /// The lines that are left of a parameter, in reverse.
    Parameter(Vec<(Place, String)>),
    /// What is left of a file.
    File(Text),
    /// Files that come one after the other, in reverse.
    Files(Vec<Text>),
}

/// What is left of a file.
struct Text {
    /// The file's number in the ledger.
    number: usize,
    directory: PathBuf,
    /// In reverse.
    lines: Vec<String>,
    /// The line that was read last.
    line: u32,
}

impl<'a> Lines<'a> {
    /// Begins with the file `options.main`.
    pub(super) fn open(
        files: &'a dyn Files,
        options: &'a Options<'a>,
        ledger: &mut Ledger,
    ) -> Result<Self, Fault> {
        let root = options.main.parent().unwrap_or(Path::new("")).to_owned();
        let mut lines = Self {
            files,
            options,
            root,
            definitions: Definitions::default(),
            sources: Vec::new(),
            nth: 0,
            count: 0,
        };
        lines.predefine();
        let text = lines.read(options.main, ledger).map_err(|why| Fault {
            file: options.main.display().to_string(),
            line: 1,
            what: format!("the file cannot be read ({why})"),
            cure: "name keepalived's configuration file".to_owned(),
        })?;
        lines.sources.push(Source::File(text));
        Ok(lines)
    }

    fn predefine(&mut self) {
        let mut define = |name, value: &str| {
            self.definitions.define(name, Value::Text(value.to_owned()));
        };
        define("_HASH", "#");
        define("_BANG", "!");
        if let Some(config_id) = self.options.config_id {
            define("_INSTANCE", config_id);
        }
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self, ledger: &mut Ledger, faults: &mut Vec<Fault>) -> Option<Token> {
        while faults.len() < MAX_FAULTS {
            let (mut place, line) = self.line(ledger, faults)?;
            place.nth = self.nth;
            self.count += 1;
            if self.count > MAX_LINES {
                faults.push(fault(
                    ledger,
                    place,
                    "the configuration makes more than two million lines",
                    "look for a `~SEQ` or a `$parameter` that makes too many",
                ));
                self.sources.clear();
                return None;
            }
            let Some(line) = self.settle(place, line, ledger, faults) else {
                continue;
            };
            if let Some(token) = self.cut(place, &line) {
                return Some(token);
            }
        }
        None
    }

    /// The first piece of a line; what is left of it is the next source.
    fn cut(&mut self, place: Place, line: &str) -> Option<Token> {
        let (piece, rest) = words::first_piece(line)?;
        if !rest.trim().is_empty() {
            self.sources.push(Source::Rest(place, rest.to_owned()));
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

    /// The next line with its place, its comment stripped.
    fn line(&mut self, ledger: &Ledger, faults: &mut Vec<Fault>) -> Option<(Place, String)> {
        loop {
            let source = self.sources.last_mut()?;
            let line = match source {
                Source::Rest(place, text) => {
                    let line = (*place, std::mem::take(text));
                    self.sources.pop();
                    return Some(line);
                }
                Source::Rounds {
                    place,
                    rounds,
                    text,
                } => rounds.pop().map(|round| {
                    Repeat::define(&mut self.definitions, &round);
                    (*place, text.clone())
                }),
                Source::Parameter(lines) => lines.pop(),
                Source::File(_) => self.line_of_file(ledger, faults),
                Source::Files(files) => {
                    if let Some(text) = files.pop() {
                        self.sources.push(Source::File(text));
                        continue;
                    }
                    None
                }
            };
            match line {
                Some(line) => {
                    self.nth = line.0.nth;
                    return Some(line);
                }
                None => {
                    self.sources.pop();
                }
            }
        }
    }

    /// The next line of the innermost source, a file, that is not empty without its comment.
    fn line_of_file(
        &mut self,
        ledger: &Ledger,
        faults: &mut Vec<Fault>,
    ) -> Option<(Place, String)> {
        loop {
            let (place, line) = self.physical()?;
            match comment::strip(&line) {
                None => faults.push(open_quote(ledger, place)),
                Some(line) if line.is_empty() => {}
                Some(line) => return Some((place, line)),
            }
        }
    }

    /// The next line of the innermost source, if that is a file, as it is written.
    fn physical(&mut self) -> Option<(Place, String)> {
        let Some(Source::File(file)) = self.sources.last_mut() else {
            return None;
        };
        let text = file.lines.pop()?;
        file.line += 1;
        let place = Place {
            file: file.number,
            line: file.line,
            nth: 0,
        };
        Some((place, text))
    }

    /// What is left of a line when conditions, definitions, repetitions, parameters and includes are done with.
    fn settle(
        &mut self,
        place: Place,
        mut line: String,
        ledger: &mut Ledger,
        faults: &mut Vec<Fault>,
    ) -> Option<String> {
        loop {
            if line.starts_with('@') {
                line = self.condition(place, &line, ledger)?;
            }
            if let Some((name, value)) = definition::parse(&line) {
                self.define(place, name, value, &line, ledger, faults);
                return None;
            }
            if repeat::is_repeat(&line) {
                self.repeat(place, &line, ledger, faults);
                return None;
            }
            line = self.joined(place, line, ledger, faults);
            match self.replace(place, &line, ledger, faults)? {
                Some(replaced) => line = replaced,
                None => break,
            }
        }
        if let Some(include) = include::parse(&line) {
            self.include(place, &line, &include, ledger, faults);
            return None;
        }
        Some(line)
    }

    /// The line without its `@id`, or `None` where it is for other machines.
    fn condition(&self, place: Place, line: &str, ledger: &mut Ledger) -> Option<String> {
        let (condition, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let (is_not, id) = match condition[1..].strip_prefix('^') {
            Some(id) => (true, id),
            None => (false, &condition[1..]),
        };
        let is_id = self.options.config_id == Some(id);
        if is_id != is_not && !rest.is_empty() {
            return Some(rest.trim_start().to_owned());
        }
        let words = match self.options.config_id {
            Some(config_id) => format!("it is not for the config-id `{config_id}`"),
            None => "no config-id was named".to_owned(),
        };
        ledger.say(place, line, Verdict::Ignored, words);
        None
    }

    /// Takes a definition to heart, with the lines that belong to it.
    fn define(
        &mut self,
        place: Place,
        name: &str,
        first: &str,
        line: &str,
        ledger: &mut Ledger,
        faults: &mut Vec<Fault>,
    ) {
        ledger.say(
            place,
            line,
            Verdict::Translated,
            "what it stands for is written out",
        );
        let Some(first) = first.strip_suffix('\\') else {
            let value = Value::Text(first.to_owned());
            self.definitions.define(name, value);
            return;
        };
        let mut lines = vec![(place, first.trim_end().to_owned())];
        let mut goes_on = true;
        while goes_on && let Some((place, text)) = self.raw() {
            // An empty line ends a definition; a comment in it does not.
            if text.is_empty() {
                break;
            }
            let Some(text) = comment::strip(&text) else {
                faults.push(open_quote(ledger, place));
                continue;
            };
            if text.is_empty() {
                continue;
            }
            let text = text.strip_suffix('\\').map(str::trim_end).or_else(|| {
                goes_on = false;
                Some(text.as_str())
            });
            let text = text.unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            let statement = text.trim_matches([' ', '{', '}']);
            if !statement.is_empty() {
                ledger.say(
                    place,
                    statement,
                    Verdict::Ignored,
                    "nobody uses the parameter that it is part of",
                );
            }
            lines.push((place, text.to_owned()));
        }
        self.definitions.define(name, Value::Lines(lines));
    }

    /// The next line of a definition, from wherever lines come, as it is written there.
    fn raw(&mut self) -> Option<(Place, String)> {
        match self.sources.last_mut()? {
            Source::Parameter(lines) => lines.pop(),
            Source::File(_) => self.physical(),
            Source::Rest(..) | Source::Rounds { .. } | Source::Files(_) => None,
        }
    }

    fn repeat(&mut self, place: Place, line: &str, ledger: &mut Ledger, faults: &mut Vec<Fault>) {
        match repeat::parse(line, &self.definitions) {
            Ok(Repeat { mut rounds, text }) => {
                ledger.say(
                    place,
                    line,
                    Verdict::Translated,
                    "each round is written out",
                );
                rounds.reverse();
                let source = Source::Rounds {
                    place,
                    rounds,
                    text,
                };
                self.push(place, source, ledger, faults);
            }
            Err(why) => {
                let (kind, _) = line.split_at(4);
                faults.push(fault(
                    ledger,
                    place,
                    &format!("this is no {kind} ({why})"),
                    "write it as `~SEQ(NAME, start, step, end) …` or `~LST(NAME, value, …) …`",
                ));
            }
        }
    }

    /// The line with those that it continues on: a `\` at its end.
    fn joined(
        &mut self,
        place: Place,
        mut line: String,
        ledger: &Ledger,
        faults: &mut Vec<Fault>,
    ) -> String {
        while let Some(start) = line.strip_suffix('\\') {
            line = start.trim_end().to_owned();
            let Some((_, next)) = self.physical() else {
                break;
            };
            match comment::strip(&next) {
                Some(next) => line = format!("{line} {next}"),
                None => faults.push(open_quote(ledger, place)),
            }
        }
        line
    }

    /// The line with its parameters replaced; an inner `None` where it has none, an outer one where nothing is left.
    fn replace(
        &mut self,
        place: Place,
        line: &str,
        ledger: &mut Ledger,
        faults: &mut Vec<Fault>,
    ) -> Option<Option<String>> {
        if let Some(directory) = self.directory() {
            let directory = directory.display().to_string();
            self.definitions.define("_PWD", Value::Text(directory));
        }
        match self.definitions.replace(line) {
            Ok(None) => Some(None),
            Ok(Some(replaced)) => {
                if !replaced.rest.is_empty() {
                    let names = replaced.names.join("`, `$");
                    ledger.say(
                        place,
                        line,
                        Verdict::Translated,
                        format!("the lines of `${names}` are written out"),
                    );
                    let mut rest = replaced.rest;
                    rest.reverse();
                    self.push(place, Source::Parameter(rest), ledger, faults);
                }
                match comment::strip(&replaced.line) {
                    Some(line) if line.is_empty() => None,
                    Some(line) => Some(Some(line)),
                    None => {
                        faults.push(open_quote(ledger, place));
                        None
                    }
                }
            }
            Err(endless) => {
                let what = match endless {
                    Endless::Names => "the parameters of this line name each other without an end",
                    Endless::Line => "with its parameters, the line gets longer than 1024 bytes",
                };
                faults.push(fault(
                    ledger,
                    place,
                    what,
                    "look at the `$NAME=` definitions that it uses",
                ));
                None
            }
        }
    }

    fn include(
        &mut self,
        place: Place,
        line: &str,
        include: &include::Include<'_>,
        ledger: &mut Ledger,
        faults: &mut Vec<Fault>,
    ) {
        let directory = self.directory().unwrap_or_default();
        let matches = include::matches(self.files, &directory, include.pattern);
        let mut missing = matches.missing;
        let mut read = Vec::new();
        let mut texts = Vec::new();
        for path in matches.files {
            match self.read(&path, ledger) {
                Ok(text) => {
                    read.push(self.shown(&path));
                    texts.push(text);
                }
                Err(why) => missing.push(format!("{} ({why})", path.display())),
            }
        }
        texts.reverse();
        self.push(place, Source::Files(texts), ledger, faults);
        if !missing.is_empty() || include.must_match && read.is_empty() {
            let words = if missing.is_empty() {
                "no file matches: nothing of it is imported".to_owned()
            } else {
                format!("not there, and so not imported: {}", missing.join(", "))
            };
            ledger.note(format!("{}: {line}: {words}", ledger.name(place)));
            ledger.say(place, line, Verdict::Refused, words);
        } else {
            let words = if read.is_empty() {
                "no file matches".to_owned()
            } else {
                format!("it is read: {}", read.join(", "))
            };
            ledger.say(place, line, Verdict::Translated, words);
        }
    }

    /// The directory of the innermost file.
    fn directory(&self) -> Option<PathBuf> {
        self.sources.iter().rev().find_map(|source| match source {
            Source::File(text) => Some(text.directory.clone()),
            _ => None,
        })
    }

    /// A file's name as the report has it.
    fn shown(&self, path: &Path) -> String {
        let mut plain = PathBuf::new();
        for part in path.components() {
            if part == Component::ParentDir && plain.file_name().is_some() {
                plain.pop();
            } else {
                plain.push(part);
            }
        }
        let path = plain.strip_prefix(&self.root).unwrap_or(&plain);
        path.display().to_string()
    }

    fn read(&self, path: &Path, ledger: &mut Ledger) -> Result<Text, String> {
        let bytes = self.files.read(path)?;
        // Other encodings are only met in comments and names, which do not get lost for a letter.
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut lines: Vec<String> = text
            .lines()
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect();
        lines.reverse();
        Ok(Text {
            number: ledger.file(&self.shown(path)),
            directory: path.parent().unwrap_or(Path::new("")).to_owned(),
            lines,
            line: 0,
        })
    }

    fn push(&mut self, place: Place, source: Source, ledger: &Ledger, faults: &mut Vec<Fault>) {
        if self.has_room(place, ledger, faults) {
            self.sources.push(source);
        }
    }

    fn has_room(&self, place: Place, ledger: &Ledger, faults: &mut Vec<Fault>) -> bool {
        let has_room = self.sources.len() < MAX_DEPTH;
        if !has_room {
            let what = "files, parameters and repetitions are more than 64 deep in each other";
            let cure = "look for a file that includes itself, or a parameter that names itself";
            faults.push(fault(ledger, place, what, cure));
        }
        has_room
    }
}

fn open_quote(ledger: &Ledger, place: Place) -> Fault {
    fault(
        ledger,
        place,
        "a quote is not closed on its line",
        "close it with `\"`",
    )
}

/// A fault at a place.
pub(super) fn fault(ledger: &Ledger, place: Place, what: &str, cure: &str) -> Fault {
    let name = ledger.name(place);
    Fault {
        file: name
            .rsplit_once(':')
            .map_or(name.as_str(), |(file, _)| file)
            .to_owned(),
        line: place.line,
        what: what.to_owned(),
        cure: cure.to_owned(),
    }
}
