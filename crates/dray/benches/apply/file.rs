//! The configuration, as an operator would write it.

use std::{fmt::Write as _, net::Ipv4Addr};

use dray_model::Scheduler;

pub(crate) const SERVICES: u32 = 10_000;
/// Of each service.
pub(crate) const REALS: u32 = 10;

/// A configuration to be written down.
pub(crate) struct File {
    pub(crate) interface: &'static str,
    pub(crate) services: u32,
    pub(crate) scheduler: Scheduler,
    /// How many real servers there are. They are in as many services as there is room for.
    pub(crate) reals: u32,
}

impl File {
    /// The text.
    pub(crate) fn text(&self) -> String {
        let Self {
            interface,
            services,
            scheduler,
            reals: _,
        } = self;
        let mut text = format!(
            "[director]\ninterfaces = [\"{interface}\"]\nmax_connections = 65536\nmanage_vips = false\n"
        );
        for service in 0..*services {
            let (name, vip, scheduler) = (name(service), vip(service), scheduler.name());
            let _ = write!(
                text,
                "\n[[service]]\nname = \"{name}\"\naddress = \"tcp://{vip}:80\"\nscheduler = \"{scheduler}\"\n"
            );
            for number in 0..REALS {
                let real = self.real(service, number);
                let _ = write!(
                    text,
                    "  [[service.real]]\n  address = \"{real}\"\n  weight = {}\n",
                    1 + number % 3
                );
            }
        }
        text
    }

    /// The address of a real server of a service.
    pub(crate) fn real(&self, service: u32, number: u32) -> Ipv4Addr {
        real((service * REALS + number) % self.reals)
    }
}

/// The name of a service.
pub(crate) fn name(service: u32) -> String {
    format!("s{service}")
}

fn vip(service: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a40_0000 + service)
}

/// The address of a real server.
pub(crate) fn real(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a80_0000 + number)
}
