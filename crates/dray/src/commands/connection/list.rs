//! `dray connection list`: connections of the table, or its persistence templates.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::{ConnectionsQuery, Limit, TemplatesQuery};

use super::{filters::Filters, table, templates};
use crate::{
    commands::{RuntimeDirArg, call},
    output,
    paint::Paint,
};

/// List connections: those that every given filter accepts
#[derive(Debug, Args)]
pub(in crate::commands) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Persistence templates instead: the real servers that clients are kept on
    #[arg(long, conflicts_with_all = ["client", "service", "real", "state"])]
    templates: bool,
    #[command(flatten)]
    filters: Filters,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t)]
    limit: Limit,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl List {
    pub(in crate::commands) fn run(self) -> anyhow::Result<ExitCode> {
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
            output::text(&templates::table(&templates.templates, Paint::of_stdout()))?;
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
            filters:
                Filters {
                    client,
                    service,
                    real,
                    state,
                },
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
            output::text(&table::table(&connections.connections, Paint::of_stdout()))?;
        }
        if connections.more {
            eprintln!("dray: there are more than {limit}; narrow the list or raise --limit");
        }
        Ok(())
    }
}
