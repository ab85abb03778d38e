//! `dray check`: is a configuration file good?

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use dray_api::v1::{ConfigError, Problem};
use dray_model::{
    Desired,
    config::{self, Diagnostics, LoadError},
};
use serde::Serialize;

use crate::{output, terminal};

/// Check a configuration file; exit 1 when it has errors
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration file
    file: PathBuf,
    /// Say how it is as JSON
    #[arg(long)]
    json: bool,
}

/// What is in a file, as JSON.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    file: &'a Path,
    /// Virtual services in it; 0 of a file with errors.
    services: usize,
    /// Real servers in it, counted once in each service; 0 of a file with errors.
    reals: usize,
    /// Empty of a good file.
    errors: Vec<ConfigError>,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match config::load(&self.file) {
            Ok(desired) => {
                self.accept(&desired)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(LoadError::Invalid(diagnostics)) => {
                self.refuse(&diagnostics)?;
                Ok(ExitCode::FAILURE)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn accept(&self, desired: &Desired) -> anyhow::Result<()> {
        let services = desired.services.len();
        let reals = desired.services.iter();
        let reals: usize = reals.map(|service| service.reals.len()).sum();
        let checked = Checked {
            file: &self.file,
            services,
            reals,
            errors: Vec::new(),
        };
        let file = self.file.display();
        let line = format!("{file}: {services} services, {reals} real servers: ok");
        output::done(self.json, &checked, &line)
    }

    fn refuse(&self, diagnostics: &Diagnostics) -> anyhow::Result<()> {
        eprint!(
            "{}",
            diagnostics.render(terminal::takes_colours(&io::stderr()))
        );
        if self.json {
            output::json(&Checked {
                file: &self.file,
                services: 0,
                reals: 0,
                errors: Problem::from(diagnostics).errors,
            })?;
        }
        Ok(())
    }
}
