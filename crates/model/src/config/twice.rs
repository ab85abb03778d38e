//! Things that are given twice.

use std::ops::Range;

use super::{
    fault::{Fault, quote},
    statement::{Kind, Statement},
};

/// Something that is given twice, or as two different things.
pub(super) fn twice(
    text: &str,
    statements: &[Statement],
    number: Option<usize>,
    span: Range<usize>,
) -> Fault {
    let word = quote(&text[span.clone()]);
    let statement = number.map(|number| &statements[number]);
    let written = statement
        .map(|statement| quote(statement.header(text)))
        .unwrap_or_default();
    let (cause, cure) = match statement {
        Some(Statement {
            kind: Kind::Header, ..
        }) if written.starts_with("`[[") => (
            format!("{written} comes after {word} was given in another way"),
            format!("write all of {word} in one way: as a list in its key or under such headers"),
        ),
        Some(Statement {
            kind: Kind::Header, ..
        }) => (
            format!("{written} is given twice"),
            format!("put all keys of {word} under one header"),
        ),
        _ => (
            format!("{word} is given twice"),
            "keep one of the two".to_owned(),
        ),
    };
    let first = number.and_then(|number| first_given(text, statements, number, &span));
    let fault = Fault::new(span, cause, "given again here", cure);
    match first {
        Some(first) => fault.related(first, "given here before"),
        None => fault,
    }
}

/// Where a name was given before.
fn first_given(
    text: &str,
    statements: &[Statement],
    number: usize,
    span: &Range<usize>,
) -> Option<Range<usize>> {
    let statement = &statements[number];
    let name = text[span.clone()].trim_matches(['"', '\'']);
    let mut earlier = statements[..number].iter().rev();
    let first = match statement.kind {
        Kind::Pair if span.start > statement.span.start => {
            // In an inline table: its own text has it.
            let before = &text[statement.span.start..span.start];
            let opened = before.rfind('{').map_or(0, |brace| brace + 1);
            let at = statement.span.start + opened + before[opened..].find(name)?;
            return Some(at..at + name.len());
        }
        Kind::Pair => earlier
            .take_while(|other| other.kind == Kind::Pair)
            .find(|other| other.name(text) == name),
        Kind::Header if statement.header(text).starts_with("[[") => {
            earlier.find(|other| other.kind == Kind::Pair && other.name(text) == name)
        }
        Kind::Header => earlier
            .find(|other| other.kind == Kind::Header && other.name(text) == statement.name(text)),
    }?;
    let length = match first.kind {
        Kind::Header => first.header(text).len(),
        Kind::Pair => first.name(text).len(),
    };
    Some(first.span.start..first.span.start + length)
}
