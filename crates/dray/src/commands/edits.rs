//! Edits, as people call them.

use dray_api::v1::{Change, EditSummary};

use crate::thing::thing;

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

/// `added`, `removed` or `changed`.
pub(super) fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
    }
}
