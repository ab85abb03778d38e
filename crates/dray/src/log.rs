//! Where the daemon's log goes and what it looks like: standard error, for people or for programs.

use std::io;

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::terminal;

/// What log lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; coloured when standard error is a terminal
    Auto,
    /// For people, without colours
    Human,
    /// One JSON object on each line
    Json,
}

/// The variable that says how much is logged, as `info` or `info,dray_control=debug`.
const VARIABLE: &str = "DRAY_LOG";

/// Starts logging; what was logged before is lost.
pub(crate) fn start(format: Format) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var(VARIABLE)
        .from_env()
        .with_context(|| {
            format!("failed to read {VARIABLE} (write `info` or `info,dray_control=debug`)")
        })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        Format::Auto => log
            .with_ansi(terminal::takes_colours(&std::io::stderr()))
            .init(),
        Format::Human => log.with_ansi(false).init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}
