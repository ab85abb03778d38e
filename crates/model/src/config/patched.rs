//! The document of a part with a patch merged into it.
//!
//! `null` takes a key away (RFC 7396), and so one that there never is would leave no trace in what is merged. It gets a value
//! instead: reading the document finds it then, and tells it as any other key that is not known.

use serde_json::Value;

use super::keys::{self, TABLES, Table};
use crate::patch;

/// Changes a service's document.
pub(crate) fn service(document: &mut Value, patch: &Value) {
    merge(document, patch, &keys::SERVICE);
}

/// Changes a real server's document.
pub(crate) fn real(document: &mut Value, patch: &Value) {
    merge(document, patch, &keys::REAL);
}

/// Changes the document of the director's settings.
pub(crate) fn director(document: &mut Value, patch: &Value) {
    merge(document, patch, &keys::DIRECTOR);
}

fn merge(document: &mut Value, patch: &Value, table: &Table) {
    patch::merge(document, &traced(patch, table));
}

/// The patch of a table with a value for each key that the table does not have.
fn traced(patch: &Value, table: &Table) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let changes = changes.iter().map(|(name, change)| {
        let key = table.keys.iter().find(|key| key.name == name);
        let change = match key {
            None if change.is_null() => Value::Bool(false),
            None => change.clone(),
            Some(key) => match TABLES.iter().find(|inner| inner.header == key.example) {
                Some(inner) => traced(change, inner),
                None => change.clone(),
            },
        };
        (name.clone(), change)
    });
    Value::Object(changes.collect())
}
