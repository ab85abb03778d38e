//! What whoever asked for a change, or reads the log, should be told beside that it was made.

use std::fmt;

use crate::{DroppedEdit, End, Source};

/// Something that a change brought with it, or that the daemon found when it started. `Display` makes it a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An edit does not fit the new base.
    DroppedEdit(DroppedEdit),
    /// A drain ended.
    DrainEnded {
        /// Its number.
        id: u64,
        /// How.
        how: End,
    },
    /// The applied configuration was not confirmed, and the one of before is in force again.
    WentBack {
        /// Number of the one that was not confirmed.
        from: u64,
        /// Number of the one that is in force.
        to: u64,
    },
    /// The applied configuration is not confirmed yet, and there is no going back by itself any more.
    CannotGoBack {
        /// Number of the configuration to go back to.
        to: u64,
        /// Why not.
        why: String,
    },
    /// What the daemon was to start with cannot be put in force; what was in force last is so again.
    NotTaken {
        /// Number of the configuration that was to be in force.
        number: u64,
        /// Where that came from.
        source: Source,
        /// Why it cannot be.
        why: String,
        /// Number of the one that is in force; the same when only edits are given up.
        back: u64,
    },
    /// The daemon's file changed while the daemon was not there; it was applied.
    FileChanged {
        /// The file.
        file: String,
    },
    /// What is in force is not what the daemon's file says.
    NotTheFile {
        /// The file.
        file: String,
        /// Number of the configuration that is in force.
        number: u64,
        /// Where that came from.
        source: Source,
    },
    /// The daemon's file cannot be taken; what was applied before is in force.
    FileUnusable {
        /// The file.
        file: String,
        /// Number of the configuration that is in force.
        number: u64,
        /// What is wrong with the file.
        why: String,
    },
    /// The configuration that was in force cannot be taken any more; the daemon's file was applied.
    StoredUnusable {
        /// Number of the configuration that was in force.
        number: u64,
        /// Where that came from.
        source: Source,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DroppedEdit(edit) => edit.fmt(f),
            Self::DrainEnded { id, how } => {
                let how = match how {
                    End::Drained => "no connection is left",
                    End::Overdue => "its deadline is over",
                    End::Cancelled => "it was cancelled",
                    End::Overtaken => "its real servers have other weights by now, or are gone",
                };
                write!(f, "drain {id} ended: {how}")
            }
            Self::WentBack { from, to } => write!(
                f,
                "configuration {from} was not confirmed; configuration {to} is in force again"
            ),
            Self::CannotGoBack { to, why } => write!(
                f,
                "the director does not go back by itself to configuration {to}, which was in force before: {why}"
            ),
            Self::NotTaken {
                number,
                source,
                why,
                back,
            } => {
                let what = if number == back {
                    ", as it was edited last,"
                } else {
                    ""
                };
                write!(
                    f,
                    "configuration {number} ({source}){what} cannot be put in force, and configuration {back} is as it was \
                     before: {why}"
                )
            }
            Self::FileChanged { file } => {
                write!(
                    f,
                    "{file} changed while the daemon was not running; it was applied"
                )
            }
            Self::NotTheFile {
                file,
                number,
                source,
            } => write!(
                f,
                "configuration {number} ({source}) is in force, not what {file} says; to put the file in force, run \
                 `dray reload`"
            ),
            Self::FileUnusable { file, number, why } => write!(
                f,
                "{file} cannot be used, and configuration {number}, which was applied before, is in force; mend the \
                 file and run `dray reload`: {why}"
            ),
            Self::StoredUnusable {
                number,
                source,
                why,
            } => write!(
                f,
                "configuration {number} ({source}), which was in force, cannot be used any more; the daemon's file \
                 was applied in its place: {why}"
            ),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daemon { file } => write!(f, "read from {file} by the daemon"),
            Self::Client {
                who,
                file: Some(file),
            } => write!(f, "applied from {file} by {who}"),
            Self::Client { who, file: None } => write!(f, "applied by {who}"),
        }
    }
}
