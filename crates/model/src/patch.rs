//! Merge patches (RFC 7396): a change to a JSON value, as a value.
//!
//! A member of the patch takes the place of the target's, `null` takes it away, and objects are merged member by member. What
//! is not an object, lists too, is replaced whole. So a patch cannot put `null` into an object; documents have none.

use serde_json::{Map, Value};

/// Changes the target as the patch says.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// The smallest patch that makes `after` of `before`, neither of which has `null` in an object.
pub fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let gone = old
        .keys()
        .filter(|name| !new.contains_key(*name))
        .map(|name| (name.clone(), Value::Null));
    let changed = new.iter().filter_map(|(name, after)| {
        let change = match old.get(name) {
            Some(before) if before == after => return None,
            Some(before) => difference(before, after),
            None => after.clone(),
        };
        Some((name.clone(), change))
    });
    Value::Object(gone.chain(changed).collect())
}
