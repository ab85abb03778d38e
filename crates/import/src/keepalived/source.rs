//! Where lines come from: a stack of sources, of which the innermost gives until it is empty.
//!
//! A file is one, and so are the rest of a line, the rounds of a repetition and the lines of a parameter.

use std::path::{Component, Path, PathBuf};

use super::{Files, definition::Definitions, repeat::Repeat};
use crate::report::{Ledger, Place};

/// How deep sources may be in each other.
const MAX_DEPTH: usize = 64;

/// The sources, with what is needed to open further files.
pub(super) struct Sources<'a> {
    pub(super) files: &'a dyn Files,
    /// The directory of the first file.
    root: PathBuf,
    /// Innermost last.
    stack: Vec<Source>,
}

/// Where lines come from.
pub(super) enum Source {
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
pub(super) struct Text {
    /// The file's number in the ledger.
    number: usize,
    directory: PathBuf,
    /// In reverse.
    lines: Vec<String>,
    /// The line that was read last.
    line: u32,
}

/// A line with its place.
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) kind: LineKind,
}

/// How far a line is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// It stands so in a file, comments and all.
    Written,
    /// It is a line of its own, without a comment.
    Whole,
    /// It is what is left of the line before.
    Rest,
}

impl<'a> Sources<'a> {
    /// Begins with one file; why it cannot be read, otherwise.
    pub(super) fn open(
        files: &'a dyn Files,
        main: &Path,
        ledger: &mut Ledger,
    ) -> Result<Self, String> {
        let mut sources = Self {
            files,
            root: directory_of(main),
            stack: Vec::new(),
        };
        let text = sources.read(main, ledger)?;
        sources.stack.push(Source::File(text));
        Ok(sources)
    }

    /// The next line; the parameter of a repetition stands for another value with each round.
    pub(super) fn next(&mut self, definitions: &mut Definitions) -> Option<Line> {
        loop {
            let whole = |(place, text)| Line {
                place,
                text,
                kind: LineKind::Whole,
            };
            let line = match self.stack.last_mut()? {
                Source::Rest(place, text) => {
                    let (place, text) = (*place, std::mem::take(text));
                    self.stack.pop();
                    return Some(Line {
                        place,
                        text,
                        kind: LineKind::Rest,
                    });
                }
                Source::Rounds {
                    place,
                    rounds,
                    text,
                } => rounds.pop().map(|round| {
                    Repeat::define(definitions, &round);
                    whole((*place, text.clone()))
                }),
                Source::Parameter(lines) => lines.pop().map(whole),
                Source::File(_) => self.written().map(|(place, text)| Line {
                    place,
                    text,
                    kind: LineKind::Written,
                }),
                Source::Files(files) => {
                    if let Some(text) = files.pop() {
                        self.stack.push(Source::File(text));
                        continue;
                    }
                    None
                }
            };
            if line.is_some() {
                return line;
            }
            self.stack.pop();
        }
    }

    /// The next line of the innermost source, if that is a file, as it is written.
    pub(super) fn written(&mut self) -> Option<(Place, String)> {
        let Some(Source::File(file)) = self.stack.last_mut() else {
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

    /// The next line of a definition that goes on, as it is written, from a file or from another parameter.
    pub(super) fn further(&mut self) -> Option<(Place, String)> {
        match self.stack.last_mut()? {
            Source::Parameter(lines) => lines.pop(),
            Source::File(_) => self.written(),
            Source::Rest(..) | Source::Rounds { .. } | Source::Files(_) => None,
        }
    }

    /// Lets lines come from another source first; whether there is room for it.
    pub(super) fn push(&mut self, source: Source) -> bool {
        let has_room = self.stack.len() < MAX_DEPTH;
        if has_room {
            self.stack.push(source);
        }
        has_room
    }

    /// Gives no further line.
    pub(super) fn end(&mut self) {
        self.stack.clear();
    }

    /// The directory of the innermost file.
    pub(super) fn directory(&self) -> PathBuf {
        let mut sources = self.stack.iter().rev();
        let directory = sources.find_map(|source| match source {
            Source::File(text) => Some(text.directory.clone()),
            _ => None,
        });
        directory.unwrap_or_default()
    }

    /// Reads a file; why it cannot be read, otherwise.
    pub(super) fn read(&self, path: &Path, ledger: &mut Ledger) -> Result<Text, String> {
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
            directory: directory_of(path),
            lines,
            line: 0,
        })
    }

    /// A file's name as the report has it.
    pub(super) fn shown(&self, path: &Path) -> String {
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
}

fn directory_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
