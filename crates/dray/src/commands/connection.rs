//! `dray connection`: the connections of the table.

mod filters;
mod kill;
mod list;
mod table;
mod templates;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(super) use list::List;

/// List connections, or end some
#[derive(Debug, Args)]
pub(super) struct Connection {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Kill(kill::Kill),
}

impl Connection {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(),
            Verb::Kill(kill) => kill.run(),
        }
    }
}
