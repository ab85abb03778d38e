//! Typed values out of a table, with a fault for each that is not what its key holds.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    duration,
    fault::{Fault, Faults, quote},
    keys::{Key, Presence, TABLES, Table},
};

/// A table of the file, to be read key by key.
#[derive(Debug)]
pub(super) struct Entries<'t, 'i> {
    spec: &'static Table,
    table: &'t DeTable<'i>,
    span: Range<usize>,
}

impl<'t, 'i> Entries<'t, 'i> {
    /// The table at that place, after a look at the names of its keys.
    pub(super) fn open(
        spec: &'static Table,
        span: Range<usize>,
        table: &'t DeTable<'i>,
        faults: &mut Faults<'_>,
    ) -> Self {
        for key in table
            .keys()
            .filter(|key| !spec.keys.iter().any(|known| known.name == key.get_ref()))
        {
            faults.push(unknown(spec, key.get_ref(), key.span()));
        }
        Self { spec, table, span }
    }

    /// The table's header, or all of an inline table.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value of a key; a missing one is a fault when it is required.
    pub(super) fn value(
        &self,
        key: &'static Key,
        faults: &mut Faults<'_>,
    ) -> Option<Value<'t, 'i>> {
        debug_assert!(
            self.spec.keys.iter().any(|known| std::ptr::eq(*known, key)),
            "a key is in its table's list"
        );
        match self.table.get_key_value(key.name) {
            Some((name, value)) => Some(Value {
                key,
                key_span: name.span(),
                value,
            }),
            None => {
                if key.presence == Presence::Required {
                    faults.push_missing(key, self.spec, self.lacks(key));
                }
                None
            }
        }
    }

    fn lacks(&self, key: &Key) -> Fault {
        let (cause, cure) = match key.example.strip_prefix('[') {
            Some(_) => (
                format!("there is no `{}`", key.example),
                format!("write `{}` with its keys", key.example),
            ),
            None => (
                format!("`{}` is missing in {}", key.name, self.spec.title()),
                format!("write `{}`", key.example),
            ),
        };
        Fault::new(self.span(), cause, format!("no `{}` here", key.name), cure)
    }
}

/// A key's value.
#[derive(Clone, Debug)]
pub(super) struct Value<'t, 'i> {
    key: &'static Key,
    key_span: Range<usize>,
    value: &'t Spanned<DeValue<'i>>,
}

impl<'t, 'i> Value<'t, 'i> {
    /// An item of this list, as a value of the same key.
    pub(super) fn item(&self, value: &'t Spanned<DeValue<'i>>) -> Self {
        Self {
            key: self.key,
            key_span: self.key_span.clone(),
            value,
        }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The place of the key's name.
    pub(super) fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// The place of a part of this string.
    pub(super) fn part(&self, part: Range<usize>) -> Range<usize> {
        let span = self.span();
        match self.value.get_ref().as_str() {
            // Only in a string without escapes are places of the text places of the file.
            Some(text) if span.len() == text.len() + 2 => {
                span.start + 1 + part.start..span.start + 1 + part.end
            }
            _ => span,
        }
    }

    pub(super) fn string(&self, faults: &mut Faults<'_>) -> Option<&'t str> {
        let string = self.value.get_ref().as_str();
        if string.is_none() {
            self.wrong_type(
                self.example_with(|value| match value {
                    DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                        Some(format!("\"{}\"", plain(value)))
                    }
                    DeValue::Array(list) => list
                        .iter()
                        .next()
                        .and_then(|item| item.get_ref().as_str())
                        .map(|text| format!("{text:?}")),
                    _ => None,
                }),
                faults,
            );
        }
        string
    }

    pub(super) fn boolean(&self, faults: &mut Faults<'_>) -> Option<bool> {
        let boolean = self.value.get_ref().as_bool();
        if boolean.is_none() {
            let word = self.value.get_ref().as_str().map(str::to_lowercase);
            self.wrong_type(
                self.example_with(|_| match word.as_deref() {
                    Some("true" | "yes" | "on") => Some("true".to_owned()),
                    Some("false" | "no" | "off") => Some("false".to_owned()),
                    _ => None,
                }),
                faults,
            );
        }
        boolean
    }

    /// An integer within bounds; `unit` says what the numbers count.
    pub(super) fn integer(
        &self,
        bounds: std::ops::RangeInclusive<u32>,
        unit: &str,
        faults: &mut Faults<'_>,
    ) -> Option<u32> {
        let DeValue::Integer(number) = self.value.get_ref() else {
            let whole = |text: &str| text.parse::<i64>().ok().map(|number| number.to_string());
            self.wrong_type(
                self.example_with(|value| match value {
                    DeValue::String(text) => whole(text.trim()),
                    DeValue::Float(number) => number.as_str().strip_suffix(".0").and_then(whole),
                    _ => None,
                }),
                faults,
            );
            return None;
        };
        let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = value
            .and_then(|value| u32::try_from(value).ok())
            .filter(|value| bounds.contains(value));
        if fits.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            let negative = number.as_str().starts_with('-');
            let label = if negative || value.is_some_and(|value| value < i128::from(*least)) {
                "too small"
            } else {
                "too large"
            };
            faults.push(Fault::new(
                self.span(),
                format!("`{}` is out of range", self.key.name),
                label,
                format!("write a number from {least} to {most}{unit}"),
            ));
        }
        fits
    }

    pub(super) fn list(&self, faults: &mut Faults<'_>) -> Option<&'t DeArray<'i>> {
        let list = self.value.get_ref().as_array();
        if list.is_none() {
            self.wrong_type(
                self.example_with(|value| match value {
                    DeValue::String(text) => Some(format!("[{text:?}]")),
                    _ => None,
                }),
                faults,
            );
        }
        list
    }

    pub(super) fn table(&self, faults: &mut Faults<'_>) -> Option<&'t DeTable<'i>> {
        let table = self.value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(self.key.example.to_owned(), faults);
        }
        table
    }

    /// The tables of a list of tables; items that are none are faults and left out.
    pub(super) fn tables(&self, faults: &mut Faults<'_>) -> Vec<(Range<usize>, &'t DeTable<'i>)> {
        let (name, example) = (self.key.name, self.key.example);
        match self.value.get_ref() {
            DeValue::Array(list) => list
                .iter()
                .filter_map(|item| self.item(item).inner_table(faults))
                .collect(),
            DeValue::Table(table) => {
                faults.push(Fault::new(
                    self.span(),
                    format!("`{name}` must be {}", self.key.holds),
                    "this is one table",
                    format!("write `{example}` above its keys, or `{name} = [{{ … }}]`"),
                ));
                // A table made by a header under it has no keys of its own to look at.
                let inline = self.span() != self.key_span();
                inline.then(|| (self.span(), table)).into_iter().collect()
            }
            _ => {
                self.wrong_type(example.to_owned(), faults);
                Vec::new()
            }
        }
    }

    /// The table that is an item of this key's list.
    fn inner_table(&self, faults: &mut Faults<'_>) -> Option<(Range<usize>, &'t DeTable<'i>)> {
        let name = self.key.name;
        let value = self.value.get_ref();
        if value.as_table().is_none() {
            let instead = match value.as_str() {
                Some(text) => format!("{{ address = {text:?} }}"),
                None => self.key.example.to_owned(),
            };
            faults.push(Fault::new(
                self.span(),
                format!("every item of `{name}` must be a table"),
                format!("this is {}", kind(value)),
                format!("write {}", quote(&instead)),
            ));
        }
        value.as_table().map(|table| (self.span(), table))
    }

    /// The text of a length of time.
    pub(super) fn duration(&self, faults: &mut Faults<'_>) -> Option<&'t str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            value => {
                let seconds = match value {
                    DeValue::Integer(number) => {
                        u64::from_str_radix(number.as_str(), number.radix()).ok()
                    }
                    _ => None,
                };
                let instead = match seconds {
                    Some(seconds) => {
                        format!("{} = \"{}\"", self.key.name, duration::write(seconds))
                    }
                    None => self.key.example.to_owned(),
                };
                self.wrong_type(instead, faults);
                None
            }
        }
    }

    /// What to write: the key with what the user seems to mean, or with the example's value.
    fn example_with(&self, meant: impl Fn(&DeValue<'i>) -> Option<String>) -> String {
        match meant(self.value.get_ref()) {
            Some(meant) => format!("{} = {meant}", self.key.name),
            None => self.key.example.to_owned(),
        }
    }

    fn wrong_type(&self, instead: String, faults: &mut Faults<'_>) {
        faults.push(Fault::new(
            self.span(),
            format!("`{}` must be {}", self.key.name, self.key.holds),
            format!("this is {}", kind(self.value.get_ref())),
            format!("write {}", quote(&instead)),
        ));
    }
}

/// A key that its table does not have.
fn unknown(spec: &Table, name: &str, span: Range<usize>) -> Fault {
    let word = quote(name);
    let title = spec.title();
    let cause = format!("unknown key {word}");
    if let Some((_, instead)) = spec.instead.iter().find(|(word, _)| *word == name) {
        return Fault::new(span, cause, format!("not a key of {title}"), *instead);
    }
    let homes = TABLES
        .into_iter()
        .filter(|table| table.keys.iter().any(|key| key.name == name));
    let homes: Vec<_> = homes
        .map(|table| format!("`{}`", table.header_of(name)))
        .collect();
    if !homes.is_empty() {
        let cure = format!("{word} belongs in {}: move it there", homes.join(" or "));
        return Fault::new(span, cause, format!("not a key of {title}"), cure);
    }
    if let Some(key) = spec.nearest(name) {
        let meant = if key.example.starts_with('[') {
            key.example
        } else {
            key.name
        };
        return Fault::new(
            span,
            cause,
            format!("not a key of {title}"),
            format!("did you mean `{meant}`?"),
        );
    }
    let keys: Vec<_> = spec
        .keys
        .iter()
        .map(|key| format!("`{}`", key.name))
        .collect();
    let cure = format!("remove it; the keys of {title} are {}", keys.join(", "));
    Fault::new(span, cause, format!("not a key of {title}"), cure)
}

/// A value's type, in words that follow "this is".
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or a time of day",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// A simple value as it is written.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        _ => String::new(),
    }
}
