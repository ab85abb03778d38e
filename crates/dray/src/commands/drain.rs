//! `dray drain`: empties a real server, and waits until it is.

mod cancel;
mod list;
mod progress;
mod start;
mod wait;
mod words;

use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

pub(super) use start::Drain;

/// `dray drain REAL`, or a word in place of the real server.
#[derive(Debug)]
pub(super) enum DrainCommand {
    Start(Drain),
    Other(Verb),
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    List(list::List),
    Cancel(cancel::Cancel),
}

impl DrainCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Start(drain) => drain.run(),
            Self::Other(Verb::List(list)) => list.run(),
            Self::Other(Verb::Cancel(cancel)) => cancel.run(),
        }
    }
}

// clap derives none for what has either arguments or a subcommand, and needs some of the arguments.
impl Args for DrainCommand {
    fn augment_args(command: Command) -> Command {
        Verb::augment_subcommands(Drain::augment_args(command))
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for DrainCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand_name() {
            Some(_) => Verb::from_arg_matches(matches).map(Self::Other),
            None => Drain::from_arg_matches(matches).map(Self::Start),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
