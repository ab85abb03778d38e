//! Edits, as people call them.

use dray_api::v1::{Change, EditSummary};

/// As `service web, real server 10.77.0.11 changed (by a drain)`.
pub(super) fn named(edit: &EditSummary) -> String {
    let EditSummary {
        service,
        real,
        change,
        by_drain,
    } = edit;
    let what = thing(service.as_deref(), real.as_deref());
    let by = if *by_drain { " (by a drain)" } else { "" };
    format!("{what} {}{by}", word(*change))
}

/// As `service web, real server 10.77.0.11`; the director, when it is none of them.
pub(super) fn thing(service: Option<&str>, real: Option<&str>) -> String {
    match (service, real) {
        (None, None) => "the director".to_owned(),
        (None, Some(real)) => format!("real server {real}"),
        (Some(service), None) => format!("service {service}"),
        (Some(service), Some(real)) => format!("service {service}, real server {real}"),
    }
}

/// `added`, `removed` or `changed`.
pub(super) fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
    }
}
