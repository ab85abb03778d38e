//! `dray real`: what a real server needs besides its own programs.

mod decap;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Be a real server of a director
#[derive(Debug, Args)]
pub(super) struct Real {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    Decap(decap::Decap),
}

impl Real {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.part {
            Part::Decap(decap) => decap.run(),
        }
    }
}
