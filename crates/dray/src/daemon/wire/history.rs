//! Configurations that were applied, and what waits for a confirmation.

use dray_api::v1;
use dray_intent::{Applied, Source, State, Timestamp};

use super::edits;

/// Where the configuration in force comes from.
pub(in crate::daemon) fn configuration(state: &State, now: Timestamp) -> v1::ConfigurationStatus {
    v1::ConfigurationStatus {
        revision: state.revision(),
        base: state.in_force().number,
        edits: edits::summary(state.in_force(), state.drains()),
        pending: pending(state, now),
    }
}

pub(in crate::daemon) fn history(state: &State) -> v1::History {
    let entries = state.history().iter().rev();
    v1::History {
        entries: entries.map(|applied| entry(state, applied)).collect(),
    }
}

pub(in crate::daemon) fn historic(
    state: &State,
    applied: &Applied,
    text: String,
) -> v1::HistoricConfiguration {
    v1::HistoricConfiguration {
        entry: entry(state, applied),
        text,
    }
}

/// What became of a configuration that was just applied.
pub(in crate::daemon) fn applied(
    state: &State,
    edits_dropped: Vec<v1::DroppedEdit>,
    problems: Vec<String>,
    now: Timestamp,
) -> v1::Applied {
    let services = &state.in_force().effective.services;
    v1::Applied {
        number: state.in_force().number,
        revision: state.revision(),
        services: services.len(),
        reals: services.iter().map(|service| service.reals.len()).sum(),
        edits_dropped,
        pending: pending(state, now),
        problems,
    }
}

fn entry(state: &State, applied: &Applied) -> v1::HistoryEntry {
    let who = match &applied.source {
        Source::Daemon { .. } => None,
        Source::Client { who, .. } => Some(who.clone()),
    };
    v1::HistoryEntry {
        number: applied.number,
        at_unix_seconds: applied.at.millis() / 1_000,
        who,
        file: applied.source.file().map(str::to_owned),
        bytes: applied.bytes,
        went_back: applied.went_back,
        current: applied.number == state.in_force().number,
    }
}

fn pending(state: &State, now: Timestamp) -> Option<v1::Pending> {
    let unconfirmed = state.unconfirmed()?;
    Some(v1::Pending {
        until_unix_seconds: unconfirmed.until.millis() / 1_000,
        seconds_left: unconfirmed.until.remaining(now).as_secs(),
        back_to: unconfirmed.back.number,
    })
}
