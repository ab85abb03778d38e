//! Parameters: `$NAME=value`, of one line or of several, and the places where `$NAME` or `${NAME}` stand for them.

use std::collections::HashMap;

use super::super::report::Place;

/// How many parameters a line may have, and how deep they may name each other: a bound for those that name themselves.
const MAX_REPLACED: usize = 1000;

/// The longest line that parameters may make, in bytes: keepalived's.
const MAX_LINE: usize = 1024;

/// The parameters that are defined so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    values: HashMap<String, Value>,
}

/// What a parameter stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text within a line.
    Text(String),
    /// Lines, each with the place where it was written. The first stands behind the `=`.
    Lines(Vec<(Place, String)>),
}

/// A line whose parameters are replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    /// The line, up to the first line of a parameter of several lines.
    pub(super) line: String,
    /// The further lines that it stands for, with their places.
    pub(super) rest: Vec<(Place, String)>,
    /// Names of the parameters that were replaced.
    pub(super) names: Vec<String>,
}

/// Why parameters could not be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endless {
    /// There is no end of it.
    Names,
    /// The line gets too long.
    Line,
}

/// What `$NAME=…` defines: the name and what follows the `=`. `None` where the line is nothing of the kind.
pub(super) fn parse(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix('$')?.split_once('=')?;
    is_name(name.trim_end_matches([' ', '\t']))
        .then(|| (name.trim_end(), value.trim_start_matches([' ', '\t'])))
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl Definitions {
    /// Lets `name` stand for `value` from now on.
    pub(super) fn define(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Replaces every parameter of `line` that is defined, those of what it is replaced by too. `None` where there is none.
    pub(super) fn replace(&self, line: &str) -> Result<Option<Replaced>, Endless> {
        let mut line = line.to_owned();
        let mut rest = Vec::new();
        let mut names = Vec::new();
        let mut from = 0;
        while let Some(at) = line[from..].find('$').map(|at| at + from) {
            let Some((name, length, value)) = self.at(&line[at + 1..]) else {
                from = at + 1;
                continue;
            };
            if names.len() == MAX_REPLACED {
                return Err(Endless::Names);
            }
            let text = match value {
                Value::Text(text) => text.as_str(),
                Value::Lines(lines) => {
                    let (first, others) = lines
                        .split_first()
                        .map_or(("", [].as_slice()), |(first, others)| {
                            (first.1.as_str(), others)
                        });
                    rest.splice(0..0, others.iter().cloned());
                    first
                }
            };
            names.push(name.to_owned());
            let after = at + 1 + length;
            line.replace_range(at..after, text);
            if line.len() > MAX_LINE {
                return Err(Endless::Line);
            }
            from = at;
            if text.trim_start().starts_with('~') {
                break;
            }
        }
        Ok((!names.is_empty()).then_some(Replaced { line, rest, names }))
    }

    /// The parameter that `text`, what follows a `$`, begins with: its name, the bytes it takes, what it stands for.
    fn at<'t>(&self, text: &'t str) -> Option<(&'t str, usize, &Value)> {
        let (name, length, is_last) = match text.strip_prefix('{') {
            Some(braced) => {
                let (name, rest) = braced.split_once('}')?;
                (name, name.len() + 2, rest.is_empty())
            }
            None => {
                let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
                let (name, rest) = text.split_at(end.unwrap_or(text.len()));
                let is_end = |char: char| matches!(char, ' ' | '\t' | ',' | ')');
                if !(rest.is_empty() || rest.starts_with(is_end)) {
                    return None;
                }
                (name, name.len(), rest.is_empty())
            }
        };
        let value = self.values.get(name)?;
        // Lines cannot stand in the middle of one.
        (is_last || matches!(value, Value::Text(_))).then_some((name, length, value))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::report::Place, Definitions, Endless, Value, parse};

    fn defined(list: &[(&str, &str)]) -> Definitions {
        let mut definitions = Definitions::default();
        for (name, value) in list {
            definitions.define(name, Value::Text((*value).to_owned()));
        }
        definitions
    }

    fn replaced(definitions: &Definitions, line: &str) -> String {
        let replaced = definitions.replace(line).expect("it ends");
        replaced.map_or(line.to_owned(), |replaced| replaced.line)
    }

    #[test]
    fn a_definition_is_a_name_an_equals_sign_and_a_value() {
        assert_eq!(parse("$A=1 2"), Some(("A", "1 2")));
        assert_eq!(parse("$_a1="), Some(("_a1", "")));
        assert_eq!(parse("$1=2"), None);
        assert_eq!(parse("$A"), None);
        assert_eq!(parse("script $A=1"), None);
    }

    #[test]
    fn parameters_are_replaced_by_what_they_stand_for_now() {
        let definitions = defined(&[("BASE", "10.2.${SUB}"), ("SUB", "0")]);
        assert_eq!(replaced(&definitions, "${BASE}.100/32"), "10.2.0.100/32");
        assert_eq!(replaced(&definitions, "x $SUB, y"), "x 0, y");
        assert_eq!(
            replaced(&definitions, "x $SUBx $NONE ${NONE} $"),
            "x $SUBx $NONE ${NONE} $"
        );
    }

    #[test]
    fn parameters_that_name_themselves_come_to_an_end() {
        let definitions = defined(&[("A", "$B"), ("B", "$A"), ("C", "x $C")]);
        assert_eq!(definitions.replace("$A"), Err(Endless::Names));
        assert_eq!(definitions.replace("$C"), Err(Endless::Line));
    }

    #[test]
    fn a_parameter_of_several_lines_gives_its_further_lines_their_own_places() {
        let place = |line| Place {
            file: 0,
            line,
            nth: 0,
        };
        let mut definitions = Definitions::default();
        let lines = [(1, ""), (2, "real_server 10.0.0.1 80 {"), (3, "}")];
        let lines = lines.map(|(line, text)| (place(line), text.to_owned()));
        definitions.define("RS", Value::Lines(lines.to_vec()));
        let replaced = definitions.replace("$RS").expect("it ends");
        let replaced = replaced.expect("it is defined");
        assert_eq!(
            (replaced.line.as_str(), replaced.rest.as_slice()),
            ("", &lines[1..])
        );
        assert_eq!(definitions.replace("$RS more"), Ok(None));
    }
}
