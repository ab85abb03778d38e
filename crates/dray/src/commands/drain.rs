//! `dray drain`: empties a real server, and waits until it is.

mod cancel;
mod list;
mod progress;
mod start;
mod wait;
mod words;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(super) use start::Drain;

/// Empty a real server: it gets no new connections, and those that it has may end by themselves until the deadline
///
/// This waits until no connection is left, or the deadline comes. The exit code is 0 when the real server is empty, or connections that were
/// left were ended, and 1 when some go on, or somebody else ended the drain. Ctrl-C ends the waiting only.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct DrainCommand {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    drain: Option<Drain>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Cancel(cancel::Cancel),
}

impl DrainCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match (self.verb, self.drain) {
            (Some(Verb::List(list)), _) => list.run(),
            (Some(Verb::Cancel(cancel)), _) => cancel.run(),
            (None, Some(drain)) => drain.run(),
            (None, None) => anyhow::bail!("name a real server to drain, or `list` or `cancel`"),
        }
    }
}
