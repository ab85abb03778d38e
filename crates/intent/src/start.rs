//! What is in force when the daemon starts: what the state directory says, or the daemon's file.
//!
//! | the state directory says                                   | the file                        | in force              |
//! |------------------------------------------------------------|---------------------------------|-----------------------|
//! | nothing                                                    | can be used                     | the file              |
//! | nothing                                                    | cannot be used                  | nothing: an error     |
//! | a configuration that can be used                           | says the same, or as it was     | as stored, with edits |
//! | one that came from this file, or was read by the daemon    | changed since it was taken      | the file, edits kept  |
//! | one that came from elsewhere, by the API                   | changed since it was taken      | as stored, with edits |
//! | a configuration that can be used                           | cannot be used                  | as stored, with edits |
//! | one that cannot be used (lost, damaged, of another dray)   | can be used                     | the file, edits kept  |
//! | one that cannot be used                                    | cannot be used                  | nothing: an error     |
//!
//! "As it was" is as the daemon took it last. So a file that was applied and rolled back from does not come back by a
//! restart, and one that somebody edits meanwhile counts. A configuration that waits for its confirmation goes back first
//! when its time is over.
//!
//! What the data plane then does not take gives way to what it took last ([`Intent::fall_back`](crate::Intent::fall_back)).

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use dray_model::config::{self, LoadError};

use crate::{
    Apply, Configuration, Effect, Keeping, Note, Source, State, Step, Timestamp, store::Record,
};

/// The daemon's own file.
#[derive(Debug)]
pub struct ConfigFile {
    /// Its path, the same at each start.
    pub path: String,
    /// What it says, or what is wrong with it.
    pub content: Result<Configuration, LoadError>,
}

impl ConfigFile {
    /// Reads the file of that path.
    pub fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = config::read_text(path);
        let content = text.and_then(|text| Ok(Configuration::parse(&name, text)?));
        Self {
            path: name,
            content,
        }
    }
}

/// What a state directory holds.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) record: Record,
    /// The configuration in force, or why it cannot be used.
    pub(crate) base: Result<Configuration, String>,
    /// The one to go back to, if the one in force is not confirmed.
    pub(crate) back: Option<Result<Configuration, String>>,
}

/// The state that a daemon starts with. What is to be persisted comes as an effect.
///
/// # Errors
/// When neither the state directory nor the file has a configuration that can be used; with what is wrong with the file.
pub(crate) fn start(
    stored: Option<Stored>,
    file: ConfigFile,
    now: Timestamp,
) -> Result<Step, LoadError> {
    let Some(Stored { record, base, back }) = stored else {
        return Ok(first(file.path, &file.content?, now));
    };
    let before = record.clone();
    let mut notes = Vec::new();
    let (base, mut unusable) = match (base, &file.content) {
        (Ok(base), _) => (base, None),
        (Err(why), Ok(file)) => (file.clone(), Some(why)),
        (Err(_), Err(_)) => return Err(file.content.expect_err("it is an error")),
    };
    let stored = Stored {
        record,
        base: Ok(base),
        back,
    };
    let mut state = resume(stored, &mut notes).expect("it has a configuration");
    if state
        .unconfirmed()
        .is_some_and(|unconfirmed| unconfirmed.until <= now)
    {
        let step = state.go_back(now).expect("it is unconfirmed");
        state = step.state;
        notes.extend(step.notes);
        unusable = None;
    }
    let (verdict, note) = judge(&state, unusable, &file);
    notes.extend(note);
    let mut text = None;
    if let (Verdict::File, Ok(configuration)) = (verdict, file.content) {
        let step = state.put_in_force(apply(file.path, configuration), None, now);
        text = step.effects.into_iter().find_map(|effect| match effect {
            Effect::Persist { text } => text,
            _ => None,
        });
        state = step.state;
        notes.extend(step.notes);
    }
    let mut effects = Vec::new();
    if state.record() != before {
        effects.push(Effect::Persist { text });
    }
    Ok(Step {
        state,
        effects,
        notes,
    })
}

/// The state as it was stored, unless its configuration cannot be used.
pub(crate) fn resume(stored: Stored, notes: &mut Vec<Note>) -> Result<State, String> {
    let Stored { record, base, back } = stored;
    let base = base?;
    let back = back.and_then(|back| {
        let to = record.unconfirmed.as_ref()?.base;
        back.map_err(|why| notes.push(Note::CannotGoBack { to, why }))
            .ok()
    });
    Ok(State::of(record, &base, back.as_ref(), notes))
}

enum Verdict {
    /// What was stored stays in force.
    Stored,
    /// The file is applied.
    File,
}

/// What the table above says once something was stored.
fn judge(state: &State, unusable: Option<String>, file: &ConfigFile) -> (Verdict, Option<Note>) {
    let applied = state.applied();
    let number = applied.number;
    let source = || applied.source.clone();
    let path = || file.path.clone();
    if let Some(why) = unusable {
        let source = source();
        let note = Note::StoredUnusable {
            number,
            source,
            why,
        };
        return (Verdict::File, Some(note));
    }
    let digest = match &file.content {
        Ok(configuration) => configuration.digest(),
        Err(why) => {
            let note = Note::FileUnusable {
                file: path(),
                number,
                why: why.to_string(),
            };
            return (Verdict::Stored, Some(note));
        }
    };
    if digest == applied.digest {
        return (Verdict::Stored, None);
    }
    let taken = state.file();
    let is_as_it_was = taken.path == file.path && taken.digest == digest;
    let is_by_file = matches!(applied.source, Source::Daemon { .. })
        || applied.source.file() == Some(file.path.as_str());
    if is_by_file && !is_as_it_was {
        (Verdict::File, Some(Note::FileChanged { file: path() }))
    } else {
        let note = Note::NotTheFile {
            file: path(),
            number,
            source: source(),
        };
        (Verdict::Stored, Some(note))
    }
}

fn first(file: String, configuration: &Configuration, now: Timestamp) -> Step {
    let state = State::first(file, configuration, now);
    let text = Some((state.applied().number, Arc::clone(configuration.text())));
    Step {
        state,
        effects: vec![Effect::Persist { text }],
        notes: Vec::new(),
    }
}

fn apply(file: String, configuration: Configuration) -> Apply {
    Apply {
        configuration,
        source: Source::Daemon { file },
        edits: Keeping::Keep,
        confirm: None,
    }
}
