//! The command line: one file for each verb.

mod applied;
mod apply;
mod check;
mod completions;
mod confirm;
mod connection;
mod drain;
mod edits;
mod events;
mod history;
mod import;
mod ipvsadm;
mod lab;
mod man;
mod plan;
mod real;
mod refusal;
mod reload;
mod replay;
mod rollback;
mod run;
mod save;
mod service;
mod settings;
mod sink;
mod source;
mod status;
mod stop;
mod unreachable;
mod zero;

use std::{env, path::PathBuf, process::ExitCode, sync::LazyLock};

use anyhow::Context;
use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use dray_api::{CallError, Client};

use self::refusal::Sent;

/// A director that balances TCP, UDP and SCTP over real servers, in the kernel's network driver.
#[derive(Debug, Parser)]
#[command(name = "dray", version = VERSION.as_str(), after_long_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Check(check::Check),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Confirm(confirm::Confirm),
    Rollback(rollback::Rollback),
    History(history::History),
    Save(save::Save),
    Reload(reload::Reload),
    Status(status::StatusCommand),
    Service(service::Service),
    Real(real::Real),
    Drain(drain::DrainCommand),
    Connection(connection::Connection),
    /// The same as `dray connection list`
    #[command(hide = true)]
    Connections(connection::List),
    Events(events::Events),
    Zero(zero::Zero),
    Import(import::Import),
    Ipvsadm(ipvsadm::Ipvsadm),
    Stop(stop::Stop),
    Replay(replay::Replay),
    Lab(lab::Lab),
    Completions(completions::Completions),
    Man(man::Man),
}

/// What the exit code says, for the manual page and `--help`.
const EXIT_CODES: &str = "\
Exit codes: 0 when the command did what it says; 1 when it did not, and standard error says why; 2 for a wrong flag, and for a file that \
`dray replay` cannot use. `dray plan`: 0 when nothing would change, 2 when something would, 1 for all else, a wrong flag too.

Standard output is data, standard error is talk. NO_COLOR turns colours off.";

/// The version of the program and of the layouts that it shares with the data plane.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (ABI {})",
        env!("CARGO_PKG_VERSION"),
        dray_abi::ABI_VERSION
    )
});

/// Runs the command line of this process. By which name the program was called may say what it does.
pub fn main() -> ExitCode {
    let program = env::args_os().next().unwrap_or_default();
    if let Some(tool) = ipvsadm::Tool::named(&program) {
        return tool.main();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.verb.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dray: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong with the words, or what was asked to be said of them.
fn refuse(error: &clap::Error) -> ExitCode {
    // What cannot be shown is not worth another error.
    let _ = error.print();
    let is_plan = env::args_os()
        .nth(1)
        .is_some_and(|verb| verb == plan::Plan::NAME);
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        // For a script, 2 is a plan that has changes.
        _ if is_plan => ExitCode::FAILURE,
        code => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
    }
}

/// All that the command line takes, for what is made of it.
fn command() -> Command {
    Cli::command()
}

impl Verb {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(verb) => verb.run(),
            Self::Check(verb) => verb.run(),
            Self::Plan(verb) => verb.run(),
            Self::Apply(verb) => verb.run(),
            Self::Confirm(verb) => verb.run(),
            Self::Rollback(verb) => verb.run(),
            Self::History(verb) => verb.run(),
            Self::Save(verb) => verb.run(),
            Self::Reload(verb) => verb.run(),
            Self::Status(verb) => verb.run(),
            Self::Service(verb) => verb.run(),
            Self::Real(verb) => verb.run(),
            Self::Drain(verb) => verb.run(),
            Self::Connection(verb) => verb.run(),
            Self::Connections(verb) => verb.run(),
            Self::Events(verb) => verb.run(),
            Self::Zero(verb) => verb.run(),
            Self::Import(verb) => verb.run(),
            Self::Ipvsadm(verb) => verb.run(),
            Self::Stop(verb) => verb.run(),
            Self::Replay(verb) => verb.run(),
            Self::Lab(verb) => verb.run(),
            Self::Completions(verb) => verb.run(),
            Self::Man(verb) => verb.run(),
        }
    }
}

/// Which daemon is meant.
#[derive(Debug, Args)]
struct RuntimeDirArg {
    /// Directory in which a daemon and its clients meet; each daemon of a host has its own
    #[arg(long = "runtime-dir", value_name = "DIR", default_value = RUNTIME_DIR)]
    path: PathBuf,
}

/// Where a daemon and its clients meet when nothing else is said.
pub(crate) const RUNTIME_DIR: &str = "/run/dray";

/// Where a daemon keeps what was applied and edited when nothing else is said.
pub(crate) const STATE_DIR: &str = "/var/lib/dray";

/// Where the data plane is pinned when nothing else is said.
pub(crate) const BPFFS: &str = "/sys/fs/bpf/dray";

/// Calls the daemon of that runtime directory; an error says all that a person needs.
fn call<T>(
    runtime_dir: &RuntimeDirArg,
    question: impl AsyncFnOnce(Client) -> Result<T, CallError>,
) -> anyhow::Result<T> {
    ask(runtime_dir, question)?.map_err(|error| unreachable::explain(error, &runtime_dir.path))
}

/// The same with something that is sent: what is wrong with it is named as people know it.
fn call_about<T>(
    sent: &Sent<'_>,
    runtime_dir: &RuntimeDirArg,
    question: impl AsyncFnOnce(Client) -> Result<T, CallError>,
) -> anyhow::Result<T> {
    ask(runtime_dir, question)?.map_err(|error| match error {
        CallError::Refused(problem) if !problem.fields.is_empty() => sent.explain(&problem.fields),
        error => unreachable::explain(error, &runtime_dir.path),
    })
}

/// Calls the daemon of that runtime directory.
fn ask<T>(
    runtime_dir: &RuntimeDirArg,
    question: impl AsyncFnOnce(Client) -> Result<T, CallError>,
) -> anyhow::Result<Result<T, CallError>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    Ok(runtime.block_on(question(Client::new(&runtime_dir.path))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
