//! FULLNAT: real servers anywhere, which see the director as their client and need not know of VIPs.

use std::net::IpAddr;

use dray_lab::{DOWNLOAD_BYTES, DirectorConfig, Family, Lab, PAGE, Topology, VirtualService};

use super::{
    traffic::{LARGE, Pair, Ports, assert_method_shown},
    wire::{self, Sent},
};
use crate::{
    site::{assert_nothing_dropped, assert_served, start, vip},
    tshark::Packet,
};

#[test]
fn fullnat_carries_all_traffic_within_and_across_families_to_other_ports() {
    let lab = Lab::up(Topology::one_arm(2).remote(1).named("methods-fullnat")).unwrap();
    let reals = Ports {
        web: 8_080,
        dns: 5_353,
    };
    lab.serve_http(reals.web).unwrap();
    lab.serve_dns(reals.dns).unwrap();
    let pairs = CROSSINGS.map(|(clients, real_servers, ports)| Pair {
        clients,
        real_servers,
        ports,
        forward: "fullnat",
        settings: &[],
    });
    let director = lab.director(0);
    let services = pairs.iter().flat_map(|pair| pair.services(2, Some(reals)));
    let config = with_local_addresses(director.config());
    let config = services.fold(config, |config, service| config.service(service));
    start(director, config);
    assert_method_shown(director, "fullnat");
    for pair in pairs {
        let sent = wire::watch(&lab, || pair.ask_a_little(&lab));
        assert_translated(&lab, &sent, pair.clients, pair.real_servers);
        pair.assert_carries(&lab);
    }
}

#[test]
fn toa_tells_the_real_server_the_clients_address_until_data_are_acknowledged() {
    let lab = Lab::up(Topology::one_arm(1).named("methods-toa")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let config = with_local_addresses(director.config());
    let services = CROSSINGS.map(|(clients, real_servers, ports)| {
        let name = format!("web-{clients:?}-{real_servers:?}");
        VirtualService::tcp(&name, clients, ports.web)
            .forward("fullnat")
            .set("client_address", "\"toa\"")
            .real_family(real_servers)
            .real_port(80)
            .weights(&[1])
    });
    let services = services.into_iter();
    start(
        director,
        services.fold(config, |config, service| config.service(service)),
    );
    for (clients, real_servers, ports) in CROSSINGS {
        let web = lab.client(0).http(vip(&lab, 0, clients, ports.web));
        let sent = wire::watch(&lab, || {
            assert_served(&web.with(|http| http.path(PAGE)).run().unwrap());
        });
        assert_translated(&lab, &sent, clients, real_servers);
        assert_told(&lab, &sent, clients, real_servers);
        // All that is uploaded acknowledges no data, so that every packet has the option and less room.
        let web = lab.client(0).http(vip(&lab, 0, clients, ports.web));
        let upload = web.with(|http| http.upload(DOWNLOAD_BYTES));
        assert_served(&upload.patience(LARGE).run().unwrap());
    }
    assert_nothing_dropped(director);
}

/// From the handshake's last packet until it acknowledges data the client's packets have the option, first of all, and later none.
fn assert_told(lab: &Lab, sent: &Sent, clients: Family, real_servers: Family) {
    const SYN: &str = "0x0002";
    let (to_real_server, to_client) = by_receiver(lab, sent, real_servers);
    let port = to_client[0].port_to().unwrap().parse().unwrap();
    let option = option(lab.topology().client(0, clients), port);
    let [syn, third, .., last] = &to_real_server[..] else {
        panic!("a connection has more packets: {to_real_server:?}")
    };
    let has_option = |packet: &Packet| {
        let options = packet.only("tcp.options").unwrap_or_default();
        options.starts_with(&option)
    };
    assert_eq!(syn.only("tcp.flags"), Some(SYN));
    assert!(!has_option(syn), "{syn:?}");
    assert!(has_option(third), "no {option}: {third:?}");
    assert!(!has_option(last), "{last:?}");
}

/// The option in hexadecimal digits: kind, length, port, address.
fn option(client: IpAddr, port: u16) -> String {
    const KIND: u8 = 254;
    let address = match client {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let length = 4 + u8::try_from(address.len()).unwrap();
    let bytes = [&[KIND, length][..], &port.to_be_bytes(), &address].concat();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Real servers see the director alone, and the client sees the VIP.
fn assert_translated(lab: &Lab, sent: &Sent, clients: Family, real_servers: Family) {
    let (to_real_servers, to_clients) = by_receiver(lab, sent, real_servers);
    assert!(to_real_servers.len() > 5 && to_clients.len() > 5);
    let client = lab.topology().client(0, clients).to_string();
    let vip = lab.topology().vip(0, clients).to_string();
    for packet in to_clients {
        assert_eq!(packet.source(), Some(&vip), "{packet:?}");
        assert_eq!(packet.destination(), Some(&client), "{packet:?}");
    }
    for packet in to_real_servers {
        assert_ne!(packet.source(), Some(&client), "{packet:?}");
    }
}

/// What went to real servers, which is from a local address, and all else.
fn by_receiver<'a>(
    lab: &Lab,
    sent: &'a Sent,
    real_servers: Family,
) -> (Vec<&'a Packet>, Vec<&'a Packet>) {
    let count = lab.topology().real_server_count();
    let reals = (0..count).map(|index| lab.topology().real_server(index, real_servers));
    let reals: Vec<String> = reals.map(|real| real.to_string()).collect();
    let local = match real_servers {
        Family::V4 => LOCAL[0],
        Family::V6 => LOCAL[1],
    };
    sent.flows().partition(|packet| {
        let is_from_local = packet.source().is_some_and(|source| source == local);
        is_from_local && packet.destination().is_some_and(|to| reals.contains(to))
    })
}

/// Families of clients and of real servers, and where the VIP has their service.
const CROSSINGS: [(Family, Family, Ports); 4] = {
    const SAME: Ports = Ports { web: 80, dns: 53 };
    const CROSSED: Ports = Ports { web: 81, dns: 54 };
    [
        (Family::V4, Family::V4, SAME),
        (Family::V6, Family::V6, SAME),
        (Family::V4, Family::V6, CROSSED),
        (Family::V6, Family::V4, CROSSED),
    ]
};

/// Where packets to the real servers come from, one of each family.
pub(crate) const LOCAL: [&str; 2] = ["10.77.0.240", "fd77::240"];

/// Gives a director these addresses.
pub(crate) fn with_local_addresses(config: DirectorConfig) -> DirectorConfig {
    config.set("fullnat", "addresses", format!("{LOCAL:?}"))
}
