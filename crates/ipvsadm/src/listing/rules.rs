//! `ipvsadm -S`: the command lines that make the services, but for thresholds, which it forgets.

use dray_model::{Family, Protocol, ServiceIdentity, Tunnel, TunnelChecksum};

use super::{sort, table};
use crate::{
    Method,
    snapshot::{Destination, Service, Snapshot},
};

/// The command lines of all services.
pub fn rules(snapshot: &Snapshot) -> String {
    table::services(snapshot, false)
        .into_iter()
        .map(service_rules)
        .collect()
}

fn service_rules(service: &Service) -> String {
    let name = option(&service.identity);
    let settings = &service.settings;
    let mut text = format!("-A {name} -s {}", settings.scheduler);
    if let Some(seconds) = settings.persistent {
        text += &format!(" -p {seconds}");
        if let Some(mask) = table::mask(settings.netmask) {
            text += &format!(" -M {mask}");
        }
    }
    if let Some(engine) = &settings.engine {
        text += &format!(" --pe {engine}");
    }
    if settings.one_packet {
        text += " -o";
    }
    if settings.flags.any() {
        text += &format!(" -b {}", table::flags(&settings.scheduler, settings.flags));
    }
    text.push('\n');
    let list: Vec<&Destination> = service.destinations.iter().collect();
    for destination in sort::destinations(&list) {
        text += &destination_rule(&name, destination);
    }
    text
}

fn option(identity: &ServiceIdentity) -> String {
    match identity {
        ServiceIdentity::Mark(mark) => {
            let family = if mark.family == Family::Ipv6 {
                " -6"
            } else {
                ""
            };
            format!("-f {}{family}", mark.number.get() as i32)
        }
        ServiceIdentity::Address(address) => {
            let protocol = match address.protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
            };
            format!("{protocol} {}", table::endpoint(address.vip, address.port))
        }
    }
}

fn destination_rule(service: &str, destination: &Destination) -> String {
    let settings = &destination.settings;
    let method = match settings.method {
        Method::DirectRouting => "-g",
        Method::Tunnel(_) => "-i",
        Method::Nat => "-m",
    };
    let checksum = |checksum| match checksum {
        TunnelChecksum::None => "--tun-nocsum",
        TunnelChecksum::Full => "--tun-csum",
        TunnelChecksum::Remote => "--tun-remcsum",
    };
    let tunnel = match settings.method {
        Method::DirectRouting | Method::Nat => String::new(),
        Method::Tunnel(Tunnel::IpIp) => " --tun-type ipip".to_owned(),
        Method::Tunnel(Tunnel::Gue {
            port,
            checksum: kind,
        }) => format!(" --tun-type gue --tun-port {port} {}", checksum(kind)),
        Method::Tunnel(Tunnel::Gre { checksum: kind }) => {
            format!(" --tun-type gre {}", checksum(kind))
        }
    };
    format!(
        "-a {service} -r {} {method} -w {}{tunnel}\n",
        table::endpoint(settings.address, settings.port),
        settings.weight
    )
}
