//! `dray connections`: connections of the table.

mod table;

use std::{net::IpAddr, process::ExitCode};

use clap::{Args, builder::PossibleValuesParser};
use dray_api::v1::{ConnectionsQuery, Limit, Prefix};
use dray_packet::tcp::State;

use super::{RuntimeDirArg, call};
use crate::output;

/// List connections: those that every given filter accepts
#[derive(Debug, Args)]
pub(super) struct ConnectionsCommand {
    /// As JSON
    #[arg(long)]
    json: bool,
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
        let Self {
            json,
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
        Ok(ExitCode::SUCCESS)
    }
}

fn states() -> PossibleValuesParser {
    PossibleValuesParser::new(State::ALL.map(State::name))
}
