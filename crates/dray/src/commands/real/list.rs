//! `dray real list`.

use std::process::ExitCode;

use clap::Args;
use dray_model::document::{Real, Service};
use serde_json::json;

use super::place::Seat;
use crate::{
    commands::{RuntimeDirArg, call, settings::default_of},
    grid::{Grid, Side},
    output,
    paint::Paint,
};

/// List the real servers of the configuration, edits included; `dray status` shows how they are
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of the service of this name
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let services = call(&self.runtime_dir, async |client| match &self.service {
            Some(name) => Ok(vec![client.service(name).await?.value]),
            None => Ok(client.services().await?.value.services),
        })?;
        if self.json {
            let seats: Vec<_> = services.into_iter().flat_map(seats).collect();
            output::json(&json!({ "reals": seats }))?;
        } else {
            output::text(&table(&services, Paint::of_stdout()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn seats(service: Service) -> impl Iterator<Item = Seat> {
    let Service { name, real, .. } = service;
    real.into_iter().map(move |real| Seat {
        service: name.clone(),
        real,
    })
}

fn table(services: &[Service], paint: Paint) -> String {
    let mut grid = Grid::new([
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Right,
    ]);
    grid.heads(
        paint,
        &[
            "Service",
            "Real server",
            "Forward",
            "Weight",
            "Upper",
            "Lower",
        ],
    );
    for service in services {
        for real in &service.real {
            let weight = or_default(real.weight, "weight");
            grid.row([
                service.name.clone(),
                real.address.clone(),
                forward(real, service),
                if weight == "0" {
                    paint.yellow(&weight)
                } else {
                    weight
                },
                or_default(real.upper_threshold, "upper_threshold"),
                or_default(real.lower_threshold, "lower_threshold"),
            ]);
        }
    }
    grid.text()
}

/// Its own method, or that of its service: `dr`, `tun gue`.
fn forward(real: &Real, service: &Service) -> String {
    let method = real.forward.as_deref().or(service.forward.as_deref());
    let method = method.unwrap_or_else(|| default_of("[[service]]", "forward"));
    let tunnel = real.tunnel.as_deref().or(service.tunnel.as_deref());
    match tunnel {
        Some(tunnel) if method == "tun" => format!("{method} {tunnel}"),
        _ => method.to_owned(),
    }
}

fn or_default(value: Option<impl ToString>, key: &str) -> String {
    let default = || default_of("[[service.real]]", key).to_owned();
    value.map_or_else(default, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_servers_stand_under_their_services() {
        let real = |address: &str| Real {
            address: address.to_owned(),
            ..Real::default()
        };
        let web = Service {
            name: "web".to_owned(),
            forward: Some("tun".to_owned()),
            tunnel: Some("gue".to_owned()),
            real: vec![
                real("10.77.0.11"),
                Real {
                    forward: Some("nat".to_owned()),
                    weight: Some(0),
                    upper_threshold: Some(1000),
                    lower_threshold: Some(800),
                    ..real("10.77.0.12:8080")
                },
            ],
            ..Service::default()
        };
        let dns = Service {
            name: "dns".to_owned(),
            real: vec![real("2001:db8::11")],
            ..Service::default()
        };
        insta::assert_snapshot!(table(&[web, dns], Paint::Plain));
    }
}
