//! `dray real quiesce`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use dray_api::{CallError, Client, Precondition};
use dray_model::document::{Endpoint, Service};
use serde_json::json;

use super::place::Seat;
use crate::{
    commands::{RuntimeDirArg, call},
    output,
    thing::thing,
};

/// Give a real server weight 0: it gets no new connections, and those that it has go on
///
/// `dray real edit REAL --service NAME --weight N` gives it new ones again. `dray drain` also waits for the connections, and gives the
/// weight back when it is called off.
#[derive(Debug, Args)]
pub(super) struct Quiesce {
    /// The real server, as in 10.77.0.11, 10.77.0.11:8080 or [2001:db8::11]:8080
    real: Endpoint,
    /// In the service of this name only, in place of every service that has it
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Say what it is now as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl Quiesce {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let seats = call(&self.runtime_dir, async |client| {
            self.quiesce(&client).await
        })?;
        if seats.is_empty() {
            bail!(
                "no service has the real server {}; `dray real list` shows those that there are",
                self.real
            );
        }
        let lines = seats.iter().map(|Seat { service, real }| {
            format!("{}: quiesced", thing(Some(service), Some(&real.address)))
        });
        let lines: Vec<_> = lines.collect();
        output::done(self.json, &json!({ "reals": seats }), &lines.join("\n"))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn quiesce(&self, client: &Client) -> Result<Vec<Seat>, CallError> {
        let services = match &self.service {
            Some(name) => vec![name.clone()],
            None => having(&client.services().await?.value.services, self.real),
        };
        let real = self.real.to_string();
        let mut seats = Vec::new();
        for service in services {
            let quiesced = client
                .patch_real(&service, &real, &json!({"weight": 0}), &Precondition::None)
                .await?;
            seats.push(Seat {
                service,
                real: quiesced.value,
            });
        }
        Ok(seats)
    }
}

/// The names of the services that have this real server.
fn having(services: &[Service], real: Endpoint) -> Vec<String> {
    let has = |service: &&Service| {
        // A port that is the service's need not be named.
        let own = |port| {
            let address = service.address.as_deref();
            address.is_some_and(|address| address.ends_with(&format!(":{port}")))
        };
        let mut reals = service
            .real
            .iter()
            .filter_map(|each| each.address.parse::<Endpoint>().ok());
        reals.any(|each| {
            each.address == real.address
                && (each.port == real.port || each.port.is_none() && real.port.is_some_and(own))
        })
    };
    let names = services
        .iter()
        .filter(has)
        .map(|service| service.name.clone());
    names.collect()
}

#[cfg(test)]
mod tests {
    use dray_model::document::Real;

    use super::*;

    #[test]
    fn a_real_server_is_found_by_address_and_port() {
        let service = |name: &str, address: &str, real: &str| Service {
            name: name.to_owned(),
            address: Some(address.to_owned()),
            real: vec![Real {
                address: real.to_owned(),
                ..Real::default()
            }],
            ..Service::default()
        };
        let services = [
            service("web", "tcp://10.77.0.100:80", "10.77.0.11"),
            service("tls", "tcp://10.77.0.100:443", "10.77.0.11"),
            service("alt", "tcp://10.77.0.100:8080", "10.77.0.11:80"),
            service("other", "tcp://10.77.0.100:81", "10.77.0.12"),
        ];
        for (real, names) in [
            ("10.77.0.11", &["web", "tls"][..]),
            ("10.77.0.11:80", &["web", "alt"]),
            ("10.77.0.11:443", &["tls"]),
            ("10.77.0.13", &[]),
        ] {
            let real = real.parse().expect("an endpoint");
            assert_eq!(having(&services, real), names, "{real}");
        }
    }
}
