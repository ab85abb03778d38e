//! The file that means a desired state.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

use dray_model::{
    Api, ApiCallers, ApiReaders, ClientAddress, Defence, Desired, Director, Family, Forward,
    Granularity, HashFlags, IpvsOptions, KernelRules, LocalAddresses, MarkRule, NoDestination,
    PersistenceEngine, RealServer, Removed, Scheduler, Service, ServiceIdentity, Timeouts, Tunnel,
    TunnelChecksum, TunnelSources, VipOwnership,
};

/// The text; `inline` chooses the shorter of two ways where there are two.
pub(crate) fn write(desired: &Desired, inline: bool) -> String {
    let mut text = director(&desired.director);
    text += &tunnels(&desired.director.tunnels);
    text += &fullnat(&desired.director.fullnat, inline);
    text += &ipvs(&desired.director.ipvs, inline);
    text += &api(&desired.director.api);
    for service in &desired.services {
        text += &self::service(service, inline);
    }
    text.extend(desired.director.marks.iter().map(mark));
    text
}

fn director(director: &Director) -> String {
    let interfaces: Vec<_> = director
        .interfaces
        .iter()
        .map(|name| format!("'{name}'"))
        .collect();
    let mut text = format!("[director]\ninterfaces = [{}]\n", interfaces.join(", "));
    text += &format!("max_connections = {}\n", director.max_connections);
    text += &format!("max_translations = {}\n", director.max_translations);
    text += &match &director.vips {
        VipOwnership::Director { interface } => format!("vip_interface = '{interface}'\n"),
        VipOwnership::External => "manage_vips = false\n".to_owned(),
    };
    let Timeouts { tcp, tcp_fin, udp } = director.timeouts;
    text += "[director.timeouts]\n";
    for (key, time) in [("tcp", tcp), ("tcp_fin", tcp_fin), ("udp", udp)] {
        text += &format!("{key} = '{}'\n", duration(time.as_secs()));
    }
    text
}

fn api(api: &Api) -> String {
    let mut text = "[director.api]\n".to_owned();
    text += match api.readers {
        ApiReaders::Group => "readers = 'group'\n",
        ApiReaders::All => "readers = 'all'\n",
    };
    let Some(tcp) = &api.tcp else { return text };
    let (key, callers) = match &tcp.callers {
        ApiCallers::Certificates { authorities } => ("client_ca", authorities),
        ApiCallers::Tokens { file } => ("tokens", file),
    };
    text += &format!("[director.api.tcp]\nlisten = '{}'\n", tcp.listen);
    for (key, path) in [
        ("certificate", &tcp.certificate),
        ("key", &tcp.key),
        (key, callers),
    ] {
        _ = writeln!(text, "{key} = '{}'", path.display());
    }
    text
}

fn tunnels(sources: &TunnelSources) -> String {
    let mut text = "[director.tunnel]\n".to_owned();
    for (key, source) in [("source4", sources.ipv4), ("source6", sources.ipv6)] {
        let Some(source) = source else { continue };
        let bits = if source.address.is_ipv4() { 32 } else { 128 };
        _ = writeln!(
            text,
            "{key} = '{}/{}'",
            source.address,
            bits - source.spread
        );
    }
    text
}

/// With `ranges`, addresses that follow one another as one item.
fn fullnat(locals: &LocalAddresses, ranges: bool) -> String {
    let Some(first) = locals.addresses.first() else {
        return String::new();
    };
    let mut items = vec![(*first, *first)];
    for address in &locals.addresses[1..] {
        match items.last_mut() {
            Some((_, last)) if ranges && follows(*last, *address) => *last = *address,
            _ => items.push((*address, *address)),
        }
    }
    let items: Vec<_> = items
        .into_iter()
        .map(|(first, last)| match first == last {
            true => format!("'{first}'"),
            false => format!("'{first}-{last}'"),
        })
        .collect();
    format!(
        "[director.fullnat]\naddresses = [{}]\nports = '{}'\n",
        items.join(", "),
        range(&locals.ports)
    )
}

fn follows(one: IpAddr, next: IpAddr) -> bool {
    match (one, next) {
        (IpAddr::V4(one), IpAddr::V4(next)) => one.to_bits().checked_add(1) == Some(next.to_bits()),
        (IpAddr::V6(one), IpAddr::V6(next)) => one.to_bits().checked_add(1) == Some(next.to_bits()),
        _ => false,
    }
}

fn duration(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{hours}h {minutes}m{}s", seconds % 60)
}

/// With `numbers`, defences by IPVS's numbers, and IPVS's defaults below.
fn ipvs(options: &IpvsOptions, numbers: bool) -> String {
    let defence = |defence| match (defence, numbers) {
        (Defence::Off, true) => "0",
        (Defence::Automatic, true) => "2",
        (Defence::On, true) => "3",
        (Defence::Off, false) => "'off'",
        (Defence::Automatic, false) => "'auto'",
        (Defence::On, false) => "'on'",
    };
    let answers = options
        .answers_per_second
        .map_or(0, |answers| answers.get());
    let lines = [
        (
            "kernel",
            match options.rules {
                KernelRules::V6_1_176 => "'6.1.176'",
                KernelRules::V6_1_192 => "'6.1.192'",
            }
            .to_owned(),
        ),
        (
            "removed",
            match options.removed {
                Removed::Finish => "'finish'",
                Removed::Drop => "'drop'",
            }
            .to_owned(),
        ),
        (
            "no_destination",
            match options.no_destination {
                NoDestination::Icmp => "'icmp'",
                NoDestination::Reset => "'reset'",
                NoDestination::Drop => "'drop'",
            }
            .to_owned(),
        ),
        ("conn_reuse_mode", options.conn_reuse_mode.to_string()),
        ("expire_nodest_conn", options.expire_nodest_conn.to_string()),
        (
            "expire_quiescent_template",
            options.expire_quiescent_template.to_string(),
        ),
        (
            "keep_template_timeout",
            options.keep_template_timeout.to_string(),
        ),
        ("sloppy_tcp", options.sloppy_tcp.to_string()),
        ("sloppy_sctp", options.sloppy_sctp.to_string()),
        (
            "null_segments_close",
            options.null_segments_close.to_string(),
        ),
        ("schedule_icmp", options.schedule_icmp.to_string()),
        ("answers_per_second", answers.to_string()),
        ("drop_entry", defence(options.drop_entry).to_owned()),
        ("drop_packet", defence(options.drop_packet).to_owned()),
        ("am_droprate", options.am_droprate.to_string()),
        ("secure_tcp", defence(options.secure_tcp).to_owned()),
        ("defence_threshold", options.defence_threshold.to_string()),
    ];
    let mut text = "[director.ipvs]\n".to_owned();
    if numbers {
        text += "compat = 'ipvs'\n";
    }
    text.extend(lines.map(|(key, value)| format!("{key} = {value}\n")));
    text
}

fn service(service: &Service, inline: bool) -> String {
    let mut text = format!("[[service]]\nname = '{}'\n", service.name);
    text += &match service.identity {
        ServiceIdentity::Address(address) => format!("address = \"{address}\"\n"),
        ServiceIdentity::Mark(mark) => {
            format!("mark = {}\n{}", mark.number, family(mark.family))
        }
    };
    text += &format!("scheduler = '{}'\n", service.scheduler.name());
    if let Scheduler::SourceHash(flags) | Scheduler::MaglevHash(flags) = service.scheduler {
        text += &self::flags(service.scheduler.name(), flags);
    }
    if let Some(persistence) = service.options.persistence {
        let timeout = duration(u64::from(persistence.timeout.get()));
        text += &format!("persistent = '{timeout}'\n");
        text += &match persistence.granularity {
            Granularity::Ipv4(mask) => format!("netmask = '{mask}'\n"),
            Granularity::Ipv6(length) => format!("netmask = {length}\n"),
        };
        if let Some(PersistenceEngine::Sip) = persistence.engine {
            text += "persistence_engine = 'sip'\n";
        }
    }
    text += &format!("one_packet = {}\n", service.options.one_packet);
    text += &(forward(service.forward).join("\n") + "\n");
    if let ClientAddress::TcpOption { kind } = service.client_address {
        _ = writeln!(text, "client_address = 'toa'\ntoa_option = {kind}");
    }
    if let Some(mss) = service.mss {
        _ = writeln!(text, "mss = {mss}");
    }
    text + &reals(&service.reals, inline)
}

/// The lines of a forwarding method.
fn forward(forward: Forward) -> Vec<String> {
    let mut lines = vec![format!("forward = '{}'", forward.name())];
    let Forward::Tunnel(tunnel) = forward else {
        return lines;
    };
    lines.push(format!("tunnel = '{}'", tunnel.name()));
    if let Tunnel::Gue { port, .. } = tunnel {
        lines.push(format!("tunnel_port = {port}"));
    }
    if let Tunnel::Gue { checksum, .. } | Tunnel::Gre { checksum } = tunnel {
        let checksum = match checksum {
            TunnelChecksum::None => "false",
            TunnelChecksum::Full => "true",
            TunnelChecksum::Remote => "'remote'",
        };
        lines.push(format!("tunnel_checksum = {checksum}"));
    }
    lines
}

fn flags(scheduler: &str, flags: HashFlags) -> String {
    let names = [(flags.fallback, "fallback"), (flags.port, "port")];
    let set = names.into_iter().filter(|(set, _)| *set);
    let set: Vec<_> = set
        .map(|(_, name)| format!("'{scheduler}-{name}'"))
        .collect();
    if set.is_empty() {
        return String::new();
    }
    format!("flags = [{}]\n", set.join(", "))
}

fn reals(reals: &[RealServer], inline: bool) -> String {
    let lines = |real: &RealServer| {
        let address = match real.port {
            0 => real.address.to_string(),
            port => SocketAddr::new(real.address, port).to_string(),
        };
        let mut lines = forward(real.forward);
        lines.extend([
            format!("address = '{address}'"),
            format!("weight = {}", real.weight),
            format!("upper_threshold = {}", real.thresholds.upper),
            format!("lower_threshold = {}", real.thresholds.lower),
        ]);
        lines
    };
    let lines = reals.iter().map(lines);
    if inline {
        let reals: Vec<_> = lines
            .map(|lines| format!("{{ {} }}", lines.join(", ")))
            .collect();
        format!("real = [\n  {}\n]\n", reals.join(",\n  "))
    } else {
        lines
            .map(|lines| format!("[[service.real]]\n{}\n", lines.join("\n")))
            .collect()
    }
}

fn mark(rule: &MarkRule) -> String {
    let mut text = format!("[[mark]]\nmark = {}\n{}", rule.mark, family(rule.family));
    let networks = [("destination", rule.destination), ("source", rule.source)];
    for (key, network) in networks {
        if let Some((address, length)) = network {
            _ = writeln!(text, "{key} = ['{address}/{length}']");
        }
    }
    if let Some(protocol) = rule.protocol {
        _ = writeln!(text, "protocol = '{}'", protocol.name());
    }
    for (key, ports) in [("ports", &rule.ports), ("source_ports", &rule.source_ports)] {
        if let Some(ports) = ports {
            _ = writeln!(text, "{key} = ['{}']", range(ports));
        }
    }
    if let Some(interface) = &rule.interface {
        _ = writeln!(text, "interface = '{interface}'");
    }
    text
}

fn range(ports: &RangeInclusive<u16>) -> String {
    if ports.start() == ports.end() {
        ports.start().to_string()
    } else {
        format!("{}-{}", ports.start(), ports.end())
    }
}

fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "",
        Family::Ipv6 => "family = 'ipv6'\n",
    }
}
