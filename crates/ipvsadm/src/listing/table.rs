//! `ipvsadm -L`: services and real servers.

use std::net::{IpAddr, SocketAddr};

use dray_model::{Family, ServiceIdentity, Tunnel, TunnelChecksum};

use super::{Format, TITLE, sort};
use crate::{
    Method, Netmask, SchedulerFlags,
    snapshot::{Counts, Destination, Service, Snapshot},
};

/// All services.
pub fn table(snapshot: &Snapshot, format: Format) -> String {
    let mut text = TITLE.to_owned() + &title(format);
    for service in services(snapshot, format.nosort) {
        text += &entry(service, format);
    }
    text
}

/// One service.
pub fn one(service: &Service, format: Format) -> String {
    title(format) + &entry(service, format)
}

/// The services in the order of a listing.
pub(super) fn services(snapshot: &Snapshot, nosort: bool) -> Vec<&Service> {
    let services: Vec<&Service> = snapshot.services.iter().collect();
    if nosort {
        services
    } else {
        sort::services(&services)
    }
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

fn entry(service: &Service, format: Format) -> String {
    let name = name(&service.identity);
    let mut text = if format.stats {
        format!(
            "{name:<33}{}",
            large(service.statistics.counts, format.exact)
        )
    } else if format.rate {
        format!(
            "{name:<33}{}",
            large(service.statistics.rates, format.exact)
        )
    } else {
        format!("{name} {}", described(service))
    };
    text.push('\n');
    let mut list: Vec<&Destination> = service.destinations.iter().collect();
    if !format.nosort {
        list = sort::destinations(&list);
    }
    for destination in list {
        text += &line(destination, format);
        text.push('\n');
    }
    text
}

/// A service's name, cut as the tool's buffer cuts it.
fn name(identity: &ServiceIdentity) -> String {
    match identity {
        ServiceIdentity::Mark(mark) => {
            let family = if mark.family == Family::Ipv6 {
                " IPv6"
            } else {
                ""
            };
            // Version 1.31 prints it as a signed number.
            format!("FWM  {}{family}", mark.number.get() as i32)
        }
        ServiceIdentity::Address(address) => {
            let protocol = address.protocol.name().to_uppercase();
            let text = format!("{protocol:<4} {}", endpoint(address.vip, address.port));
            match address.vip {
                IpAddr::V4(_) => text.chars().take(33).collect(),
                IpAddr::V6(_) => text,
            }
        }
    }
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

/// The names of a scheduler's flags. Those of `sh` and `mh` have names of their own; `mh` has no third.
pub(super) fn flags(scheduler: &str, flags: SchedulerFlags) -> String {
    let names = match scheduler {
        "sh" => ["sh-fallback", "sh-port", "flag-3"],
        "mh" => ["mh-fallback", "mh-port", ""],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let set = [flags.first, flags.second, flags.third];
    let names: Vec<&str> = names
        .into_iter()
        .zip(set)
        .filter(|(name, set)| *set && !name.is_empty())
        .map(|(name, _)| name)
        .collect();
    names.join(",")
}

/// The mask, unless it tells every client from every other.
pub(super) fn mask(netmask: Netmask) -> Option<String> {
    match netmask {
        Netmask::ALL4 | Netmask::ALL6 => None,
        Netmask::Ipv4(mask) => Some(mask.to_string()),
        Netmask::Ipv6(length) => Some(length.to_string()),
    }
}

fn line(destination: &Destination, format: Format) -> String {
    let settings = &destination.settings;
    let name: String = match settings.address {
        IpAddr::V4(_) => endpoint(settings.address, settings.port)
            .chars()
            .take(28)
            .collect(),
        IpAddr::V6(_) => endpoint(settings.address, settings.port),
    };
    let Destination {
        active, inactive, ..
    } = destination;
    let head = format!("  -> {name:<28}");
    if format.stats {
        return head + &large(destination.statistics.counts, format.exact);
    }
    if format.rate {
        let rates = destination.statistics.rates;
        return format!(
            "{head} {:>8} {:>8} {:>8}{}{}",
            rates.connections,
            rates.in_packets,
            rates.out_packets,
            large_number(rates.in_bytes, format.exact),
            large_number(rates.out_bytes, format.exact)
        );
    }
    if format.thresholds {
        return format!(
            "{head} {:<10} {:<10} {active:<10} {inactive:<10}",
            settings.upper, settings.lower
        );
    }
    if format.persistent_conn {
        return format!(
            "{head} {:<9} {:<11} {active:<10} {inactive:<10}",
            settings.weight, destination.persistent
        );
    }
    let tunnel = if format.tunnels {
        format!(" {:<13}", tunnel(destination))
    } else {
        String::new()
    };
    format!(
        "{head} {:<7}{tunnel} {:<6} {active:<10} {inactive:<10}",
        settings.method.name(),
        settings.weight
    )
}

fn tunnel(destination: &Destination) -> String {
    let mark = |checksum| match checksum {
        TunnelChecksum::None => "-c",
        TunnelChecksum::Full => "+c",
        TunnelChecksum::Remote => "r+c",
    };
    match destination.settings.method {
        Method::DirectRouting | Method::Nat => "n/a".to_owned(),
        Method::Tunnel(Tunnel::IpIp) => "ipip".to_owned(),
        Method::Tunnel(Tunnel::Gue { port, checksum }) => format!("gue:{port}:{}", mark(checksum)),
        Method::Tunnel(Tunnel::Gre { checksum }) => format!("gre:{}", mark(checksum)),
    }
}

/// An address and a port.
pub(super) fn endpoint(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

fn large(counts: Counts, exact: bool) -> String {
    [
        counts.connections,
        counts.in_packets,
        counts.out_packets,
        counts.in_bytes,
        counts.out_bytes,
    ]
    .map(|number| large_number(number, exact))
    .concat()
}

fn large_number(number: u64, exact: bool) -> String {
    if exact {
        let width = number.to_string().len().max(8) + 1;
        return format!("{number:>width$}");
    }
    match number {
        0..100_000_000 => format!("{number:>9}"),
        100_000_000..1_000_000_000 => format!("{:>8}K", number / 1000),
        1_000_000_000..100_000_000_000 => format!("{:>8}M", number / 1_000_000),
        100_000_000_000..100_000_000_000_000 => format!("{:>8}G", number / 1_000_000_000),
        _ => format!("{:>8}T", number / 1_000_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_cut_short_unless_they_are_to_be_exact() {
        assert_eq!(large_number(0, false), "        0");
        assert_eq!(large_number(99_999_999, false), " 99999999");
        assert_eq!(large_number(100_000_000, false), "  100000K");
        assert_eq!(large_number(1_000_000_000, false), "    1000M");
        assert_eq!(large_number(100_000_000_000, false), "     100G");
        assert_eq!(large_number(100_000_000_000_000, false), "     100T");
        assert_eq!(large_number(7, true), "        7");
        assert_eq!(large_number(1_000_000_000, true), " 1000000000");
    }
}
