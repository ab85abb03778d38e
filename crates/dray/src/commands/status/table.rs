//! A status as a person reads it, with the habits of `ipvsadm -Ln`.

use std::net::SocketAddr;

use dray_api::v1::{
    Destination, Director, LeavingService, NextHop, Reason, Service, ServiceAddress, Standing,
    Status, Traffic, Verdict, XdpMode,
};

use crate::{
    grid::{Grid, Side},
    number::short,
};

/// The status as text.
pub(super) fn table(status: &Status) -> String {
    let Status {
        version,
        abi,
        config,
        ..
    } = status;
    let mut text = format!("dray {version} (ABI {abi}), configuration {config}\n");
    for problem in &status.problems {
        text += &format!("not yet as configured: {problem}\n");
    }
    for part in [
        director(&status.director),
        services(status),
        reasons(&status.reasons),
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
    for added in &director.vips {
        grid.row([
            "Added VIP".to_owned(),
            format!("{} on {}", added.vip, added.interface),
        ]);
    }
    grid.text()
}

fn services(status: &Status) -> String {
    if status.services.is_empty() && status.leaving.is_empty() {
        return "No virtual services.\n".to_owned();
    }
    let mut sides = vec![Side::Left, Side::Left];
    sides.extend([Side::Right; 9]);
    sides.push(Side::Left);
    let mut grid = Grid::new(sides);
    grid.row([
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
        "Name",
    ]);
    grid.row([
        "  -> Real server",
        "Forward",
        "Weight",
        "ActiveConn",
        "InActConn",
        "Conns",
        "Packets",
        "Bytes",
        "CPS",
        "PPS",
        "BPS",
        "Next hop",
    ]);
    for service in &status.services {
        grid.row(service_row(service));
        for destination in &service.destinations {
            grid.row(destination_row(
                &status.director,
                &service.forward,
                destination,
            ));
        }
    }
    for LeavingService {
        address,
        destinations,
    } in &status.leaving
    {
        let mut row = vec![String::new(); 11];
        row[0] = address_text(*address);
        row.push("removed; its connections go on".to_owned());
        grid.row(row);
        for destination in destinations {
            grid.row(destination_row(&status.director, "", destination));
        }
    }
    grid.text()
}

fn service_row(service: &Service) -> Vec<String> {
    let mut row = vec![
        address_text(service.address),
        service.scheduler.clone(),
        String::new(),
    ];
    row.extend(traffic_cells(&service.traffic));
    row.push(match service.refused {
        0 => service.name.clone(),
        refused => format!(
            "{}, {} refused: no destination to give",
            service.name,
            short(refused)
        ),
    });
    row
}

fn address_text(
    ServiceAddress {
        protocol,
        vip,
        port,
    }: ServiceAddress,
) -> String {
    format!(
        "{:<4} {}",
        protocol.name().to_uppercase(),
        SocketAddr::new(vip, port)
    )
}

fn destination_row(director: &Director, forward: &str, destination: &Destination) -> Vec<String> {
    let Destination {
        real,
        weight,
        traffic,
        ..
    } = destination;
    let mut row = vec![
        format!("  -> {real}"),
        forward.to_owned(),
        weight.to_string(),
    ];
    row.extend(traffic_cells(traffic));
    row.push(way(director, destination));
    row
}

fn traffic_cells(traffic: &Traffic) -> [String; 8] {
    [
        traffic.active.into(),
        traffic.inactive.into(),
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
fn way(director: &Director, destination: &Destination) -> String {
    let hop = destination
        .next_hop
        .as_ref()
        .map(|hop| hop_text(director, hop));
    let standing = match (destination.standing, &destination.why) {
        (Standing::Eligible, _) => None,
        (Standing::Quiesced, _) => Some("quiesced".to_owned()),
        (Standing::Leaving, _) => Some("leaving".to_owned()),
        (Standing::NotEligible, None) => Some("not eligible".to_owned()),
        (Standing::NotEligible, Some(why)) => Some(format!("not eligible: {why}")),
    };
    hop.into_iter()
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

/// Those that were ever given; all of them are in the JSON.
fn reasons(reasons: &[Reason]) -> String {
    let given: Vec<_> = reasons.iter().filter(|reason| reason.packets > 0).collect();
    if given.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new([Side::Left, Side::Right, Side::Left, Side::Left]);
    grid.row(["Reason", "Packets", "Verdict", "Meaning"]);
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
