//! A table of the file: which of its keys are there, and which are not known.

use std::ops::Range;

use toml::de::DeTable;

use super::{
    fault::{Fault, Faults, quote},
    keys::{Key, Presence, TABLES, Table},
    value::Value,
};

/// A table of the file, to be read key by key.
#[derive(Debug)]
pub(super) struct Entries<'t, 'i> {
    spec: &'static Table,
    table: &'t DeTable<'i>,
    span: Range<usize>,
    /// Keys that are there under a wrong name; to call them missing too would tell one slip twice.
    misspelt: Vec<&'static str>,
}

impl<'t, 'i> Entries<'t, 'i> {
    /// The table at that place, after a look at the names of its keys.
    pub(super) fn open(
        spec: &'static Table,
        span: Range<usize>,
        table: &'t DeTable<'i>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let mut misspelt = Vec::new();
        for (key, _) in table.iter() {
            let name = key.get_ref();
            if !spec.keys.iter().any(|known| known.name == name) {
                misspelt.extend(spec.nearest(name).map(|key| key.name));
                faults.push(unknown(spec, name, key.span()));
            }
        }
        Self {
            spec,
            table,
            span,
            misspelt,
        }
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
            Some((name, value)) => Some(Value::new(key, name.span(), value)),
            None => {
                if self.needs(key) && !self.misspelt.contains(&key.name) {
                    faults.push_missing(key, self.spec, self.lacks(key));
                }
                None
            }
        }
    }

    /// Whether a key is there, whatever its value, be it under a wrong name.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.gives(key.name)
    }

    fn gives(&self, name: &'static str) -> bool {
        self.misspelt.contains(&name) || self.table.get_key_value(name).is_some()
    }

    /// Whether a key that is not there ought to be.
    fn needs(&self, key: &Key) -> bool {
        match key.presence {
            Presence::Required => true,
            Presence::Unless(other) => !self.gives(other),
            Presence::Default(_) => false,
        }
    }

    fn lacks(&self, key: &Key) -> Fault {
        let label = format!("no `{}` here", key.name);
        let own = TABLES.into_iter().find(|table| table.header == key.example);
        let (cause, cure) = match own {
            Some(table) => {
                let keys: Vec<_> = table.required().map(|key| format!("`{key}`")).collect();
                let cure = format!(
                    "write `{}` and under it {}",
                    table.header,
                    keys.join(" and ")
                );
                (format!("there is no `{}`", table.header), cure)
            }
            None => {
                let cause = format!("`{}` is missing {}", key.name, self.spec.place());
                let other = match key.presence {
                    Presence::Unless(other) => self.spec.keys.iter().find(|key| key.name == other),
                    _ => None,
                };
                let other = other.map_or_else(String::new, |key| format!(", or `{}`", key.example));
                (cause, format!("write `{}`{other}", key.example))
            }
        };
        Fault::new(self.span(), cause, label, cure)
    }
}

/// A key that its table does not have.
fn unknown(spec: &Table, name: &str, span: Range<usize>) -> Fault {
    let mut settings = TABLES.iter().flat_map(|table| table.meaningless);
    if let Some(setting) = settings.find(|setting| setting.name == name) {
        let cause = format!("`{name}` has no meaning in dray: {}", setting.why);
        return Fault::new(span, cause, "a setting of IPVS alone", setting.instead);
    }
    let word = quote(name);
    let place = spec.place();
    let homes = TABLES.into_iter().filter_map(|table| {
        let key = table.keys.iter().find(|key| key.name == name)?;
        Some(match key.example.starts_with('[') {
            true => format!("write `{}`", key.example),
            false => format!("move it to `{}`", table.header),
        })
    });
    let instead = spec.instead.iter().find(|(word, _)| *word == name);
    let cure = if let Some((_, instead)) = instead {
        (*instead).to_owned()
    } else if let Some(key) = spec.next_to(name) {
        meant(key)
    } else if let Some(home) = homes.reduce(|all, home| format!("{all}, or {home}")) {
        home
    } else if let Some(key) = spec.nearest(name) {
        meant(key)
    } else {
        let keys: Vec<_> = spec
            .keys
            .iter()
            .map(|key| format!("`{}`", key.name))
            .collect();
        format!("remove it; the keys {place} are {}", keys.join(", "))
    };
    Fault::new(
        span,
        format!("unknown key {word}"),
        format!("no such key {place}"),
        cure,
    )
}

/// A question for somebody who wrote something like this key.
fn meant(key: &Key) -> String {
    let is_table = key.example.starts_with('[');
    format!(
        "did you mean `{}`?",
        if is_table { key.example } else { key.name }
    )
}
