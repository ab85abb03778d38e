//! Syntax errors of keepalived's configuration.

use std::fmt;

/// A place that keepalived itself could not make sense of, so that nothing behind it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}: {cure}")]
pub struct Fault {
    /// The file, relative to the directory of the first one.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// All syntax errors of an import; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The errors, in the order in which they were met.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl<'f> IntoIterator for &'f Faults {
    type Item = &'f Fault;
    type IntoIter = std::slice::Iter<'f, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
