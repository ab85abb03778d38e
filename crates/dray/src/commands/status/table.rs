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
    grid.row(["Not forwarded", "Packets", "Verdict", "Meaning"]);
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
mod tests {
    use dray_api::v1::{AddedVip, ConnectionTable, Interface, Protocol, Rates, Timeouts};

    use super::*;

    #[test]
    fn a_director_at_work() {
        insta::assert_snapshot!(table(&at_work()));
    }

    #[test]
    fn a_director_without_services() {
        let status = Status {
            services: vec![],
            leaving: vec![],
            reasons: vec![],
            ..at_work()
        };
        insta::assert_snapshot!(table(&status));
    }

    fn at_work() -> Status {
        let web = service("web", "10.77.0.100", 80);
        let dns = Service {
            address: ServiceAddress {
                protocol: Protocol::Udp,
                ..address("2001:db8::100", 53)
            },
            scheduler: "mh".to_owned(),
            refused: 17,
            destinations: vec![Destination {
                next_hop: None,
                standing: Standing::NotEligible,
                why: Some("nobody answers ARP or neighbour discovery for it on eth1".to_owned()),
                ..destination("2001:db8::11", 1)
            }],
            ..service("dns", "2001:db8::100", 53)
        };
        Status {
            version: "0.1.0".to_owned(),
            abi: 1,
            config: "/etc/dray.toml".to_owned(),
            problems: vec!["10.77.0.101 could not be added to eth0: no such device".to_owned()],
            director: Director {
                interfaces: vec![
                    interface("eth0", 2, XdpMode::Native),
                    interface("eth1", 3, XdpMode::Generic),
                ],
                connection_table: ConnectionTable {
                    connections: 40_213,
                    room_per_family: 1_048_576,
                },
                timeouts: Timeouts {
                    tcp_milliseconds: 900_000,
                    tcp_fin_milliseconds: 120_000,
                    udp_milliseconds: 300_000,
                },
                vips: vec![AddedVip {
                    interface: "eth0".to_owned(),
                    vip: web.address.vip,
                }],
            },
            services: vec![web, dns],
            leaving: vec![LeavingService {
                address: address("10.77.0.100", 8080),
                destinations: vec![Destination {
                    standing: Standing::Leaving,
                    ..destination("10.77.0.14", 0)
                }],
            }],
            reasons: vec![
                reason(
                    "not-ours",
                    Verdict::Pass,
                    "The packet is for no virtual service.",
                    123_456_789_012,
                ),
                reason(
                    "no-destination",
                    Verdict::Drop,
                    "The service had no destination to give.",
                    17,
                ),
                reason("table-full", Verdict::Pass, "Never given.", 0),
            ],
        }
    }

    fn interface(name: &str, index: u32, xdp: XdpMode) -> Interface {
        Interface {
            name: name.to_owned(),
            index,
            xdp,
        }
    }

    fn address(vip: &str, port: u16) -> ServiceAddress {
        ServiceAddress {
            protocol: Protocol::Tcp,
            vip: vip.parse().expect("an address"),
            port,
        }
    }

    fn service(name: &str, vip: &str, port: u16) -> Service {
        let quiesced = Destination {
            standing: Standing::Quiesced,
            ..destination("10.77.0.12", 0)
        };
        let tagged = NextHop {
            interface: 9,
            vlan: Some(7),
            mac: "02:00:00:00:00:13".to_owned(),
        };
        let elsewhere = Destination {
            next_hop: Some(tagged),
            standing: Standing::NotEligible,
            why: Some("it is reached by interface 9".to_owned()),
            ..destination("10.77.0.13", 65_535)
        };
        Service {
            name: name.to_owned(),
            address: address(vip, port),
            scheduler: "wrr".to_owned(),
            forward: "dr".to_owned(),
            refused: 0,
            traffic: traffic(3),
            destinations: vec![destination("10.77.0.11", 3), quiesced, elsewhere],
        }
    }

    fn destination(real: &str, weight: u16) -> Destination {
        Destination {
            real: real.parse().expect("an address"),
            weight,
            standing: Standing::Eligible,
            why: None,
            next_hop: Some(NextHop {
                interface: 2,
                vlan: None,
                mac: "02:00:00:00:00:11".to_owned(),
            }),
            traffic: traffic(1),
        }
    }

    fn traffic(share: u32) -> Traffic {
        let times = u64::from(share);
        Traffic {
            active: 12 * share,
            inactive: 4 * share,
            connections: 23_456 * times,
            packets: 99_999_999 * times,
            bytes: 123_456_789_012 * times,
            per_second: Rates {
                connections: 25 * times,
                packets: 1_100 * times,
                bytes: 110_000 * times,
            },
        }
    }

    fn reason(name: &str, verdict: Verdict, meaning: &str, packets: u64) -> Reason {
        Reason {
            name: name.to_owned(),
            verdict,
            meaning: meaning.to_owned(),
            packets,
        }
    }
}
