//! toml's errors in plain words, each with what to do.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
};

use super::{
    fault::{Fault, quote},
    keys::{FILE, Table},
    statement::{Kind, Statement, line_end},
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
        let (cause, label) = if message.starts_with("invalid comment character") {
            (
                "a comment has a character that does not show",
                "a control character",
            )
        } else {
            (message, "not TOML")
        };
        let cure = "remove it; a line is a `key = value`, a `[table]` or a `# comment`";
        return Fault::new(span, cause, label, cure);
    };
    match statement.kind {
        Kind::Header => header(text, statement, span, message),
        Kind::Pair => pair(text, statement, span, message),
    }
}

/// A bracket, or a quote in one, left open.
pub(super) fn unclosed(text: &str, statement: &Statement) -> Fault {
    let open = statement.unclosed.unwrap_or(statement.span.start);
    let (mark, partner, place) = match text.as_bytes().get(open) {
        Some(b'{') => ('{', '}', "after the last key"),
        Some(b'"') => ('"', '"', "at the end of the text"),
        Some(b'\'') => ('\'', '\'', "at the end of the text"),
        _ => ('[', ']', "after the last item"),
    };
    Fault::new(
        open..open + 1,
        format!(
            "the `{mark}` in {} is never closed",
            quote(key_at(text, statement, open))
        ),
        "opened here",
        format!("write `{partner}` {place}"),
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
    let rest = &text[span.start..statement.span.end.max(span.start)];
    let is = |start: &str| message.starts_with(start);
    if is("key with no value") {
        return no_value(text, span.start);
    }
    let name = quote(key_at(text, statement, span.start));
    let word = text[span.clone()].trim();
    let not_toml = message
        .strip_suffix(", expected nothing")
        .unwrap_or(message);

    if let Some(address) = address_at(text, &span).filter(|_| !is("missing")) {
        let word = &text[address.clone()];
        let cause = format!("{} is not a TOML value", quote(word));
        return Fault::new(
            address.clone(),
            cause,
            "text without quotes",
            unquoted(word),
        );
    }
    let (cause, label, cure) = if is("invalid unquoted key") && rest.starts_with(':') {
        (
            "there is `:` after a key".to_owned(),
            "expected `=`",
            "write `=`".to_owned(),
        )
    } else if is("unquoted keys cannot be empty") {
        (
            "there is no key before `=`".to_owned(),
            "expected a key",
            "write `key = value`".to_owned(),
        )
    } else if is("string values must be quoted") && span.is_empty() {
        let cure = format!("write the value after `=`, or remove {name}");
        (format!("{name} has no value"), "expected a value", cure)
    } else if is("string values must be quoted")
        || is("invalid boolean")
        || is("invalid float, expected `nan`")
    {
        (
            format!("{} is not a TOML value", quote(word)),
            "text without quotes",
            unquoted(word),
        )
    } else if rest.starts_with(['\r', '\n']) && is("invalid basic string")
        || is("invalid basic string, expected `\"`")
    {
        let cure = "write `\"` at the end of the text".to_owned();
        (
            format!("the text of {name} has no closing `\"`"),
            "the line ends here",
            cure,
        )
    } else if rest.starts_with(['\r', '\n']) && is("invalid literal string")
        || is("invalid literal string, expected `'`")
    {
        let cure = "write `'` at the end of the text".to_owned();
        (
            format!("the text of {name} has no closing `'`"),
            "the line ends here",
            cure,
        )
    } else if rest.starts_with(|c: char| c.is_control()) {
        let cure = "remove it, or write it as an escape, as in `\\t`".to_owned();
        (
            format!("{name} has a character that does not show"),
            "a control character",
            cure,
        )
    } else if is("missing comma") {
        (
            format!("a comma is missing in {name}"),
            "expected `,` before this",
            "write `,` between two items".to_owned(),
        )
    } else if is("extra comma") {
        (
            format!("there is a comma too many in {name}"),
            "no item before it",
            "remove it".to_owned(),
        )
    } else if is("unexpected key or value") && rest.trim_end() == "," {
        (
            format!("there is a comma after the value of {name}"),
            "expected the end of the line",
            "remove it".to_owned(),
        )
    } else if is("unexpected key or value") {
        let cure =
            "write one `key = value` on each line; several values need a list: `[1, 2]`".to_owned();
        (
            format!("there is more than one value for {name}"),
            "expected the end of the line",
            cure,
        )
    } else if is("missing escaped value") || is("invalid value") || is("too few unicode") {
        let cure = "write a backslash as `\\\\`, or put the text in single quotes".to_owned();
        (
            format!("a backslash in {name} escapes nothing"),
            "unknown escape",
            cure,
        )
    } else if is("unexpected leading zero") {
        let cure = "write the number without zeros before it".to_owned();
        (
            format!("the number of {name} has a leading zero"),
            "leading zero",
            cure,
        )
    } else if is("invalid hexadecimal")
        || is("invalid octal")
        || is("invalid binary")
        || is("invalid float")
        || is("invalid integer")
        || is("`_` may")
        || is("invalid fraction")
        || is("invalid exponent")
    {
        (
            format!("{name} is not a number: {not_toml}"),
            "not a number",
            "write digits, as in `3` or `1_000`".to_owned(),
        )
    } else if is("missing assignment") || is("extra assignment") || is("missing key for inline") {
        let cure = "write `{ key = value, key = value }`".to_owned();
        (
            format!("the table in {name} is not made of `key = value`"),
            "expected `key = value`",
            cure,
        )
    } else if is("unexpected `=`") {
        let cure =
            "put `{ }` around `key = value`, or close the list with `]` before it".to_owned();
        (
            format!("there is `=` in the list of {name}"),
            "not in a list",
            cure,
        )
    } else if is("missing array opening") || is("missing inline table opening") {
        let cure = "remove it, or write the bracket that it closes".to_owned();
        (
            format!("a bracket in {name} closes nothing"),
            "never opened",
            cure,
        )
    } else if is("invalid key-value pair") {
        let cure = "write `key = value`, `[table]` or `# comment`".to_owned();
        (
            "a line begins with something that is not a key".to_owned(),
            "expected a key",
            cure,
        )
    } else {
        let cure =
            "write text in quotes, numbers in digits, lists in `[ ]`, tables in `{ }`".to_owned();
        (format!("{name} is not TOML: {not_toml}"), "not TOML", cure)
    };
    Fault::new(span, cause, label, cure)
}

/// The key whose value has the place: the statement's own, or one of an inline table in it.
fn key_at<'t>(text: &'t str, statement: &Statement, at: usize) -> &'t str {
    let before = &text[statement.span.start..at.max(statement.span.start)];
    let item = before
        .rfind(['{', ',', '\n'])
        .map_or(before, |separator| &before[separator + 1..]);
    let inner = item.split_once('=').map(|(key, _)| key.trim());
    inner.filter(|key| is_bare(key)).unwrap_or_else(|| {
        let name = statement.name(text);
        name.split_whitespace().next().unwrap_or(name)
    })
}

/// Whether a word can be a key without quotes.
fn is_bare(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !word.is_empty() && word.chars().all(fits)
}

/// The place of an address without quotes, which toml takes for a number.
fn address_at(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let edge = |c: char| c.is_whitespace() || matches!(c, '=' | ',' | '[' | ']' | '{' | '}' | '#');
    let start = text[..span.start].rfind(edge).map_or(0, |place| place + 1);
    let end = text[span.start..]
        .find(edge)
        .map_or(text.len(), |length| span.start + length);
    let word = text.get(start..end)?;
    let address = word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok();
    (address || word.contains("://")).then_some(start..end)
}

/// A line that has no `=`; `at` is a place on it.
fn no_value(text: &str, at: usize) -> Fault {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..line_end(text, start)];
    let indent = line.len() - line.trim_start().len();
    let word = line.trim_start();
    let word = &word[..word
        .find(|c: char| c.is_whitespace() || c == ':')
        .unwrap_or(word.len())];
    let colon = line[indent + word.len()..].trim_start().starts_with(':');
    let known = FILE.keys.iter().find(|key| key.elsewhere.contains(&word));
    let cure = if let Some(key) = known {
        format!(
            "this is the word of another balancer: write `{}`",
            key.example
        )
    } else if !is_bare(word.trim_matches('"')) || word == "-" {
        "write `key = value`, `[table]` or `# comment`".to_owned()
    } else if colon {
        format!("TOML has `=` here: {}", quote(&format!("{word} = …")))
    } else {
        format!(
            "write {}, a `[table]`, or `#` before a comment",
            quote(&format!("{word} = …"))
        )
    };
    let span = start + indent..start + indent + word.len();
    Fault::new(
        span,
        format!("{} has no `=` and no value", quote(word)),
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
