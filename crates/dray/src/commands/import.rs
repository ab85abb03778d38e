//! `dray import`: the configurations of other balancers as dray's.

mod disk;
mod ipvsadm;
mod keepalived;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum};
use dray_import::Imported;

use super::sink;
use crate::output;

/// Make a configuration file out of another balancer's, with a report of what became of each line
///
/// The configuration goes to standard output and the report to standard error, or with -o the configuration to that file and the report to
/// standard output. What dray cannot do stands in the configuration as a comment. `dray check` accepts what comes out.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Keepalived(keepalived::Keepalived),
    Ipvsadm(ipvsadm::Ipvsadm),
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.from {
            From::Keepalived(keepalived) => keepalived.run(),
            From::Ipvsadm(ipvsadm) => ipvsadm.run(),
        }
    }
}

/// Where the configuration and its report go.
#[derive(Debug, Args)]
struct To {
    /// Write the configuration to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
    /// What the report looks like
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    report: ReportFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ReportFormat {
    /// A line for each statement
    #[default]
    Text,
    /// JSON
    Json,
}

impl To {
    fn put(&self, imported: &Imported) -> anyhow::Result<()> {
        let report = match self.report {
            ReportFormat::Text => imported.report.to_string(),
            ReportFormat::Json => output::as_json(&imported.report)?,
        };
        match &self.output {
            Some(file) => {
                sink::write(file, &imported.toml, self.force)?;
                output::text(&report)
            }
            None => {
                eprint!("{report}");
                output::text(&imported.toml)
            }
        }
    }
}
