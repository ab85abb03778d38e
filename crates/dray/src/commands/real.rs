//! `dray real`: the real servers of services, and what a real server needs itself.

mod add;
mod decap;
mod edit;
mod list;
mod place;
mod quiesce;
mod remove;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::drain;

/// List real servers, add, change, quiesce, drain or remove them; or be one
///
/// A real server is named by its address, with its port where that is not the service's, as the configuration file has it. Changes are
/// edits: they hold at once, survive restarts of the daemon, and are kept or dropped by the next `dray apply` as it says.
#[derive(Debug, Args)]
pub(super) struct Real {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Add(add::Add),
    Edit(edit::Edit),
    Quiesce(quiesce::Quiesce),
    Drain(drain::Drain),
    Remove(remove::Remove),
    Decap(decap::Decap),
}

impl Real {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(),
            Verb::Add(add) => add.run(),
            Verb::Edit(edit) => edit.run(),
            Verb::Quiesce(quiesce) => quiesce.run(),
            Verb::Drain(drain) => drain.run(),
            Verb::Remove(remove) => remove.run(),
            Verb::Decap(decap) => decap.run(),
        }
    }
}
