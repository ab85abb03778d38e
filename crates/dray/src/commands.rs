//! The command line: one file for each verb.

mod check;
mod configuration;
mod connections;
mod lab;
mod real;
mod reload;
mod replay;
mod run;
mod status;
mod stop;
mod unreachable;

use std::{path::PathBuf, process::ExitCode, sync::LazyLock};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use dray_api::{CallError, Client};

/// A director that balances TCP, UDP and SCTP over real servers, in the kernel's network driver.
#[derive(Debug, Parser)]
#[command(name = "dray", version = VERSION.as_str())]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Check(check::Check),
    Reload(reload::Reload),
    Status(status::StatusCommand),
    Connections(connections::ConnectionsCommand),
    Stop(stop::Stop),
    Replay(replay::Replay),
    Lab(lab::Lab),
    Real(real::Real),
}

/// The version of the program and of the layouts that it shares with the data plane.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (ABI {})",
        env!("CARGO_PKG_VERSION"),
        dray_abi::ABI_VERSION
    )
});

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match Cli::parse().verb.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dray: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Verb {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(verb) => verb.run(),
            Self::Check(verb) => verb.run(),
            Self::Reload(verb) => verb.run(),
            Self::Status(verb) => verb.run(),
            Self::Connections(verb) => verb.run(),
            Self::Stop(verb) => verb.run(),
            Self::Replay(verb) => verb.run(),
            Self::Lab(verb) => verb.run(),
            Self::Real(verb) => verb.run(),
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

/// Where the data plane is pinned when nothing else is said.
pub(crate) const BPFFS: &str = "/sys/fs/bpf/dray";

/// Calls the daemon of that runtime directory; an error says all that a person needs.
fn call<T>(
    runtime_dir: &RuntimeDirArg,
    question: impl AsyncFnOnce(Client) -> Result<T, CallError>,
) -> anyhow::Result<T> {
    ask(runtime_dir, question)?.map_err(|error| unreachable::explain(error, &runtime_dir.path))
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
