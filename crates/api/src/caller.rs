//! Who calls, and what that allows.

use std::{fmt, sync::Arc};

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    name: Arc<str>,
    access: Access,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Ask.
    Read,
    /// Ask, and change things.
    Write,
}

impl Caller {
    /// A caller by the name that histories and logs give it: `uid 0 (pid 4711)`, `token deploy`, `certificate ops`.
    pub fn new(name: impl Into<Arc<str>>, access: Access) -> Self {
        Self {
            name: name.into(),
            access,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may do.
    pub const fn access(&self) -> Access {
        self.access
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
