//! `dray service show`.

use std::process::ExitCode;

use clap::Args;
use dray_model::document::{Document, Service};

use crate::{
    commands::{RuntimeDirArg, call},
    output,
};

/// Show one virtual service as the configuration file would have it
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its name
    name: String,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let service = call(&self.runtime_dir, async |client| {
            client.service(&self.name).await
        })?;
        if self.json {
            output::json(&service.value)?;
        } else {
            output::text(&as_toml(service.value))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a file that has nothing else has after its `[director]`.
fn as_toml(service: Service) -> String {
    let file = Document {
        service: vec![service],
        ..Document::default()
    };
    let file = file.to_toml();
    let start = file.find("[[service]]").unwrap_or(0);
    file[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use dray_model::document::Real;

    use super::*;

    #[test]
    fn a_service_is_shown_without_a_director() {
        let service = Service {
            name: "web".to_owned(),
            address: Some("tcp://10.77.0.100:80".to_owned()),
            real: vec![Real {
                address: "10.77.0.11".to_owned(),
                weight: Some(3),
                ..Real::default()
            }],
            ..Service::default()
        };
        insta::assert_snapshot!(as_toml(service));
    }
}
