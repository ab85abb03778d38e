//! Dumps of `ipvsadm-save`, and other lists of `ipvsadm` commands, as dray's configuration.
//!
//! The commands are carried out one after the other on a table that is empty at first, as `ipvsadm-restore` does; what is there
//! at the end is the configuration. Their grammar is that of the room `ipvsadm`. Start with [`import`].

mod service;
mod table;

use dray_ipvsadm::{Change, Command, Names, parse};

use crate::{
    Imported, PLACEHOLDER,
    draft::{Draft, Origin, comment},
    report::{Ledger, Place, Verdict},
};

use table::{Table, synced};

/// What is to be imported.
#[derive(Clone, Copy)]
pub struct Dump<'a> {
    /// The file's name, for the report.
    pub name: &'a str,
    /// What is in it: a command on each line, with or without the word `ipvsadm` in front.
    pub text: &'a str,
    /// Who knows the names that a dump without `-n` has instead of numbers.
    pub names: &'a dyn Names,
}

/// Imports a dump. What is no command of `ipvsadm`, or one that it refuses, is refused in the report.
pub fn import(dump: &Dump<'_>) -> Imported {
    let mut ledger = Ledger::default();
    let file = ledger.file(dump.name);
    let mut table = Table::default();
    let mut comments = Vec::new();
    for (line, text) in (1..).zip(dump.text.lines()) {
        let place = Place { file, line, nth: 0 };
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let origin = Origin {
            place,
            statement: text.to_owned(),
        };
        let (verdict, words) = match command(text, dump.names) {
            Ok(change) => match table.change(change, &origin) {
                Ok(Some(words)) => (Verdict::Translated, words.to_owned()),
                Ok(None) => continue,
                Err(why) => (Verdict::Refused, why),
            },
            Err((verdict, why)) => (verdict, why),
        };
        if verdict > Verdict::Translated {
            let name = ledger.name(place);
            comments.push(comment(&format!("{name}: {verdict} ({words}): {text}")));
        }
        ledger.say(place, text, verdict, words);
    }
    let draft = draft(table, comments, dump.name, &mut ledger);
    let toml = draft.settle(&mut ledger);
    Imported {
        toml,
        report: ledger.into_report(),
    }
}

/// The change that a line asks for; what becomes of it otherwise.
fn command(line: &str, names: &dyn Names) -> Result<Change, (Verdict, String)> {
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let is_ipvsadm = |word: &String| word == "ipvsadm" || word.ends_with("/ipvsadm");
    if words.first().is_some_and(is_ipvsadm) {
        words.remove(0);
    }
    let refused = |why: &str| Err((Verdict::Refused, why.to_owned()));
    match parse("ipvsadm", &words, names) {
        Ok(Command::Change(change)) => match synced(&change) {
            Some(why) => Err((Verdict::NotYet, why.to_owned())),
            None => Ok(change),
        },
        Ok(Command::List(..) | Command::Save { .. } | Command::Help | Command::Version) => {
            Err((Verdict::Ignored, "it changes nothing".to_owned()))
        }
        Ok(Command::Restore) => refused("what it reads is not here: import that file"),
        Err(usage) => {
            let said = usage.text.lines().next().unwrap_or_default();
            let why = if said.starts_with("Try ") {
                "it is no command of ipvsadm".to_owned()
            } else {
                format!("ipvsadm says: {said}")
            };
            Err((Verdict::Refused, why))
        }
    }
}

fn draft(table: Table, comments: Vec<String>, name: &str, ledger: &mut Ledger) -> Draft {
    let mut draft = Draft {
        top: vec![
            comment(&format!("Imported from {name}.")),
            comment("What has no counterpart stands as a comment; the import's report says why."),
        ],
        below_director: comments,
        ..Draft::default()
    };
    draft.director.interfaces = vec![PLACEHOLDER.to_owned()];
    draft.director.timeouts = table.timeouts();
    draft.above_director = vec![comment(&format!(
        "TO DO: interfaces: in the place of {PLACEHOLDER}, write those that carry traffic of clients or of real servers."
    ))];
    ledger.note(format!(
        "interfaces: write the interfaces that carry traffic of clients or of real servers in the place of {PLACEHOLDER}; \
         ipvsadm does not know them"
    ));
    draft.services = table.into_services(ledger);
    if !draft.services.is_empty() {
        draft.director.manage_vips = Some(false);
        draft.above_director.push(comment(
            "manage_vips: who brings the VIPs to this machine now goes on to do so.",
        ));
        ledger.note(
            "manage_vips: ipvsadm adds no VIPs; who does so today goes on to; with `manage_vips = true` dray adds them",
        );
    }
    draft.complete_marks(ledger);
    draft
}

#[cfg(test)]
mod tests;
