//! Settings that differ, with the keys and values that a configuration file has for them.

use std::collections::BTreeMap;

use dray_model::{Director, RealServer, Service, document};
use serde::Serialize;
use serde_json::Value;

use super::SettingChange;

/// What lists of a document are called whose members are told of each for itself.
const MEMBERS: [&str; 1] = ["real"];

/// Settings by key, of inner tables with a dot between.
type Settings = BTreeMap<String, Value>;

/// Of `[director]`.
pub(super) fn of_director(before: &Director, after: &Director) -> Vec<SettingChange> {
    if before == after {
        return Vec::new();
    }
    let settings = |director: &Director| settings(&document::Director::from(director));
    differences(&settings(before), settings(after))
}

/// Of a service, without its real servers. Without a service before, all that is written of it.
pub(super) fn of_service(before: Option<&Service>, after: &Service) -> Vec<SettingChange> {
    let settings = |service: &Service| {
        // Its real servers are many, and are not what this is about.
        let alone = Service {
            reals: Vec::new(),
            ..service.clone()
        };
        settings(&document::Service::from(&alone))
    };
    differences(&before.map(settings).unwrap_or_default(), settings(after))
}

/// Of a real server in its service. Without one before, all that is written of it.
pub(super) fn of_real(
    before: Option<(&RealServer, &Service)>,
    (after, service): (&RealServer, &Service),
) -> Vec<SettingChange> {
    let settings =
        |real: &RealServer, service: &Service| settings(&document::Real::of(real, service));
    let before = before.map(|(real, service)| settings(real, service));
    differences(&before.unwrap_or_default(), settings(after, service))
}

fn differences(before: &Settings, mut after: Settings) -> Vec<SettingChange> {
    let mut changes: Vec<SettingChange> = Vec::new();
    for (key, before) in before {
        let after = after.remove(key);
        if after.as_ref() != Some(before) {
            changes.push(SettingChange {
                key: key.clone(),
                before: Some(before.clone()),
                after,
            });
        }
    }
    changes.extend(after.into_iter().map(|(key, after)| SettingChange {
        key,
        before: None,
        after: Some(after),
    }));
    changes.sort_by(|one, other| one.key.cmp(&other.key));
    changes
}

fn settings(document: &impl Serialize) -> Settings {
    let mut settings = Settings::new();
    match serde_json::to_value(document) {
        Ok(Value::Object(table)) => {
            for (key, value) in table {
                flatten(key, value, &mut settings);
            }
        }
        other => unreachable!("a document is a table: {other:?}"),
    }
    settings
}

fn flatten(key: String, value: Value, settings: &mut Settings) {
    match value {
        Value::Object(table) => {
            for (inner, value) in table {
                flatten(format!("{key}.{inner}"), value, settings);
            }
        }
        _ if MEMBERS.contains(&key.as_str()) => {}
        value => _ = settings.insert(key, value),
    }
}
