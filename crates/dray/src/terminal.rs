//! Whether what is said on standard error may be coloured.

use std::{
    env,
    io::{self, IsTerminal},
};

/// Only for people, and only if they have not asked for none (no-color.org).
pub(crate) fn takes_colours() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
