//! What is not translated, as comments.

use super::super::{
    keyword::{Fate, Keyword},
    tree::{Known, Statement},
};
use crate::{
    draft::comment,
    report::{Ledger, Verdict},
};

/// Why something is not translated that could be.
const PART: &str = "what it is part of is not translated";

/// How far what stands in a block is indented.
const INDENT: &str = "    ";

/// Tells what becomes of a statement by its row of the table, and lets it stand as a comment unless dray does the same.
pub(super) fn carry(statement: &Statement, ledger: &mut Ledger, comments: &mut Vec<String>) {
    let Known::Keyword(keyword) = statement.known else {
        return carry_unknown(statement, ledger, comments);
    };
    if !has_arguments(statement, ledger, comments) {
        return;
    }
    let (verdict, why) = fate(keyword.fate).unwrap_or((Verdict::NotYet, PART));
    if verdict == Verdict::Translated {
        ledger.say(statement.place, &statement.text, verdict, why);
        inside(statement, (verdict, why), ledger);
    } else {
        carry_as(statement, verdict, why, ledger, comments);
    }
}

/// Tells that keepalived itself makes nothing of a statement.
pub(super) fn carry_unknown(
    statement: &Statement,
    ledger: &mut Ledger,
    comments: &mut Vec<String>,
) {
    let first = statement.words.first().map_or("", String::as_str);
    let mut why = format!("keepalived knows no `{first}` here");
    if let Known::Unknown(Some(nearest)) = statement.known {
        why = format!("{why}; `{nearest}` may be meant");
    }
    carry_as(statement, Verdict::Refused, &why, ledger, comments);
}

/// Lets a statement with its block stand as a comment, for this reason.
pub(super) fn carry_as(
    statement: &Statement,
    verdict: Verdict,
    why: &str,
    ledger: &mut Ledger,
    comments: &mut Vec<String>,
) {
    ledger.say(statement.place, &statement.text, verdict, why);
    let name = ledger.name(statement.place);
    let reason = if verdict == Verdict::Refused {
        format!("refused ({why})")
    } else {
        verdict.to_string()
    };
    let open = if statement.body.is_some() { " {" } else { "" };
    comments.push(comment(&format!(
        "{name}: {reason}: {}{open}",
        statement.text
    )));
    block(statement, INDENT, comments);
    inside(statement, (verdict, why), ledger);
}

/// The statements of a block, and its end.
fn block(statement: &Statement, indent: &str, comments: &mut Vec<String>) {
    let Some(body) = &statement.body else { return };
    for inner in body {
        let open = if inner.body.is_some() { " {" } else { "" };
        comments.push(comment(&format!("{indent}{}{open}", inner.text)));
        block(inner, &format!("{indent}{INDENT}"), comments);
    }
    let outside = indent.strip_suffix(INDENT).unwrap_or_default();
    comments.push(comment(&format!("{outside}}}")));
}

/// Tells what becomes of the statements in a block; those without a keyword share their block's fate.
fn inside(statement: &Statement, outer: (Verdict, &str), ledger: &mut Ledger) {
    for inner in statement.inside() {
        let (verdict, why) = match inner.known {
            _ if ledger.knows(inner.place) => outer,
            Known::Keyword(keyword) => match missing(inner) {
                Some(why) => {
                    ledger.say(inner.place, &inner.text, Verdict::Refused, why);
                    continue;
                }
                None => fate(keyword.fate).unwrap_or((outer.0, PART)),
            },
            Known::Value => outer,
            Known::Unknown(_) => {
                carry_unknown(inner, ledger, &mut Vec::new());
                continue;
            }
        };
        // What an instance says of its addresses has been told before the whole is carried.
        let is_told = ledger.knows(inner.place)
            && matches!(
                inner.known,
                Known::Keyword(Keyword {
                    fate: Fate::Instance(_),
                    ..
                })
            );
        if !is_told {
            ledger.say(inner.place, &inner.text, verdict, why);
            inside(inner, (verdict, why), ledger);
        }
    }
}

/// What the table says becomes of a keyword; `None` where something else decides, which carries it only with the whole that it
/// is part of.
fn fate(fate: Fate) -> Option<(Verdict, &'static str)> {
    match fate {
        Fate::Same(why) => Some((Verdict::Translated, why)),
        Fate::NotYet(why) => Some((Verdict::NotYet, why)),
        Fate::Refused(why) => Some((Verdict::Refused, why)),
        Fate::Global(_) | Fate::Instance(_) | Fate::Service(_) | Fate::Real(_) => None,
    }
}

/// Whether as many words as it takes stand behind a keyword; else it is refused, because keepalived does not take it either.
pub(super) fn has_arguments(
    statement: &Statement,
    ledger: &mut Ledger,
    comments: &mut Vec<String>,
) -> bool {
    let Known::Keyword(keyword) = statement.known else {
        return true;
    };
    if let Some(why) = missing(statement) {
        carry_as(statement, Verdict::Refused, &why, ledger, comments);
        return false;
    }
    if statement.arguments().len() > keyword.arity.1 {
        ledger.note(format!(
            "{}: `{}` has more words than keepalived reads; it is imported like `{}`",
            ledger.name(statement.place),
            statement.text,
            example(keyword)
        ));
    }
    true
}

/// Why a keyword has too few words behind it, if so.
fn missing(statement: &Statement) -> Option<String> {
    let Known::Keyword(keyword) = statement.known else {
        return None;
    };
    (statement.arguments().len() < keyword.arity.0).then(|| {
        let example = example(keyword);
        format!("a word is missing behind it, as in `{example}`; keepalived ignores it")
    })
}

/// A keyword with what may stand behind it.
fn example(keyword: &Keyword) -> String {
    format!("{} {}", keyword.name, keyword.example)
        .trim_end()
        .to_owned()
}
