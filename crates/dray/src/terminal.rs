//! Whether a stream is read by a person, and may be coloured.

use std::{env, io::IsTerminal};

/// Only for people, and only if they have not asked for none (no-color.org).
pub(crate) fn takes_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
