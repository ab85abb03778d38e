//! toml's errors in plain words, each with what to do.

use std::ops::Range;

use super::{
    fault::{Fault, quote},
    keys::Table,
    statement::{Kind, Statement},
};

/// Whether an error is about the structure (something given twice); toml reads on correctly after it.
pub(super) fn is_structural(message: &str) -> bool {
    message.starts_with("duplicate key") || message.starts_with("cannot extend value")
}

/// A syntax error.
pub(super) fn syntax(
    text: &str,
    statement: Option<&Statement>,
    span: Range<usize>,
    message: &str,
) -> Fault {
    let Some(statement) = statement else {
        return Fault::new(
            span,
            message,
            "not TOML",
            "remove it; a line is a `key = value`, a `[table]` or a `# comment`",
        );
    };
    match statement.kind {
        Kind::Header => header(text, statement, span, message),
        Kind::Pair => pair(text, statement, span, message),
    }
}

/// A bracket left open.
pub(super) fn unclosed(text: &str, statement: &Statement) -> Fault {
    let open = statement.unclosed.unwrap_or(statement.span.start);
    let (bracket, partner) = if text[open..].starts_with('{') {
        ('{', '}')
    } else {
        ('[', ']')
    };
    let name = quote(statement.name(text));
    Fault::new(
        open..open + 1,
        format!("the `{bracket}` of {name} is never closed"),
        "opened here",
        format!("write `{partner}` after the last item"),
    )
}

/// A header of ours in the wrong brackets.
pub(super) fn brackets(text: &str, statement: &Statement, table: &Table, closed: bool) -> Fault {
    let written = statement.header(text);
    let header = table.header;
    let cause = if closed {
        "has the wrong brackets"
    } else {
        "is not closed"
    };
    let label = if header.starts_with("[[") {
        "a file may have several: two brackets"
    } else {
        "a file has one: one bracket"
    };
    let span = statement.span.start..statement.span.start + written.len();
    Fault::new(
        span,
        format!("{} {cause}", quote(written)),
        label,
        format!("write `{header}`"),
    )
}

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

/// A header that toml cannot read.
fn header(text: &str, statement: &Statement, span: Range<usize>, message: &str) -> Fault {
    let written = quote(statement.header(text));
    let closing = if written.starts_with("`[[") {
        "]]"
    } else {
        "]"
    };
    if message.starts_with("unclosed") {
        return Fault::new(
            span,
            format!("{written} is not closed"),
            format!("expected `{closing}`"),
            format!("write `{closing}` after the name"),
        );
    }
    Fault::new(
        span,
        format!("{written} is not a header: {message}"),
        "not TOML",
        "write `[name]` or `[[name]]` alone on its line",
    )
}

/// A pair that toml cannot read.
fn pair(text: &str, statement: &Statement, span: Range<usize>, message: &str) -> Fault {
    let key = statement.name(text);
    let key = key.split_whitespace().next().unwrap_or(key);
    let name = quote(key);
    let rest = &text[span.start..statement.span.end.max(span.start)];
    let word = quote(text[span.clone()].trim());
    let is = |start: &str| message.starts_with(start);

    if is("key with no value") || is("invalid unquoted key") && rest.starts_with(':') {
        return no_value(text, statement, key);
    }
    let (cause, label, cure) = if is("string values must be quoted") && span.is_empty() {
        (
            format!("{name} has no value"),
            "expected a value".into(),
            format!("write the value after `=`, or remove {name}"),
        )
    } else if is("string values must be quoted")
        || is("invalid boolean")
        || is("invalid float, expected `nan`")
    {
        (
            format!("{word} is not a TOML value"),
            "text without quotes".into(),
            unquoted(&text[span.clone()]),
        )
    } else if is("invalid basic string, expected `\"`")
        || is("invalid literal string, expected `'`")
    {
        let quote = if is("invalid basic") { '"' } else { '\'' };
        let cure = format!("write `{quote}` at the end of the text");
        (
            format!("the text of {name} has no closing `{quote}`"),
            "the line ends here".into(),
            cure,
        )
    } else if is("missing comma") {
        let cure = "write `,` between two items".to_owned();
        (
            format!("a comma is missing in {name}"),
            "expected `,` before this".into(),
            cure,
        )
    } else if is("extra comma") {
        (
            format!("there is a comma too many in {name}"),
            "no item before it".into(),
            "remove this comma".to_owned(),
        )
    } else if is("unexpected key or value") {
        let cure =
            "write one `key = value` on each line; several values need a list: `[1, 2]`".to_owned();
        (
            format!("there is more than one value for {name}"),
            "expected the end of the line".into(),
            cure,
        )
    } else if is("missing escaped value") || is("invalid value") || is("too few unicode") {
        let cure = "write a backslash as `\\\\`, or put the text in single quotes".to_owned();
        (
            format!("a backslash in {name} escapes nothing"),
            "unknown escape".into(),
            cure,
        )
    } else if is("unexpected leading zero") {
        let cure = "write the number without zeros before it".to_owned();
        (
            format!("the number of {name} has a leading zero"),
            "leading zero".into(),
            cure,
        )
    } else if is("missing assignment") || is("extra assignment") || is("missing key for inline") {
        let cure = "write `{ key = value, key = value }`".to_owned();
        (
            format!("a table in {name} is not made of `key = value`"),
            message.to_owned(),
            cure,
        )
    } else if is("unexpected `=`") {
        let cure =
            "put `{ }` around `key = value`, or close the list with `]` before it".to_owned();
        (
            format!("there is a `=` in the list of {name}"),
            "not in a list".into(),
            cure,
        )
    } else if is("missing array opening") || is("missing inline table opening") {
        let cure = "remove it, or write the bracket that it closes".to_owned();
        (
            format!("a bracket in {name} closes nothing"),
            "never opened".into(),
            cure,
        )
    } else if is("invalid key-value pair") {
        let cure = "write `key = value`, `[table]` or `# comment`".to_owned();
        (
            "a line begins with something that is not a key".to_owned(),
            "expected a key".into(),
            cure,
        )
    } else {
        let cure =
            "write text in quotes, numbers in digits, lists in `[ ]`, tables in `{ }`".to_owned();
        (
            format!("the value of {name} is not TOML: {message}"),
            "not TOML".into(),
            cure,
        )
    };
    Fault::new(span, cause, label, cure)
}

/// A line that has no `=`.
fn no_value(text: &str, statement: &Statement, key: &str) -> Fault {
    let start = statement.span.start;
    let line = text[statement.span.clone()]
        .lines()
        .next()
        .unwrap_or_default();
    let at = start + line.find(key).unwrap_or(0);
    let name = quote(key);
    let after = line[at - start + key.len()..].trim_start();
    let cure = match after.strip_prefix(':') {
        Some(_) => format!("TOML has `=` here: `{key} = …`"),
        None => format!("write `{key} = …`, a `[table]` in brackets, or `#` before a comment"),
    };
    Fault::new(
        at..at + key.len(),
        format!("{name} has no `=` and no value"),
        "not followed by `=`",
        cure,
    )
}

/// What to write instead of a value without quotes.
fn unquoted(word: &str) -> String {
    match word.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" => "write `true`".to_owned(),
        "false" | "no" | "off" => "write `false`".to_owned(),
        _ => format!(
            "put it in quotes: {}",
            quote(&format!("\"{}\"", word.trim()))
        ),
    }
}
