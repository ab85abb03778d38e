//! Where each statement of a TOML text begins and ends, also when the text is broken.
//!
//! toml's own parser gives up the rest of the file at some errors and reads on into the next statements
//! after others (a missing `]`). This scanner knows little TOML, but never loses the next line: it is used
//! to set broken statements aside, and to find the table that a place belongs to.

use std::ops::Range;

/// One statement: a header or a key with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its text, in bytes; a multi-line value belongs to it, a comment after it too.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) kind: Kind,
    /// A bracket that is opened in it and never closed, or a quote inside of one.
    pub(super) unclosed: Option<usize>,
}

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[table]` or `[[list of tables]]`.
    Header,
    /// `key = value`.
    Pair,
}

impl Statement {
    /// The header as it is written, without the comment after it.
    pub(super) fn header<'t>(&self, text: &'t str) -> &'t str {
        let line = &text[self.span.clone()];
        line.split('#').next().unwrap_or(line).trim_end()
    }

    /// The header's dotted name or the pair's key, without brackets, quotes and blanks.
    pub(super) fn name<'t>(&self, text: &'t str) -> &'t str {
        let statement = &text[self.span.clone()];
        let blank = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
        match self.kind {
            Kind::Header => {
                let inside = statement.trim_start_matches('[');
                let end = inside.find([']', '#', '\n']).unwrap_or(inside.len());
                inside[..end].trim_matches(blank)
            }
            Kind::Pair => {
                let end = statement.find(['=', ':', '\n']).unwrap_or(statement.len());
                statement[..end].trim_matches(blank)
            }
        }
    }
}

/// The statements of a text, in its order.
pub(super) fn scan(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut at = 0;
    while let Some(start) = next_start(text, at) {
        let statement = if is_header(&text[start..line_end(text, start)]) {
            Statement {
                span: start..line_end(text, start),
                kind: Kind::Header,
                unclosed: None,
            }
        } else {
            pair(text, start, |_| {})
        };
        at = statement.span.end;
        statements.push(statement);
    }
    statements
}

/// Whether a line is meant as a header: `[name]`, also with a bracket forgotten.
fn is_header(line: &str) -> bool {
    let name_and_bracket = |line: &str| {
        let name = line.split('#').next().unwrap_or(line).trim_end();
        name.ends_with(']') && !name.contains(['=', '[', '"', '\'', '{', ','])
    };
    line.starts_with('[')
        || line.starts_with(|c: char| c.is_ascii_alphabetic()) && name_and_bracket(line)
}

/// The place of the next line end, or the end of the text.
pub(super) fn line_end(text: &str, from: usize) -> usize {
    text[from..]
        .find('\n')
        .map_or(text.len(), |length| from + length)
}

/// The next place that is neither blank nor comment.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += text[at..].find(|c: char| !c.is_whitespace())?;
        if !text[at..].starts_with('#') {
            return Some(at);
        }
        at = line_end(text, at);
    }
}

/// The inline tables of a statement, by their ends: inner ones before outer ones.
pub(super) fn inline_tables(text: &str, statement: &Statement) -> Vec<Range<usize>> {
    let mut tables = Vec::new();
    pair(text, statement.span.start, |table| tables.push(table));
    tables
}

/// The value without quotes that a span lies in: all that follows the `=`, or a word in a list or table.
pub(super) fn bare_value(text: &str, statement: &Statement, span: &Range<usize>) -> Range<usize> {
    let edge = |c: char| c.is_whitespace() || matches!(c, '=' | ',' | '[' | ']' | '{' | '}' | '#');
    let last = text[..span.start].char_indices().rfind(|(_, c)| edge(*c));
    let start = last.map_or(0, |(at, c)| at + c.len_utf8());
    let before = text
        .get(statement.span.start..start)
        .unwrap_or_default()
        .trim_end();
    let end = if before.ends_with('=') && !before.contains(['[', '{']) {
        let line = &text[span.end..line_end(text, span.end)];
        span.end + line.split('#').next().unwrap_or(line).trim_end().len()
    } else {
        text[span.end..]
            .find(edge)
            .map_or(text.len(), |length| span.end + length)
    };
    start..end
}

/// The statement that begins at `start` with a key. Its inline tables are reported as they are closed.
fn pair(text: &str, start: usize, mut table: impl FnMut(Range<usize>)) -> Statement {
    let bytes = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let mut unclosed = None;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let end = string_end(text, at);
                let closed = end > at + 1 && bytes[end - 1] == byte;
                if !closed && !open.is_empty() {
                    unclosed = unclosed.or(Some(at));
                }
                at = end;
                continue;
            }
            b'#' => {
                at = line_end(text, at);
                continue;
            }
            b'[' | b'{' => open.push(at),
            b']' | b'}' => {
                let partner = if byte == b']' { b'[' } else { b'{' };
                if let Some(depth) = open.iter().rposition(|&place| bytes[place] == partner) {
                    unclosed = unclosed.or(open.get(depth + 1).copied());
                    if byte == b'}' {
                        table(open[depth]..at + 1);
                    }
                    open.truncate(depth);
                }
            }
            b'\n' => match open.last() {
                None => break,
                Some(&inner) if begins_statement(&text[at + 1..], bytes[inner]) => break,
                Some(_) => {}
            },
            _ => {}
        }
        at += 1;
    }
    Statement {
        span: start..at,
        kind: Kind::Pair,
        unclosed: unclosed.or(open.last().copied()),
    }
}

/// The end of the string that begins at `start`; of one on a single line, at most the end of the line.
fn string_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes[start];
    let long = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' && bytes.get(at + 1) != Some(&b'\n') => at += 1,
            b'\n' if !long => return at,
            _ if byte == quote && !long => return at + 1,
            _ if long && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Whether a line inside a bracket can only be the next statement, so that the bracket was left open.
fn begins_statement(rest: &str, bracket: u8) -> bool {
    let line = rest[..line_end(rest, 0)].trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if let Some(header) = line.strip_prefix('[') {
        // A list inside a list begins like a header, but with a quote, a number or a brace.
        return header
            .trim_start_matches('[')
            .starts_with(|c: char| c.is_ascii_alphabetic());
    }
    let after = line.trim_start_matches(bare);
    let pair = after.len() < line.len() && after.trim_start().starts_with('=');
    // In `{` a line `key = value` is ordinary; in `[` it is a table without its brace if it goes on as one.
    let braces = |brace| line.matches(brace).count();
    pair && bracket == b'[' && !line.ends_with(',') && braces('}') <= braces('{')
}

/// Whether the rest of a line is a statement of its own.
pub(super) fn is_statement(rest: &str) -> bool {
    begins_statement(rest, b'[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        scan(text)
            .into_iter()
            .map(|statement| &text[statement.span])
            .collect()
    }

    #[test]
    fn statements_end_at_line_ends_outside_of_brackets_and_strings() {
        let text = "# comment\n[a] # b\n\nx = [ # [\n  1,\n]\ny = \"\"\"\n[no]\n\"\"\"\nz = '['\n";
        assert_eq!(
            texts(text),
            [
                "[a] # b",
                "x = [ # [\n  1,\n]",
                "y = \"\"\"\n[no]\n\"\"\"",
                "z = '['"
            ]
        );
    }

    #[test]
    fn a_bracket_left_open_ends_before_the_next_statement() {
        let text = "x = [\"a\",\ny = 1\nz = [{ b = 1,\n c = 2\n[[service]]\n";
        let statements = scan(text);
        assert_eq!(
            texts(text),
            [
                "x = [\"a\",",
                "y = 1",
                "z = [{ b = 1,\n c = 2",
                "[[service]]"
            ]
        );
        assert_eq!(statements[0].unclosed, Some(4));
        assert_eq!(statements[1].unclosed, None);
        assert_eq!(statements[2].unclosed, text.find('{'));
    }

    #[test]
    fn a_brace_left_open_inside_of_a_closed_list_is_seen() {
        let text = "x = [{ a = 1 ]\ny = 2";
        assert_eq!(texts(text), ["x = [{ a = 1 ]", "y = 2"]);
        assert_eq!(scan(text)[0].unclosed, text.find('{'));
    }

    #[test]
    fn a_string_left_open_inside_of_a_list_is_seen_before_the_list() {
        let text = "x = [\"a]\ny = [\n  { b = 'c },\n]\nz = [\"d\"]";
        let unclosed: Vec<_> = scan(text)
            .iter()
            .map(|statement| statement.unclosed)
            .collect();
        assert_eq!(unclosed, [text.find('"'), text.find('\''), None]);
    }

    #[test]
    fn a_string_left_open_ends_with_its_line() {
        assert_eq!(
            texts("x = \"a\ny = 'b\nz = 1"),
            ["x = \"a", "y = 'b", "z = 1"]
        );
        assert_eq!(texts("x = \"a\\"), ["x = \"a\\"]);
    }

    #[test]
    fn a_header_without_its_first_bracket_is_a_header() {
        let text = "director] # one\nx = 1\n]\nreal [";
        let kinds: Vec<_> = scan(text).iter().map(|statement| statement.kind).collect();
        assert_eq!(kinds, [Kind::Header, Kind::Pair, Kind::Pair, Kind::Pair]);
    }

    #[test]
    fn a_value_without_quotes_is_a_word_or_the_rest_of_its_line() {
        let bare = |text: &str, word: &str| {
            let at = text.find(word).expect(word);
            text[bare_value(text, &scan(text)[0], &(at..at + 1))].to_owned()
        };
        assert_eq!(
            bare("a = tcp://[::1]:443\" # c", "tcp"),
            "tcp://[::1]:443\""
        );
        assert_eq!(bare("a = [ eth0, eth1 ]", "eth1"), "eth1");
        assert_eq!(bare("a = [{ b = c, d = e }]", "c"), "c");
        assert_eq!(bare("a = 10.77.0.11", "0.11"), "10.77.0.11");
    }

    #[test]
    fn names_come_without_brackets_quotes_and_blanks() {
        let text = "[[ service.real ]] # x\n\"key\" = 1\nyaml: 2\n[broken\n";
        let names: Vec<_> = scan(text)
            .iter()
            .map(|statement| statement.name(text))
            .collect();
        assert_eq!(names, ["service.real", "key", "yaml", "broken"]);
    }
}
