//! One key of a table, as a flag.

use clap::{Arg, ArgAction};
use dray_model::config::{Key, Presence, TABLES};
use serde_json::Value;

use super::Part;

/// A key as a flag.
#[derive(Debug)]
pub(super) struct Setting {
    key: &'static Key,
    kind: Kind,
    help: String,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// A text, a number or a switch, of which the word is the one that it looks like.
    Any,
    Switch,
    List,
}

/// The keys of a part that hold one value, in the order of the file's documentation.
pub(super) fn all<P: Part>() -> Vec<Setting> {
    let schema = serde_json::to_value(P::schema()).expect("a schema is JSON");
    let keys = keys(P::HEADER).iter();
    keys.filter_map(|key| Setting::new(key, &schema["properties"][key.name]))
        .collect()
}

/// What holds when this key of this table is not given, in words.
pub(in crate::commands) fn default_of(header: &str, key: &str) -> &'static str {
    let key = keys(header).iter().find(|each| each.name == key);
    match key.map(|key| key.presence) {
        Some(Presence::Default(default)) => default,
        _ => "-",
    }
}

/// The flag of a key.
pub(in crate::commands) fn flag(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn keys(header: &str) -> &'static [&'static Key] {
    let table = TABLES.iter().find(|table| table.header == header);
    table.map_or(&[], |table| table.keys)
}

impl Setting {
    /// Of a key with that schema; none when it holds tables.
    fn new(key: &'static Key, schema: &Value) -> Option<Self> {
        // A value that may be left out and has a type of its own is one of that type, or null.
        let kinds = schema["oneOf"].as_array().into_iter().flatten();
        let mut described = [schema].into_iter().chain(kinds);
        let description = described.find_map(|schema| schema["description"].as_str())?;
        let example = match &schema["example"] {
            Value::String(example) => format!(", as in `{example}`"),
            _ => String::new(),
        };
        Some(Self {
            key,
            kind: Kind::of(schema)?,
            help: format!("{}{example}", description.trim_end_matches('.')),
        })
    }

    /// As the file has it.
    pub(super) fn key(&self) -> &'static str {
        self.key.name
    }

    /// The flag without its dashes.
    pub(super) fn flag(&self) -> String {
        self.key().replace('_', "-")
    }

    /// What clap knows it by. Arguments of commands have no dots in theirs.
    pub(super) fn id(&self) -> String {
        format!("key.{}", self.key())
    }

    pub(super) fn may_be_left_out(&self) -> bool {
        self.key.presence != Presence::Required
    }

    pub(super) fn arg(&self) -> Arg {
        let arg = Arg::new(self.id())
            .long(self.flag())
            .alias(self.key())
            .help(self.help.clone());
        match self.kind {
            Kind::Text => arg.value_name("TEXT"),
            // A negative one is wrong, and the daemon says why.
            Kind::Number => arg.value_name("N").allow_negative_numbers(true),
            Kind::Any => arg.value_name("VALUE"),
            Kind::Switch => arg.value_name("BOOL").value_parser(["true", "false"]),
            Kind::List => arg
                .value_name("TEXT,…")
                .action(ArgAction::Append)
                .value_delimiter(','),
        }
    }

    /// The value that these words are; a word of another kind stays a word.
    pub(super) fn value(&self, words: &[&str]) -> Value {
        match (self.kind, words) {
            (Kind::List, words) => words.iter().copied().map(Value::from).collect(),
            (Kind::Any, [word @ ("true" | "false")]) => Value::from(*word == "true"),
            (Kind::Number | Kind::Any, [word]) => {
                let number: Option<i64> = word.replace('_', "").parse().ok();
                number.map_or_else(|| Value::from(*word), Value::from)
            }
            (Kind::Switch, [word]) => Value::from(*word == "true"),
            (_, words) => Value::from(words.join(" ")),
        }
    }
}

impl Kind {
    /// None for what is no single value.
    fn of(schema: &Value) -> Option<Self> {
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if schema["oneOf"].is_array() => return Some(Self::Any),
            _ => vec![],
        };
        let kind = kinds.into_iter().find(|kind| *kind != "null")?;
        match kind {
            "string" => Some(Self::Text),
            "integer" => Some(Self::Number),
            "boolean" => Some(Self::Switch),
            "array" if schema["items"]["type"] == "string" => Some(Self::List),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use dray_model::document;

    use super::*;

    #[test]
    fn every_key_is_a_flag_but_the_list_of_real_servers() {
        let flags = |settings: Vec<Setting>| settings.iter().map(Setting::key).collect::<Vec<_>>();
        let without_reals: Vec<_> = keys("[[service]]")
            .iter()
            .map(|key| key.name)
            .filter(|name| *name != "real")
            .collect();
        assert_eq!(flags(all::<document::Service>()), without_reals);
        let of_real: Vec<_> = keys("[[service.real]]")
            .iter()
            .map(|key| key.name)
            .collect();
        assert_eq!(flags(all::<document::Real>()), of_real);
        assert!(of_real.contains(&"upper_threshold"), "{of_real:?}");
    }

    #[test]
    fn defaults_are_those_of_the_file() {
        assert_eq!(default_of("[[service]]", "scheduler"), "wlc");
        assert_eq!(default_of("[[service.real]]", "weight"), "1");
    }
}
