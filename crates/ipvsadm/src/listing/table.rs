//! `ipvsadm -L`: services and real servers.

use dray_model::{Family, Forward, Tunnel, TunnelChecksum};

use super::{
    Format, Look,
    look::cut,
    number::{column, columns},
    service::{flags, mask, name, protocol},
    sort,
};
use crate::snapshot::{Counts, Destination, Service, Snapshot};

/// All services.
pub fn table(snapshot: &Snapshot, format: Format, look: Look<'_>) -> String {
    let mut text = format!("IP Virtual Server version 1.2.1 (size={})\n", snapshot.size);
    text += &title(format);
    let mut services: Vec<&Service> = snapshot.services.iter().collect();
    if !format.nosort {
        services = sort::services(&services);
    }
    for service in services {
        text += &entry(service, format, look);
    }
    text
}

/// One service.
pub fn one(service: &Service, format: Format, look: Look<'_>) -> String {
    title(format) + &entry(service, format, look)
}

fn title(format: Format) -> String {
    let two_lines = |first: String| first + "\n  -> RemoteAddress:Port\n";
    let key = "Prot LocalAddress:Port";
    if format.stats {
        return two_lines(format!(
            "{key:<33} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"
        ));
    }
    if format.rate {
        return two_lines(format!(
            "{key:<33} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"
        ));
    }
    if format.thresholds {
        return two_lines(format!(
            "{key:<33} {:<10} {:<10} {:<10} {:<10}",
            "Uthreshold", "Lthreshold", "ActiveConn", "InActConn"
        ));
    }
    if format.persistent_conn {
        return two_lines(format!(
            "{key:<33} {:<9} {:<11} {:<10} {:<10}",
            "Weight", "PersistConn", "ActiveConn", "InActConn"
        ));
    }
    let tunnels = if format.tunnels { " TunnelInfo   " } else { "" };
    format!(
        "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward{tunnels} Weight ActiveConn InActConn\n"
    )
}

fn entry(service: &Service, format: Format, look: Look<'_>) -> String {
    let name = name(&service.identity, look);
    let statistics = &service.statistics;
    let mut text = if format.stats {
        format!("{name:<33}{}\n", columns(statistics.counts, format.exact))
    } else if format.rate {
        format!("{name:<33}{}\n", columns(statistics.rates, format.exact))
    } else {
        format!("{name} {}\n", described(service))
    };
    let mut list: Vec<&Destination> = service.destinations.iter().collect();
    if !format.nosort {
        list = sort::destinations(&list);
    }
    for destination in list {
        let (address, port) = (destination.address, destination.port);
        let mut real = look.endpoint(address, port, protocol(service));
        if Family::of(address) == Family::Ipv4 {
            real = cut(real, 28);
        }
        text += &format!("  -> {real:<28}{}\n", line(destination, format));
    }
    text
}

/// Scheduler, flags and persistence.
fn described(service: &Service) -> String {
    let settings = &service.settings;
    let mut text = settings.scheduler.clone();
    if settings.flags.any() {
        text += &format!(" ({})", flags(&settings.scheduler, settings.flags));
    }
    if let Some(seconds) = settings.persistent {
        text += &format!(" persistent {seconds}");
        if let Some(mask) = mask(settings.netmask) {
            text += &format!(" mask {mask}");
        }
        if let Some(engine) = &settings.engine {
            text += &format!(" pe {engine}");
        }
    }
    if settings.one_packet {
        text += " ops";
    }
    text
}

/// What a line says of a real server, after its name.
fn line(destination: &Destination, format: Format) -> String {
    let Destination {
        active,
        inactive,
        persistent,
        weight,
        thresholds,
        ..
    } = destination;
    if format.stats {
        return columns(counts(destination), format.exact);
    }
    if format.rate {
        let rates = rates(destination);
        return format!(
            " {:>8} {:>8} {:>8}{}{}",
            rates.connections,
            rates.in_packets,
            rates.out_packets,
            column(rates.in_bytes, format.exact),
            column(rates.out_bytes, format.exact)
        );
    }
    if format.thresholds {
        return format!(
            " {:<10} {:<10} {active:<10} {inactive:<10}",
            thresholds.upper, thresholds.lower
        );
    }
    if format.persistent_conn {
        return format!(" {weight:<9} {persistent:<11} {active:<10} {inactive:<10}");
    }
    let tunnel = if format.tunnels {
        format!(" {:<13}", tunnel(destination.forward))
    } else {
        String::new()
    };
    let method = method(destination.forward);
    format!(" {method:<7}{tunnel} {weight:<6} {active:<10} {inactive:<10}")
}

/// What is counted of a real server, as `ipvsadm` reads it from the kernel: it takes half of most numbers.
fn counts(destination: &Destination) -> Counts {
    let counts = destination.statistics.counts;
    Counts {
        connections: low_half(counts.connections),
        in_packets: low_half(counts.in_packets),
        out_packets: low_half(counts.out_packets),
        ..counts
    }
}

fn rates(destination: &Destination) -> Counts {
    let rates = destination.statistics.rates;
    Counts {
        connections: low_half(rates.connections),
        in_packets: low_half(rates.in_packets),
        out_packets: low_half(rates.out_packets),
        in_bytes: low_half(rates.in_bytes),
        out_bytes: low_half(rates.out_bytes),
    }
}

const fn low_half(number: u64) -> u64 {
    number & 0xffff_ffff
}

/// A forwarding method's name; that of FULLNAT is from the LVS that has it.
const fn method(forward: Forward) -> &'static str {
    match forward {
        Forward::DirectRouting => "Route",
        Forward::Tunnel(_) => "Tunnel",
        Forward::Nat => "Masq",
        Forward::FullNat => "FullNat",
    }
}

fn tunnel(forward: Forward) -> String {
    let mark = |checksum| match checksum {
        TunnelChecksum::None => "-c",
        TunnelChecksum::Full => "+c",
        TunnelChecksum::Remote => "r+c",
    };
    match forward {
        Forward::DirectRouting | Forward::Nat | Forward::FullNat => "n/a".to_owned(),
        Forward::Tunnel(Tunnel::IpIp) => "ipip".to_owned(),
        Forward::Tunnel(Tunnel::Gue { port, checksum }) => {
            format!("gue:{port}:{}", mark(checksum))
        }
        Forward::Tunnel(Tunnel::Gre { checksum }) => format!("gre:{}", mark(checksum)),
    }
}
