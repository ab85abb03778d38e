//! toml's errors in plain words, each with what to do.

use std::{
    net::{IpAddr, SocketAddr},
    ops::Range,
};

use super::{
    fault::{Fault, quote},
    keys::{FILE, Table},
    slip::Slip,
    statement::{Kind, Statement, bare_value, is_statement, line_end},
};

/// A syntax error.
pub(super) fn syntax(
    text: &str,
    statement: Option<&Statement>,
    span: Range<usize>,
    slip: Slip,
    message: &str,
) -> Fault {
    match statement {
        Some(statement) if statement.kind == Kind::Header => {
            header(text, statement, span, slip, message)
        }
        Some(statement) => pair(text, statement, span, slip, message),
        None => comment(span, message),
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

/// Something between the statements that toml cannot read.
fn comment(span: Range<usize>, message: &str) -> Fault {
    let (cause, label) = if message.starts_with("invalid comment character") {
        (
            "a comment has a character that does not show",
            "a control character",
        )
    } else {
        (message, "not TOML")
    };
    Fault::new(
        span,
        cause,
        label,
        "remove it; a line is a `key = value`, a `[table]` or a `# comment`",
    )
}

/// A header that toml cannot read.
fn header(
    text: &str,
    statement: &Statement,
    span: Range<usize>,
    slip: Slip,
    message: &str,
) -> Fault {
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
    let (cause, label) = match slip {
        Slip::Trailing => (
            "a header must stand alone on its line".to_owned(),
            "expected the end of the line",
        ),
        _ => (format!("{written} is not a header: {message}"), "not TOML"),
    };
    Fault::new(
        span,
        cause,
        label,
        "write `[name]` or `[[name]]`, and what follows on the next line",
    )
}

/// A pair that toml cannot read.
fn pair(text: &str, statement: &Statement, span: Range<usize>, slip: Slip, message: &str) -> Fault {
    let name = quote(key_at(text, statement, span.start));
    let outer = quote(own_key(text, statement));
    let rest = &text[span.start..statement.span.end.max(span.start)];
    let line_ends = rest.is_empty() || rest.starts_with(['\r', '\n']);
    let word = bare_value(text, statement, &span);
    let reason = message
        .strip_suffix(", expected nothing")
        .unwrap_or(message);

    let (cause, label, cure) = match slip {
        Slip::NoEquals => return no_equals(text, span.start),
        Slip::Unquoted if span.is_empty() => (
            format!("{name} has no value"),
            "expected a value",
            format!("write the value after `=`, or remove {name}"),
        ),
        Slip::Unquoted => return unquoted(text, word),
        Slip::Number | Slip::LeadingZero if is_address(&text[word.clone()]) => {
            return unquoted(text, word);
        }
        Slip::LeadingZero => (
            format!("the number of {name} has a leading zero"),
            "leading zero",
            "write the number without zeros before it".to_owned(),
        ),
        Slip::Number => (
            format!("{name} is not a number: {reason}"),
            "not a number",
            "write digits, as in `3` or `1_000`".to_owned(),
        ),
        Slip::Text | Slip::LiteralText if line_ends => {
            let quote = if slip == Slip::Text { '"' } else { '\'' };
            (
                format!("the text of {name} has no closing `{quote}`"),
                "the line ends here",
                format!("write `{quote}` at the end of the text"),
            )
        }
        Slip::Escape => (
            format!("a backslash in {name} escapes nothing"),
            "unknown escape",
            "write a backslash as `\\\\`, or put the text in single quotes".to_owned(),
        ),
        _ if rest.starts_with(|c: char| c.is_control() && !c.is_whitespace()) => (
            format!("{name} has a character that does not show"),
            "a control character",
            "remove it, or write it as an escape, as in `\\t`".to_owned(),
        ),
        Slip::OddKey if rest.starts_with(':') => (
            "there is `:` after a key".to_owned(),
            "expected `=`",
            "write `=`".to_owned(),
        ),
        Slip::NoKey => (
            "there is no key before `=`".to_owned(),
            "expected a key",
            "write `key = value`".to_owned(),
        ),
        Slip::NoComma => (
            format!("a comma is missing in {outer}"),
            "expected `,` before this",
            "write `,` between two items".to_owned(),
        ),
        Slip::ExtraComma => (
            format!("there is a comma too many in {outer}"),
            "no item before it",
            "remove it".to_owned(),
        ),
        Slip::Trailing if rest.trim_end() == "," => (
            format!("there is a comma after the value of {name}"),
            "expected the end of the line",
            "remove it".to_owned(),
        ),
        Slip::Trailing if is_statement(rest) => (
            "there is more than one statement on this line".to_owned(),
            "expected the end of the line",
            "write it on a line of its own".to_owned(),
        ),
        Slip::Trailing => (
            format!("there is more than one value for {name}"),
            "expected the end of the line",
            "write one `key = value` on each line; several values need a list: `[1, 2]`".to_owned(),
        ),
        Slip::NotPairs => (
            format!("the table in {outer} is not made of `key = value`"),
            "expected `key = value`",
            "write `{ key = value, key = value }`".to_owned(),
        ),
        Slip::EqualsInList => (
            format!("there is `=` in the list of {outer}"),
            "not in a list",
            "put `{ }` around `key = value`, or close the list with `]` before it".to_owned(),
        ),
        Slip::StrayBracket => (
            "a bracket closes nothing".to_owned(),
            "never opened",
            "remove it, or write the bracket that it closes".to_owned(),
        ),
        Slip::NoStatement => (
            "a line begins with something that is not a key".to_owned(),
            "expected a key",
            "write `key = value`, `[table]` or `# comment`".to_owned(),
        ),
        Slip::Twice | Slip::OddKey | Slip::Text | Slip::LiteralText | Slip::Other => (
            format!("{name} is not TOML: {reason}"),
            "not TOML",
            "write text in quotes, numbers in digits, lists in `[ ]`, tables in `{ }`".to_owned(),
        ),
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
    inner
        .filter(|key| is_bare(key))
        .unwrap_or_else(|| own_key(text, statement))
}

/// The key that the statement begins with.
fn own_key<'t>(text: &'t str, statement: &Statement) -> &'t str {
    let name = statement.name(text);
    name.split_whitespace().next().unwrap_or(name)
}

/// Whether a word can be a key without quotes.
fn is_bare(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !word.is_empty() && word.chars().all(fits)
}

/// A line that has no `=`; `at` is a place on it.
fn no_equals(text: &str, at: usize) -> Fault {
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

/// A value that is text without quotes.
fn unquoted(text: &str, word: Range<usize>) -> Fault {
    let written = text[word.clone()].trim_matches(['"', '\'', ' ']);
    let cure = match written.to_lowercase().as_str() {
        "true" | "yes" | "on" => "write `true`".to_owned(),
        "false" | "no" | "off" => "write `false`".to_owned(),
        _ => format!("put it in quotes: {}", quote(&format!("\"{written}\""))),
    };
    Fault::new(
        word,
        format!("{} is not a TOML value", quote(written)),
        "text without quotes",
        cure,
    )
}

/// Whether a word that toml takes for a number is an address.
fn is_address(word: &str) -> bool {
    word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok() || word.contains("://")
}
