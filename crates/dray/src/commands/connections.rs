//! `dray connections`: connections of the table, or its persistence templates.

mod table;
mod templates;

use std::{net::IpAddr, process::ExitCode};

use clap::{Args, builder::PossibleValuesParser};
use dray_api::v1::{ConnectionsQuery, Limit, Prefix, TemplatesQuery};
use dray_packet::state::State;

use super::{RuntimeDirArg, call};
use crate::output;

/// List connections: those that every given filter accepts
#[derive(Debug, Args)]
pub(super) struct ConnectionsCommand {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Persistence templates instead: the real servers that clients are kept on
    #[arg(long, conflicts_with_all = ["client", "service", "real", "state"])]
    templates: bool,
    /// Clients with this address or in this network
    #[arg(long, value_name = "A[/LEN]")]
    client: Option<Prefix>,
    /// The service of this name
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// On this real server
    #[arg(long, value_name = "A")]
    real: Option<IpAddr>,
    /// In this state
    #[arg(long, value_name = "S", ignore_case = true, value_parser = states())]
    state: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t)]
    limit: Limit,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl ConnectionsCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.templates {
            self.show_templates()?;
        } else {
            self.show_connections()?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show_templates(self) -> anyhow::Result<()> {
        let query = TemplatesQuery { limit: self.limit };
        let templates = call(&self.runtime_dir, async |client| {
            client.templates(&query).await
        })?;
        if self.json {
            output::json(&templates)?;
        } else {
            output::text(&templates::table(&templates.templates))?;
        }
        if templates.more {
            eprintln!("dray: there are more than {}; raise --limit", self.limit);
        }
        Ok(())
    }

    fn show_connections(self) -> anyhow::Result<()> {
        let Self {
            json,
            templates: _,
            client,
            service,
            real,
            state,
            limit,
            runtime_dir,
        } = self;
        let query = ConnectionsQuery {
            client,
            service,
            real,
            state,
            limit,
        };
        let connections = call(&runtime_dir, async |client| {
            client.connections(&query).await
        })?;
        if json {
            output::json(&connections)?;
        } else {
            output::text(&table::table(&connections.connections))?;
        }
        if connections.more {
            eprintln!("dray: there are more than {limit}; narrow the list or raise --limit");
        }
        Ok(())
    }
}

fn states() -> PossibleValuesParser {
    let mut names: Vec<&str> = Vec::new();
    for state in State::ALL {
        // TCP's and SCTP's have some names in common.
        if !names.contains(&state.name()) {
            names.push(state.name());
        }
    }
    PossibleValuesParser::new(names)
}
