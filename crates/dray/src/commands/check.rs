//! `dray check`: is a configuration file good?

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::configuration;
use crate::output;

/// Check a configuration file; exit 1 when it has errors
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration file
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Some(desired) = configuration::read(&self.file)? else {
            return Ok(ExitCode::FAILURE);
        };
        let services = desired.services.len();
        let reals: usize = desired
            .services
            .iter()
            .map(|service| service.reals.len())
            .sum();
        output::text(&format!(
            "{}: {services} services, {reals} real servers: ok\n",
            self.file.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
