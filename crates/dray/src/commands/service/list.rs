//! `dray service list`.

use std::process::ExitCode;

use clap::Args;
use dray_model::document::Service;

use crate::{
    commands::{RuntimeDirArg, call, settings::default_of},
    grid::{Grid, Side},
    output,
    paint::Paint,
};

/// List the virtual services of the configuration, edits included; `dray status` shows what goes through them
#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let services = call(&self.runtime_dir, async |client| client.services().await)?.value;
        if self.json {
            output::json(&services)?;
        } else {
            output::text(&table(&services.services, Paint::of_stdout()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(services: &[Service], paint: Paint) -> String {
    let mut grid = Grid::new([
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
    ]);
    grid.heads(
        paint,
        &[
            "Name",
            "Address",
            "Scheduler",
            "Forward",
            "Persistent",
            "Real servers",
        ],
    );
    for service in services {
        grid.row([
            service.name.clone(),
            address(service),
            scheduler(service),
            or_default(service.forward.as_ref(), "forward"),
            service.persistent.clone().unwrap_or_else(|| "-".to_owned()),
            service.real.len().to_string(),
        ]);
    }
    grid.text()
}

/// The address, or the mark: `mark 5 ipv6`.
fn address(service: &Service) -> String {
    let mark = service.mark.map(|mark| match &service.family {
        Some(family) => format!("mark {mark} {family}"),
        None => format!("mark {mark}"),
    });
    let address = service.address.clone().or(mark);
    address.unwrap_or_else(|| "-".to_owned())
}

/// With its flags, as `sh (sh-fallback,sh-port)`.
fn scheduler(service: &Service) -> String {
    let name = or_default(service.scheduler.as_ref(), "scheduler");
    match &service.flags[..] {
        [] => name,
        flags => format!("{name} ({})", flags.join(",")),
    }
}

fn or_default(value: Option<&String>, key: &str) -> String {
    let default = || default_of("[[service]]", key).to_owned();
    value.cloned().unwrap_or_else(default)
}

#[cfg(test)]
mod tests {
    use dray_model::document::Real;

    use super::*;

    #[test]
    fn services_stand_in_the_order_of_the_configuration() {
        let web = Service {
            name: "web".to_owned(),
            address: Some("tcp://10.77.0.100:80".to_owned()),
            real: vec![Real::default(), Real::default()],
            ..Service::default()
        };
        let shop = Service {
            name: "shop".to_owned(),
            mark: Some(5),
            family: Some("ipv6".to_owned()),
            scheduler: Some("sh".to_owned()),
            flags: vec!["sh-port".to_owned(), "sh-fallback".to_owned()],
            forward: Some("tun".to_owned()),
            persistent: Some("6m".to_owned()),
            ..Service::default()
        };
        insta::assert_snapshot!(table(&[web, shop], Paint::Plain));
    }
}
