//! A status as a person reads it, with the habits of `ipvsadm -Ln`.

mod intent;

use dray_api::v1::{
    Defences, Destination, Director, LeavingService, LocalAddresses, NextHop, Persistence, Reason,
    Removed, Service, ServiceIdentity, Standing, Status, Traffic, TunnelSource, Verdict, XdpMode,
};

use crate::{
    address::real_server,
    grid::{Grid, Side},
    number::short,
    paint::Paint,
};

/// The status as text.
pub(super) fn table(status: &Status, paint: Paint) -> String {
    let Status {
        version,
        abi,
        config,
        ..
    } = status;
    let mut text = format!("dray {version} (ABI {abi}), configuration {config}\n");
    text += &intent::lines(&status.configuration, paint);
    for problem in &status.problems {
        text += &paint.red(&format!("not yet as configured: {problem}"));
        text.push('\n');
    }
    for part in [
        director(&status.director),
        services(status, paint),
        reasons(&status.reasons, paint),
    ] {
        if !part.is_empty() {
            text.push('\n');
            text += &part;
        }
    }
    text
}

fn director(director: &Director) -> String {
    let mut grid = Grid::new([Side::Left, Side::Left]);
    for interface in &director.interfaces {
        let xdp = match interface.xdp {
            XdpMode::Native => "native XDP",
            XdpMode::Generic => "generic XDP (slower: its driver has no native XDP)",
        };
        grid.row(["Interface".to_owned(), format!("{}, {xdp}", interface.name)]);
    }
    let table = director.connection_table;
    let full = format!(
        "{}, room for {} in each address family",
        table.connections, table.room_per_family
    );
    grid.row(["Connections".to_owned(), full]);
    let table = director.translation_table;
    if table.connections > 0 {
        let full = format!("{} of them, room for {}", table.connections, table.room);
        grid.row(["NAT, FULLNAT".to_owned(), full]);
    }
    if let Some(local) = local_addresses(&director.local_addresses) {
        grid.row(["FULLNAT from".to_owned(), local]);
    }
    let defences = defences(director.defences);
    if !defences.is_empty() {
        grid.row(["Defences".to_owned(), defences]);
    }
    for added in &director.vips {
        let is_local = director.local_addresses.addresses.contains(&added.vip);
        let what = if is_local {
            "Added local address"
        } else {
            "Added VIP"
        };
        grid.row([
            what.to_owned(),
            format!("{} on {}", added.vip, added.interface),
        ]);
    }
    grid.text()
}

/// As `10.77.0.200 and 3 more, ports 1024-65535`.
fn local_addresses(locals: &LocalAddresses) -> Option<String> {
    let (first, others) = locals.addresses.split_first()?;
    let others = match others {
        [] => String::new(),
        others => format!(" and {} more", others.len()),
    };
    let (from, to) = (locals.first_port, locals.last_port);
    Some(format!("{first}{others}, ports {from}-{to}"))
}

/// Those that are on, by IPVS's names.
fn defences(defences: Defences) -> String {
    let Defences {
        drop_rate,
        drop_entry,
        secure_tcp,
    } = defences;
    let drop_packet = drop_rate.map(|rate| format!("drop_packet (1 of {rate})"));
    let drop_entry = drop_entry.then(|| "drop_entry".to_owned());
    let secure_tcp = secure_tcp.then(|| "secure_tcp".to_owned());
    let on = [drop_packet, drop_entry, secure_tcp];
    on.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn services(status: &Status, paint: Paint) -> String {
    if status.services.is_empty() && status.leaving.is_empty() {
        return "No virtual services.\n".to_owned();
    }
    let mut sides = vec![Side::Left, Side::Left];
    sides.extend([Side::Right; 10]);
    sides.push(Side::Left);
    let mut grid = Grid::new(sides);
    grid.heads(
        paint,
        &[
            "Prot VIP:Port",
            "Sched",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "Name",
        ],
    );
    grid.heads(
        paint,
        &[
            "  -> Real server",
            "Forward",
            "Weight",
            "ActiveConn",
            "InActConn",
            "PersistConn",
            "Conns",
            "Packets",
            "Bytes",
            "CPS",
            "PPS",
            "BPS",
            "Next hop",
        ],
    );
    for service in &status.services {
        grid.row(service_row(service));
        for destination in &service.destinations {
            grid.row(destination_row(
                &status.director,
                service.identity,
                destination,
                paint,
            ));
        }
    }
    for LeavingService {
        identity,
        destinations,
    } in &status.leaving
    {
        let mut row = vec![String::new(); 12];
        row[0] = identity.to_string();
        row.push("removed".to_owned());
        grid.row(row);
        for destination in destinations {
            grid.row(destination_row(
                &status.director,
                *identity,
                destination,
                paint,
            ));
        }
    }
    grid.text()
}

fn service_row(service: &Service) -> Vec<String> {
    let mut row = vec![
        service.identity.to_string(),
        scheduler(service),
        String::new(),
    ];
    row.extend(traffic_cells(&service.traffic));
    let mut name = service.name.clone();
    if let Some(persistence) = &service.persistence {
        name += &format!(", {}", persistence_text(persistence));
    }
    if service.one_packet {
        name += ", ops";
    }
    if let Some(kind) = service.toa_option {
        name += &format!(", toa {kind}");
    }
    if let Some(mss) = service.mss {
        name += &format!(", mss {mss}");
    }
    if service.refused > 0 {
        let refused = short(service.refused);
        name += &format!(", {refused} refused: no destination to give");
    }
    row.push(name);
    row
}

/// With its flags, as `sh (sh-fallback,sh-port)`.
fn scheduler(service: &Service) -> String {
    match &service.scheduler_flags[..] {
        [] => service.scheduler.clone(),
        flags => format!("{} ({})", service.scheduler, flags.join(",")),
    }
}

/// As `persistent 360 mask 255.255.255.0`; the mask that takes each client for itself goes without saying.
fn persistence_text(persistence: &Persistence) -> String {
    let Persistence {
        timeout_seconds,
        mask,
        engine,
    } = persistence;
    let mut text = format!("persistent {timeout_seconds}");
    if !["255.255.255.255", "128"].contains(&mask.as_str()) {
        text += &format!(" mask {mask}");
    }
    if let Some(engine) = engine {
        text += &format!(" pe {engine}");
    }
    text
}

fn destination_row(
    director: &Director,
    service: ServiceIdentity,
    destination: &Destination,
    paint: Paint,
) -> Vec<String> {
    let Destination {
        real,
        port,
        forward,
        weight,
        traffic,
        ..
    } = destination;
    let own = match service {
        ServiceIdentity::Address(address) => address.port,
        ServiceIdentity::Mark(_) => 0,
    };
    let mut row = vec![
        format!("  -> {}", real_server(*real, *port, own)),
        forward.to_string(),
        weight.to_string(),
    ];
    row.extend(traffic_cells(traffic));
    row.push(way(director, destination, paint));
    row
}

fn traffic_cells(traffic: &Traffic) -> [String; 9] {
    [
        traffic.active.into(),
        traffic.inactive.into(),
        traffic.persistent.into(),
        traffic.connections,
        traffic.packets,
        traffic.bytes,
        traffic.per_second.connections,
        traffic.per_second.packets,
        traffic.per_second.bytes,
    ]
    .map(short)
}

/// The next hop, and what keeps new connections away.
fn way(director: &Director, destination: &Destination, paint: Paint) -> String {
    let hop = destination
        .next_hop
        .as_ref()
        .map(|hop| hop_text(director, hop));
    let local = destination.local.then(|| "this host".to_owned());
    let standing = match (destination.standing, &destination.why) {
        (Standing::Eligible, _) => None,
        (Standing::Quiesced, _) => Some(paint.yellow("quiesced")),
        (Standing::Overloaded, _) => Some(paint.red(&format!(
            "OVERLOADED: {} connections or more",
            destination.upper_threshold
        ))),
        (Standing::Leaving, _) => Some(paint.yellow(match director.removed {
            Removed::Finish => "leaving: its connections go on",
            Removed::Drop => "leaving: its packets are dropped",
        })),
        (Standing::NotEligible, None) => Some(paint.red("not eligible")),
        (Standing::NotEligible, Some(why)) => Some(paint.red(&format!("not eligible: {why}"))),
    };
    let gateway = destination
        .gateway
        .map(|gateway| format!("gateway {gateway}"));
    let tunnel = destination.next_hop.as_ref().and_then(tunnel_text);
    hop.into_iter()
        .chain(gateway)
        .chain(tunnel)
        .chain(local)
        .chain(standing)
        .collect::<Vec<_>>()
        .join(", ")
}

fn hop_text(director: &Director, hop: &NextHop) -> String {
    let known = director
        .interfaces
        .iter()
        .find(|interface| interface.index == hop.interface);
    let interface = known.map_or_else(
        || format!("interface {}", hop.interface),
        |known| known.name.clone(),
    );
    let vlan = hop
        .vlan
        .map(|vlan| format!(" VLAN {vlan}"))
        .unwrap_or_default();
    format!("{} {interface}{vlan}", hop.mac)
}

/// As `tunnel from 172.16.0.0/18, MTU 1468`.
fn tunnel_text(hop: &NextHop) -> Option<String> {
    let TunnelSource { address, spread } = hop.tunnel_source?;
    let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
    let network = match spread {
        0 => String::new(),
        spread => format!("/{}", bits.saturating_sub(spread)),
    };
    Some(format!("tunnel from {address}{network}, MTU {}", hop.mtu))
}

/// Those that were ever given; all of them are in the JSON.
fn reasons(reasons: &[Reason], paint: Paint) -> String {
    let given: Vec<_> = reasons.iter().filter(|reason| reason.packets > 0).collect();
    if given.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new([Side::Left, Side::Right, Side::Left, Side::Left]);
    grid.heads(paint, &["Reason", "Packets", "Verdict", "Meaning"]);
    for Reason {
        name,
        verdict,
        meaning,
        packets,
    } in given
    {
        let verdict = match verdict {
            Verdict::Pass => "to the host",
            Verdict::Drop => "dropped",
            Verdict::Forward => "forwarded",
        };
        grid.row([
            name.clone(),
            short(*packets),
            verdict.to_owned(),
            meaning.clone(),
        ]);
    }
    grid.text()
}

#[cfg(test)]
mod tests;
