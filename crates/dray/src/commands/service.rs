//! `dray service`: the virtual services of the configuration.

mod add;
mod edit;
mod list;
mod remove;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// List virtual services, show, add, change or remove one
///
/// Changes are edits: they hold at once, survive restarts of the daemon, and are kept or dropped by the next `dray apply` as it says.
/// `dray save` writes them out.
#[derive(Debug, Args)]
pub(super) struct Service {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Show(show::Show),
    Add(add::Add),
    Edit(edit::Edit),
    Remove(remove::Remove),
}

impl Service {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(),
            Verb::Show(show) => show.run(),
            Verb::Add(add) => add.run(),
            Verb::Edit(edit) => edit.run(),
            Verb::Remove(remove) => remove.run(),
        }
    }
}
