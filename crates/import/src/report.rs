//! What became of each line: collected while importing, then one entry for each statement.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
};

use serde::Serialize;

/// What became of each line of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One for each statement, in the order of the files.
    pub entries: Vec<Entry>,
    /// What is left to be done by hand, or worth knowing about the whole.
    pub notes: Vec<String>,
}

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The file, relative to the directory of the first one.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The statement, without its block.
    pub statement: String,
    /// What became of it.
    pub verdict: Verdict,
    /// How, or why.
    pub words: String,
}

/// What became of a statement. Later ones need more attention than earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It means nothing to the balancer that it was written for: it is for another machine, or nobody uses it.
    Ignored,
    /// dray's configuration says the same.
    Translated,
    /// dray's configuration says something near to it.
    Approximated,
    /// dray cannot do it yet; it stands as a comment.
    NotYet,
    /// It makes no sense to dray, or no sense at all; it stands as a comment.
    Refused,
}

impl Verdict {
    /// Every verdict, from the one that needs least attention to the one that needs most.
    pub const ALL: [Self; 5] = [
        Self::Ignored,
        Self::Translated,
        Self::Approximated,
        Self::NotYet,
        Self::Refused,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ignored => "ignored",
            Self::Translated => "translated",
            Self::Approximated => "approximated",
            Self::NotYet => "not yet",
            Self::Refused => "refused",
        })
    }
}

impl Report {
    /// How many statements have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let entries = self.entries.iter();
        entries.filter(|entry| entry.verdict == verdict).count()
    }
}

/// One line for each statement, `file:line: verdict: statement: words`, then the counts and the notes.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let Entry {
                file,
                line,
                statement,
                verdict,
                words,
            } = entry;
            writeln!(f, "{file}:{line}: {verdict}: {statement}: {words}")?;
        }
        let counts = Verdict::ALL.into_iter().rev();
        let counts = counts.map(|verdict| format!("{} {verdict}", self.count(verdict)));
        writeln!(f, "{}", counts.collect::<Vec<_>>().join(", "))?;
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The file's number in the [`Ledger`].
    pub(crate) file: usize,
    /// The line, from 1.
    pub(crate) line: u32,
    /// Which statement of the line, from 0.
    pub(crate) nth: u32,
}

/// What is said of statements while importing.
///
/// A statement may be met more often than once, because a line can stand for many. It gets one entry: the verdict that
/// needs most attention, with all that was said for this verdict.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    files: Vec<String>,
    said: BTreeMap<Place, Said>,
    notes: Vec<String>,
}

#[derive(Clone, Debug)]
struct Said {
    statement: String,
    verdict: Verdict,
    /// What was said, each with the services that it was said of, where it was not said of all.
    words: Vec<(String, Vec<String>)>,
}

/// How many services are named of which the same is said.
const MAX_NAMED: usize = 3;

impl Ledger {
    /// The number of the file with this name.
    pub(crate) fn file(&mut self, name: &str) -> usize {
        if let Some(number) = self.files.iter().position(|known| known == name) {
            return number;
        }
        self.files.push(name.to_owned());
        self.files.len() - 1
    }

    /// `keepalived.conf:12`.
    pub(crate) fn name(&self, place: Place) -> String {
        format!("{}:{}", self.files[place.file], place.line)
    }

    /// The name of the file that a place is in.
    pub(crate) fn file_name(&self, place: Place) -> &str {
        &self.files[place.file]
    }

    /// Says what became of the statement at `place`.
    pub(crate) fn say(
        &mut self,
        place: Place,
        statement: &str,
        verdict: Verdict,
        words: impl Into<String>,
    ) {
        self.say_of("", place, statement, verdict, words);
    }

    /// Says what became of the statement at `place` for one of the services that it stands for.
    pub(crate) fn say_of(
        &mut self,
        service: &str,
        place: Place,
        statement: &str,
        verdict: Verdict,
        words: impl Into<String>,
    ) {
        let said = match self.said.entry(place) {
            btree_map::Entry::Vacant(entry) => entry.insert(Said {
                statement: statement.to_owned(),
                verdict,
                words: Vec::new(),
            }),
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
        };
        said.add(verdict, words.into(), service);
    }

    /// Whether anything was said of the statement at `place`.
    pub(crate) fn knows(&self, place: Place) -> bool {
        self.said.contains_key(&place)
    }

    /// Says what is left to be done by hand; once, however often it is said.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The report of all that was said.
    pub(crate) fn into_report(self) -> Report {
        let files = self.files;
        let entries = self.said.into_iter().map(|(place, said)| Entry {
            file: files[place.file].clone(),
            line: place.line,
            words: said.in_words(),
            statement: said.statement,
            verdict: said.verdict,
        });
        Report {
            entries: entries.collect(),
            notes: self.notes,
        }
    }
}

impl Said {
    fn add(&mut self, verdict: Verdict, words: String, service: &str) {
        if verdict < self.verdict {
            return;
        }
        if verdict > self.verdict {
            self.verdict = verdict;
            self.words.clear();
        }
        let at = self.words.iter().position(|(known, _)| *known == words);
        let at = at.unwrap_or_else(|| {
            self.words.push((words, Vec::new()));
            self.words.len() - 1
        });
        let services = &mut self.words[at].1;
        if !service.is_empty() && !services.iter().any(|known| known == service) {
            services.push(service.to_owned());
        }
    }

    fn in_words(&self) -> String {
        let words = self
            .words
            .iter()
            .map(|(words, services)| match services.as_slice() {
                [] => words.clone(),
                services if services.len() <= MAX_NAMED => {
                    format!("{words} ({})", services.join(", "))
                }
                services => {
                    let (named, others) = services.split_at(MAX_NAMED);
                    format!("{words} ({} and {} more)", named.join(", "), others.len())
                }
            });
        words.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Place, Verdict};

    #[test]
    fn what_needs_most_attention_is_the_entry_of_a_statement_that_is_met_often() {
        let mut ledger = Ledger::default();
        let file = ledger.file("a.conf");
        let place = Place {
            file,
            line: 3,
            nth: 0,
        };
        ledger.say(place, "weight $W", Verdict::Translated, "fine");
        ledger.say(place, "weight x", Verdict::Refused, "no number");
        ledger.say(place, "weight y", Verdict::Refused, "no number");
        ledger.say(place, "weight 3", Verdict::Translated, "fine");
        assert_eq!(
            ledger.into_report().to_string(),
            "a.conf:3: refused: weight $W: no number\n1 refused, 0 not yet, 0 approximated, 0 translated, 0 ignored\n"
        );
    }
}
