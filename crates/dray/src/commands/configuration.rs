//! The configuration file as the command line reads it: its errors go to standard error.

use std::{
    env,
    io::{self, IsTerminal},
    path::Path,
};

use dray_model::{
    Desired,
    config::{self, LoadError},
};

/// Reads a file; with errors in it, shows them all and gives none.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<Desired>> {
    match config::load(file) {
        Ok(desired) => Ok(Some(desired)),
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!("{}", diagnostics.render(colours()));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Only for people, and only if they have not asked for none (no-color.org).
fn colours() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
