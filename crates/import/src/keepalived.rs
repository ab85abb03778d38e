//! keepalived's configuration (2.2.7, keepalived.conf(5)) as dray's.
//!
//! ```text
//! files ─ lines ─▶ statements, { and } ─ tree ─▶ statements with keywords ─ translate ─▶ draft
//!           │                              ▲                                  │
//!           └ source, comment,             └ keyword, keywords: what          └ carry: what dray does
//!             definition, repeat,            may stand where, as data           not do yet, as comments
//!             include
//! ```
//!
//! Every keyword is a row of a table, and the row says what becomes of it. Start with [`import`].

mod comment;
mod definition;
mod fault;
mod include;
mod keyword;
mod keywords;
mod lines;
mod repeat;
mod source;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod translate;
mod tree;
mod words;

use std::path::Path;

use crate::{Imported, report::Ledger};

pub use fault::{Fault, Faults};

/// Where files come from.
pub trait Files {
    /// What is in a file.
    ///
    /// # Errors
    /// In words, where it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// Whether there is a file, not a directory, at `path`.
    fn is_file(&self, path: &Path) -> bool;

    /// What is in a directory.
    ///
    /// # Errors
    /// In words, where it cannot be read.
    fn names(&self, directory: &Path) -> Result<Vec<Name>, String>;
}

/// Something in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Its name.
    pub name: String,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// What is to be imported, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The file that keepalived is started with.
    pub main: &'a Path,
    /// keepalived's `--config-id`, which decides on lines that begin with `@`: the first part of the machine's name,
    /// unless keepalived is started with another.
    pub config_id: Option<&'a str>,
}

/// Imports keepalived's configuration.
///
/// # Errors
/// With every syntax error: what stands behind one may mean anything. A value that keepalived does not take is none; it is
/// refused in the report.
pub fn import(files: &dyn Files, options: &Options<'_>) -> Result<Imported, Faults> {
    let mut ledger = Ledger::default();
    let statements = tree::read(files, options, &mut ledger)?;
    let draft = translate::translate(&statements, options, &mut ledger);
    let toml = draft.settle(&mut ledger);
    Ok(Imported {
        toml,
        report: ledger.into_report(),
    })
}
