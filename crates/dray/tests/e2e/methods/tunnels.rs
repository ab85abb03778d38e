//! Tunnels of every kind, each in four crossings of families, to a real server next door and one behind a router.

use std::collections::{BTreeMap, BTreeSet};

use dray_lab::{Director, Family, Lab, Network, Topology, VirtualService};

use super::{
    traffic::{Pair, Ports, assert_method_shown},
    wire,
};
use crate::site::{assert_nothing_dropped, assert_served, dray, start, vip};

/// A kind of tunnel.
#[derive(Clone, Copy)]
struct Kind {
    /// What a service says of it, in TOML.
    settings: &'static [(&'static str, &'static str)],
    /// What `dray status` says of it.
    said: &'static str,
    /// The headers between the outer IP header and the inner one, in tshark's words, and their bytes.
    between: (&'static str, u32),
    /// The checksum that it has, in tshark's words.
    checksum: Option<&'static str>,
}

const CHECKSUM: (&str, &str) = ("tunnel_checksum", "true");
const GRE: (&str, &str) = ("tunnel", "\"gre\"");
const GUE: (&str, &str) = ("tunnel", "\"gue\"");

const IPIP: Kind = Kind {
    settings: &[],
    said: "tun ipip",
    between: ("", 0),
    checksum: None,
};
const GRE_PLAIN: Kind = Kind {
    settings: &[GRE],
    said: "tun gre",
    between: ("gre:", 4),
    checksum: None,
};
const GRE_WITH_CHECKSUM: Kind = Kind {
    settings: &[GRE, CHECKSUM],
    said: "tun gre",
    between: ("gre:", 8),
    checksum: Some("gre.checksum.status"),
};
const GUE_PLAIN: Kind = Kind {
    settings: &[GUE],
    said: "tun gue",
    between: ("udp:gue:", 12),
    checksum: None,
};
const GUE_WITH_CHECKSUM: Kind = Kind {
    settings: &[GUE, CHECKSUM],
    said: "tun gue",
    between: ("udp:gue:", 12),
    checksum: Some("udp.checksum.status"),
};

#[test]
fn ip_in_ip_carries_all_traffic_in_four_crossings() {
    carry_all("methods-ipip", &[IPIP]);
}

#[test]
fn gre_carries_all_traffic_with_and_without_its_checksum() {
    carry_all("methods-gre", &[GRE_PLAIN, GRE_WITH_CHECKSUM]);
}

#[test]
fn gue_carries_all_traffic_with_and_without_its_checksum() {
    carry_all("methods-gue", &[GUE_PLAIN, GUE_WITH_CHECKSUM]);
}

#[test]
fn tunnels_come_from_addresses_that_vary_by_flow() {
    const CONNECTIONS: u64 = 50;
    let lab = Lab::up(Topology::one_arm(1).named("methods-spread")).unwrap();
    lab.serve_http(80).unwrap();
    let sources = ["10.64.0.0/18", "fd64::/112"];
    lab.real_server(0).unpack_tunnels(dray(), &sources).unwrap();
    let director = lab.director(0);
    let mut config = director.config();
    for (key, source) in ["source4", "source6"].into_iter().zip(sources) {
        config = config.set("tunnel", key, format!("{source:?}"));
    }
    for family in Family::BOTH {
        let web = VirtualService::tcp(&format!("web-{family:?}"), family, 80);
        config = config.service(web.forward("tun").weights(&[1]));
    }
    start(director, config);
    for (family, beginning) in Family::BOTH.into_iter().zip(["10.64.", "fd64::"]) {
        let web = lab.client(0).http(vip(&lab, 0, family, 80));
        let web = web.connections(CONNECTIONS).requests(CONNECTIONS);
        let sent = wire::watch(&lab, || assert_served(&web.run().unwrap()));
        let mut by_flow: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for packet in sent.flows() {
            let source = packet.source().unwrap();
            assert!(source.starts_with(beginning), "{packet:?}");
            let client = packet.only("tcp.srcport").unwrap().to_owned();
            by_flow.entry(client).or_default().insert(source.clone());
        }
        assert_eq!(by_flow.len() as u64, CONNECTIONS);
        assert!(by_flow.values().all(|sources| sources.len() == 1));
        // Of 2^14 or more addresses, few flows share one.
        let all: BTreeSet<_> = by_flow.values().flatten().collect();
        assert!(all.len() as u64 > CONNECTIONS / 2, "{all:?}");
    }
    assert_nothing_dropped(director);
}

/// Starts a director with tunnels of the first kind, and has it turn to each other kind by a reload.
fn carry_all(name: &str, kinds: &[Kind]) {
    let lab = Lab::up(Topology::one_arm(2).remote(1).named(name)).unwrap();
    for Ports { web, dns } in [SAME, CROSSED] {
        lab.serve_http(web).unwrap();
        lab.serve_dns(dns).unwrap();
    }
    unpack_tunnels(&lab);
    let director = lab.director(0);
    for kind in kinds {
        let pairs = crossings(kind);
        let services = pairs.iter().flat_map(|pair| pair.services(2, None));
        let config = services.fold(director.config(), |config, service| config.service(service));
        begin_or_turn_to(director, &config.to_string());
        assert_method_shown(director, kind.said);
        for pair in pairs {
            assert_wrapped(&lab, kind, pair);
            pair.assert_carries(&lab);
        }
    }
}

/// Packets leave in a tunnel of the kind, and in nothing else.
fn assert_wrapped(lab: &Lab, kind: &Kind, pair: Pair<'_>) {
    let header = |family| match family {
        Family::V4 => ("ip", 20),
        Family::V6 => ("ipv6", 40),
    };
    let (outer, outer_bytes) = header(pair.real_servers);
    let (inner, _) = header(pair.clients);
    let (between, bytes) = kind.between;
    let wrapped = format!("{outer}:{between}{inner}:");
    let director = lab
        .topology()
        .director(0, Network::Client, pair.real_servers);
    let director = director.to_string();
    let sent = wire::watch(lab, || pair.ask_a_little(lab));
    // Fifteen segments of an upload, and more.
    assert!(sent.flows().count() > 20);
    for packet in sent.flows() {
        assert!(packet.headers().starts_with(&wrapped), "{packet:?}");
        assert_eq!(packet.source(), Some(&director), "{packet:?}");
        let lengths = packet.lengths();
        assert_eq!(lengths[0] - lengths[1], outer_bytes + bytes, "{packet:?}");
        let right = |field| {
            packet
                .all(field)
                .first()
                .is_some_and(|status| status == "1")
        };
        assert!(kind.checksum.is_none_or(right), "{packet:?}");
    }
}

/// Packets are forwarded at the service's port, so a VIP has two: for real servers of its own family, and of the other.
const SAME: Ports = Ports { web: 80, dns: 53 };
const CROSSED: Ports = Ports { web: 81, dns: 54 };

fn crossings(kind: &Kind) -> [Pair<'static>; 4] {
    let [old, new] = Family::BOTH;
    [
        (old, old, SAME),
        (new, new, SAME),
        (old, new, CROSSED),
        (new, old, CROSSED),
    ]
    .map(|(clients, real_servers, ports)| Pair {
        clients,
        real_servers,
        ports,
        forward: "tun",
        settings: kind.settings,
    })
}

fn begin_or_turn_to(director: &Director, config: &str) {
    if director.status().is_err() {
        start(director, config);
    } else {
        director.reload(config).unwrap();
        director.wait_until_eligible().unwrap();
    }
}

/// Has every real server take packets out of the director's tunnels.
pub(crate) fn unpack_tunnels(lab: &Lab) {
    let director = |family| lab.topology().director(0, Network::Client, family);
    let sources = Family::BOTH.map(director);
    for real_server in lab.real_servers() {
        real_server.unpack_tunnels(dray(), &sources).unwrap();
    }
}
