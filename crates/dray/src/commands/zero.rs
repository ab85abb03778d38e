//! `dray zero`: begin to count anew.

use std::process::ExitCode;

use clap::Args;
use dray_api::v1::ZeroQuery;

use super::{RuntimeDirArg, call};
use crate::output;

/// Set the counters of services and their real servers to 0
#[derive(Debug, Args)]
pub(super) struct Zero {
    /// Those of the service of this name only
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Say whose as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Zero {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let query = ZeroQuery {
            service: self.service,
        };
        call(&self.runtime_dir, async |client| client.zero(&query).await)?;
        let whose = match &query.service {
            Some(service) => format!("the counters of service {service} are"),
            None => "all counters are".to_owned(),
        };
        output::done(self.json, &query, &format!("{whose} 0"))?;
        Ok(ExitCode::SUCCESS)
    }
}
