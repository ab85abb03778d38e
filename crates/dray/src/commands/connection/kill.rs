//! `dray connection kill`: ends connections.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use dray_api::v1::EndQuery;

use super::filters::Filters;
use crate::{
    commands::{RuntimeDirArg, call},
    number::counted,
    output,
};

/// End connections: those that every given filter accepts
///
/// Their entries leave the table; nothing is sent to anybody. A packet that may open a connection is scheduled anew; any other goes to
/// the host, which answers TCP with a reset.
#[derive(Debug, Args)]
pub(super) struct Kill {
    #[command(flatten)]
    filters: Filters,
    /// Every connection of the director, without a filter
    #[arg(long, conflicts_with_all = ["client", "service", "real", "state"])]
    all: bool,
    /// Persistence templates too, so that clients are no longer kept on their real servers
    #[arg(long, conflicts_with = "state")]
    templates: bool,
    /// Say how many as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Kill {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Filters {
            client,
            service,
            real,
            state,
        } = self.filters;
        let query = EndQuery {
            client,
            service,
            real,
            state,
            templates: self.templates,
            all: self.all,
        };
        if !query.has_a_filter() && !query.all {
            bail!("no filter says which connections to end: give one, or --all");
        }
        let ended = call(&self.runtime_dir, async |client| {
            client.end_connections(&query).await
        })?;
        if self.json {
            output::json(&ended)?;
        } else {
            let what = if self.templates {
                format!("{} connections and templates", ended.ended)
            } else {
                counted(ended.ended, "connection")
            };
            output::text(&format!("{what} ended\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
