//! The configurations that were applied, oldest first, and which of them may be forgotten.

use serde::{Deserialize, Serialize};

use crate::{Digest, Timestamp};

/// So many applied configurations are kept at least, the newest ones; with each its text.
pub const HISTORY: usize = 20;

/// A configuration that was applied: all that is known of it but its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// Its number: each new configuration has one more than the one before, from 1.
    pub number: u64,
    /// When it was applied first.
    pub at: Timestamp,
    /// Where it came from.
    pub source: Source,
    /// Length of its text in bytes.
    pub bytes: u64,
    /// Fingerprint of its text.
    pub digest: Digest,
    /// It was to be confirmed and was not when the director left it. A rollback that names no configuration passes it over.
    #[serde(default, skip_serializing_if = "is_false")]
    pub went_back: bool,
}

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// The daemon read its own file, when it started or was told to reload.
    Daemon {
        /// The file.
        file: String,
    },
    /// Somebody sent it to the API.
    Client {
        /// Who, as the API knows its callers.
        who: String,
        /// The file that they say it is from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
}

impl Source {
    /// The file that the configuration is from, if it is known.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Daemon { file } => Some(file),
            Self::Client { file, .. } => file.as_deref(),
        }
    }
}

/// Adds a configuration, and forgets the oldest ones beyond [`HISTORY`] that are not `needed`.
pub(crate) fn add(history: &mut Vec<Applied>, applied: Applied, needed: &[u64]) {
    history.push(applied);
    let mut surplus = history.len().saturating_sub(HISTORY);
    history.retain(|applied| {
        let forget = surplus > 0 && !needed.contains(&applied.number);
        surplus -= usize::from(forget);
        !forget
    });
}

// serde's `skip_serializing_if` wants a reference.
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut history = Vec::new();
        for number in 1..=HISTORY as u64 + 3 {
            add(&mut history, applied(number), &[]);
        }
        assert_eq!(numbers(&history), (4..=23).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_needed_is_never_forgotten() {
        let mut history = Vec::new();
        for number in 1..=HISTORY as u64 * 2 {
            add(&mut history, applied(number), &[2, 5]);
            assert!(history.len() <= HISTORY);
        }
        let kept: Vec<u64> = [2, 5].into_iter().chain(23..=40).collect();
        assert_eq!(numbers(&history), kept);
    }

    fn numbers(history: &[Applied]) -> Vec<u64> {
        history.iter().map(|applied| applied.number).collect()
    }

    fn applied(number: u64) -> Applied {
        Applied {
            number,
            at: Timestamp::from_millis(number),
            source: Source::Daemon {
                file: "/etc/dray.toml".to_owned(),
            },
            bytes: 0,
            digest: Digest::of(b""),
            went_back: false,
        }
    }
}
