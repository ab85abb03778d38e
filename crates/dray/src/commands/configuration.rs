//! The configuration file as the command line reads it: its errors go to standard error.

use std::path::Path;

use dray_model::{
    Desired,
    config::{self, LoadError},
};

use crate::terminal;

/// Reads a file; with errors in it, shows them all and gives none.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<Desired>> {
    match config::load(file) {
        Ok(desired) => Ok(Some(desired)),
        Err(LoadError::Invalid(diagnostics)) => {
            eprint!(
                "{}",
                diagnostics.render(terminal::takes_colours(&std::io::stderr()))
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
