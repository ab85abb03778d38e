//! A key's value as the type that the key holds, or a fault that says what to write.

use std::{
    ops::{Range, RangeInclusive},
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    duration,
    fault::{Fault, Faults, quote},
    keys::{Key, nearest},
    wrong::Wrong,
};

/// A key's value, or an item of it.
#[derive(Clone, Debug)]
pub(super) struct Value<'t, 'i> {
    key: &'static Key,
    key_span: Range<usize>,
    value: &'t Spanned<DeValue<'i>>,
}

impl<'t, 'i> Value<'t, 'i> {
    pub(super) fn new(
        key: &'static Key,
        key_span: Range<usize>,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Self {
        Self {
            key,
            key_span,
            value,
        }
    }

    /// An item of this list, as a value of the same key.
    pub(super) fn item(&self, value: &'t Spanned<DeValue<'i>>) -> Self {
        Self::new(self.key, self.key_span.clone(), value)
    }

    /// The place of the value.
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// The place of the key's name.
    pub(super) fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// The key's name.
    pub(super) fn name(&self) -> &'static str {
        self.key.name
    }

    /// What is wrong with a part of this string.
    pub(super) fn fault(&self, wrong: Wrong) -> Fault {
        Fault::new(self.part(wrong.part), wrong.cause, wrong.label, wrong.cure)
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
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            DeValue::Array(list) => {
                let only = list.iter().next().and_then(|item| item.get_ref().as_str());
                self.wrong_type(only.map(in_quotes), faults)
            }
            _ => self.wrong_type(None, faults),
        }
    }

    pub(super) fn boolean(&self, faults: &mut Faults<'_>) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(word) => {
                let meant = match word.to_lowercase().as_str() {
                    "true" | "yes" | "on" => Some("true"),
                    "false" | "no" | "off" => Some("false"),
                    _ => None,
                };
                self.wrong_type(meant.map(str::to_owned), faults)
            }
            DeValue::Integer(number) => {
                let meant = match number.as_str() {
                    "0" => Some("false"),
                    "1" => Some("true"),
                    _ => None,
                };
                self.wrong_type(meant.map(str::to_owned), faults)
            }
            _ => self.wrong_type(None, faults),
        }
    }

    /// One of some words, as what it stands for.
    pub(super) fn choice<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        faults: &mut Faults<'_>,
    ) -> Option<T> {
        let text = self.string(faults)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            faults.push(self.no_such_word(text, words.iter().map(|(word, _)| *word)));
        }
        found.map(|(_, meaning)| *meaning)
    }

    fn no_such_word(&self, text: &str, words: impl Iterator<Item = &'static str> + Clone) -> Fault {
        let near = nearest(&text.to_lowercase(), words.clone());
        let all: Vec<_> = words.map(quote).collect();
        let cure = match (near, &all[..]) {
            (_, [only]) => format!("write {only}"),
            (Some(near), _) => format!("did you mean `{near}`? The words are {}", all.join(", ")),
            (None, _) => format!("write one of {}", all.join(", ")),
        };
        let cause = format!("`{}` cannot be {}", self.key.name, quote(text));
        Fault::new(self.span(), cause, "unknown word", cure)
    }

    /// A whole number within bounds; `unit` goes on after the bounds in the message.
    pub(super) fn integer(
        &self,
        bounds: RangeInclusive<u32>,
        unit: &str,
        faults: &mut Faults<'_>,
    ) -> Option<u32> {
        let whole = |text: &str| text.parse::<u32>().ok().map(|number| number.to_string());
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => number,
            DeValue::String(text) => return self.wrong_type(whole(text.trim()), faults),
            DeValue::Float(number) => {
                let meant = number.as_str().strip_suffix(".0").and_then(whole);
                return self.wrong_type(meant, faults);
            }
            _ => return self.wrong_type(None, faults),
        };
        let value = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = value.filter(|value| bounds.contains(value));
        if fits.is_none() {
            let (least, most) = (*bounds.start(), *bounds.end());
            let small =
                number.as_str().starts_with('-') || value.is_some_and(|value| value < least);
            faults.push(Fault::new(
                self.span(),
                format!("`{}` is out of range", self.key.name),
                if small { "too small" } else { "too large" },
                format!("write {} to {}{unit}", grouped(least), grouped(most)),
            ));
        }
        fits
    }

    /// A length of time from 1 second to 31 days, in whole seconds.
    pub(super) fn time(&self, faults: &mut Faults<'_>) -> Option<Duration> {
        let text = self.duration(faults)?;
        let time = duration::parse(text);
        let within = time.filter(|time| duration::BOUNDS.contains(&time.as_secs()));
        if within.is_none() {
            faults.push(self.no_such_time(text, time));
        }
        within
    }

    fn no_such_time(&self, text: &str, time: Option<Duration>) -> Fault {
        let name = self.key.name;
        let number = text.trim().parse::<u64>().ok();
        let seconds = number.filter(|seconds| duration::BOUNDS.contains(seconds));
        let cure = match seconds {
            Some(seconds) => format!(
                "write the unit too: `{name} = \"{}\"`",
                duration::write(seconds)
            ),
            None => format!(
                "write a time from 1s to 31d in whole `d`, `h`, `m` and `s`, as in `{}`",
                self.key.example
            ),
        };
        let (cause, label) = match time {
            None => (format!("{} is not a time", quote(text)), "not a time"),
            Some(_) => (format!("`{name}` is out of range"), "out of range"),
        };
        Fault::new(self.span(), cause, label, cure)
    }

    /// The text of a length of time.
    fn duration(&self, faults: &mut Faults<'_>) -> Option<&'t str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            DeValue::Integer(number) => {
                let seconds = u64::from_str_radix(number.as_str(), number.radix()).ok();
                self.wrong_type(
                    seconds.map(|seconds| in_quotes(&duration::write(seconds))),
                    faults,
                )
            }
            _ => self.wrong_type(None, faults),
        }
    }

    /// Whether it is this word, for keys that take a word or something else.
    pub(super) fn is(&self, word: &str) -> bool {
        self.value.get_ref().as_str() == Some(word)
    }

    /// Whether it is a whole number, for keys that take a number or something else.
    pub(super) fn is_integer(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Integer(_))
    }

    /// The items of a list, as values of the same key. An empty one is a fault.
    pub(super) fn items(&self, faults: &mut Faults<'_>) -> Option<Vec<Self>> {
        let list = self.list(faults)?;
        if list.is_empty() {
            faults.push(Fault::new(
                self.span(),
                format!("the list of `{}` is empty", self.key.name),
                "empty",
                format!(
                    "remove `{0}`, or write as in `{1}`",
                    self.key.name, self.key.example
                ),
            ));
            return None;
        }
        Some(list.iter().map(|item| self.item(item)).collect())
    }

    pub(super) fn list(&self, faults: &mut Faults<'_>) -> Option<&'t DeArray<'i>> {
        match self.value.get_ref() {
            DeValue::Array(list) => Some(list),
            DeValue::String(text) => {
                self.wrong_type(Some(format!("[{}]", in_quotes(text))), faults)
            }
            _ => self.wrong_type(None, faults),
        }
    }

    pub(super) fn table(&self, faults: &mut Faults<'_>) -> Option<&'t DeTable<'i>> {
        match self.value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => self.wrong_type(None, faults),
        }
    }

    /// The tables of a list of tables; items that are none are faults and left out.
    pub(super) fn tables(&self, faults: &mut Faults<'_>) -> Vec<(Range<usize>, &'t DeTable<'i>)> {
        let (name, example) = (self.key.name, self.key.example);
        match self.value.get_ref() {
            DeValue::Array(list) => list
                .iter()
                .filter_map(|item| self.item(item).inner_table(faults))
                .collect(),
            // Made by a header of a table inside of it, so that it has no keys of its own to look at.
            DeValue::Table(_) if self.span() == self.key_span() => {
                faults.push(Fault::new(
                    self.span(),
                    format!("there is no `{example}` that this belongs to"),
                    format!("no `{example}` above"),
                    format!("write `{example}` with its keys above this"),
                ));
                Vec::new()
            }
            DeValue::Table(table) => {
                faults.push(Fault::new(
                    self.span(),
                    format!("`{name}` must be {}", self.key.holds),
                    "this is one table",
                    format!("put it in a list, `{name} = [{{ … }}]`, or write it as `{example}`"),
                ));
                vec![(self.span(), table)]
            }
            _ => {
                self.wrong_type::<()>(None, faults);
                Vec::new()
            }
        }
    }

    /// The table that is an item of this key's list.
    fn inner_table(&self, faults: &mut Faults<'_>) -> Option<(Range<usize>, &'t DeTable<'i>)> {
        let value = self.value.get_ref();
        if value.as_table().is_none() {
            let instead = match value.as_str() {
                Some(text) => format!("{{ address = {} }}", in_quotes(text)),
                None => self.key.example.to_owned(),
            };
            faults.push(Fault::new(
                self.span(),
                format!("every item of `{}` must be a table", self.key.name),
                format!("this is {}", kind(value)),
                format!("write {}", quote(&instead)),
            ));
        }
        value.as_table().map(|table| (self.span(), table))
    }

    /// Notes that this is not what the key holds; says to write what is `meant`, or the key's example.
    fn wrong_type<T>(&self, meant: Option<String>, faults: &mut Faults<'_>) -> Option<T> {
        let instead = match meant {
            Some(meant) => format!("{} = {meant}", self.key.name),
            None => self.key.example.to_owned(),
        };
        faults.push(Fault::new(
            self.span(),
            format!("`{}` must be {}", self.key.name, self.key.holds),
            format!("this is {}", kind(self.value.get_ref())),
            format!("write {}", quote(&instead)),
        ));
        None
    }
}

fn in_quotes(text: &str) -> String {
    format!("\"{text}\"")
}

/// A number as people read it: `1_048_576`.
pub(crate) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// A value's type, in words that follow "this is".
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or a time of day",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
