//! Persistent services: a client stays on its real server.

use std::collections::BTreeSet;

use dray_api::v1::Templates;
use dray_lab::{Director, Family, Lab, Topology, VirtualService, wait};

use crate::site::{Kept, assert_nothing_dropped, assert_served, dray, service, start, vip, web};

#[test]
fn each_client_stays_on_one_real_server_and_clients_are_spread() {
    let lab = lab("persistence");
    let director = lab.director(0);
    start(director, director.config().service(persistent(&[1, 1, 1])));
    let before = servers(&lab, Family::V4);
    // In turn: two clients for each.
    for name in ["real1", "real2", "real3"] {
        let clients = before.iter().filter(|server| *server == name).count();
        assert_eq!(clients, 2, "{before:?}");
    }
    assert_eq!(servers(&lab, Family::V4), before);
    assert_eq!(templates(director).templates.len(), usize::from(CLIENTS));

    director.kill().unwrap();
    director.restart(dray()).unwrap();
    assert_eq!(servers(&lab, Family::V4), before, "after a kill");
    assert_nothing_dropped(director);
}

#[test]
fn clients_of_one_network_are_one_client_under_a_mask() {
    let lab = lab("masks");
    let director = lab.director(0);
    let everybody = VirtualService::tcp("web", Family::V6, 80)
        .scheduler("rr")
        .set("persistent", "\"10m\"")
        .set("netmask", 64)
        .weights(&[1, 1, 1]);
    start(director, director.config().service(everybody));
    let servers: BTreeSet<String> = servers(&lab, Family::V6).into_iter().collect();
    assert_eq!(servers.len(), 1, "{servers:?}");
    let templates = templates(director).templates;
    assert_eq!(templates.len(), 1, "{templates:?}");
    assert_nothing_dropped(director);
}

#[test]
fn a_client_of_a_quiesced_real_server_moves_and_its_open_connections_stay() {
    let lab = lab("quiesced");
    let director = lab.director(0);
    start(director, director.config().service(persistent(&[1, 1, 1])));
    let mut kept = Kept::open(&lab, vip(&lab, 0, Family::V4, 80));
    assert_eq!(server(&lab, 0, Family::V4), kept.server);

    let quiesced = lab
        .real_servers()
        .iter()
        .position(|real_server| real_server.name() == kept.server)
        .unwrap();
    let mut weights = [1; 3];
    weights[quiesced] = 0;
    director
        .reload(director.config().service(persistent(&weights)))
        .unwrap();
    let now = server(&lab, 0, Family::V4);
    assert_ne!(now, kept.server);
    assert_eq!(server(&lab, 0, Family::V4), now, "it stays there");
    kept.ask();
    assert_nothing_dropped(director);
}

#[test]
fn as_with_ipvs_a_quiesced_real_server_can_keep_its_clients() {
    let lab = lab("loyal");
    let director = lab.director(0);
    let config = |weights: &[u16]| {
        let config = director.config().ipvs("expire_quiescent_template", false);
        config.service(persistent(weights))
    };
    start(director, config(&[1, 1, 1]));
    let before = servers(&lab, Family::V4);
    director.reload(config(&[0, 0, 1])).unwrap();
    assert_eq!(servers(&lab, Family::V4), before);
    assert_nothing_dropped(director);
}

#[test]
fn a_removed_real_server_is_kept_for_its_templates_and_its_clients_go_elsewhere() {
    let lab = lab("removed-template");
    let director = lab.director(0);
    start(director, director.config().service(persistent(&[1, 1])));
    let before = servers(&lab, Family::V4);
    director
        .reload(director.config().service(persistent(&[1])))
        .unwrap();
    let after = servers(&lab, Family::V4);
    assert!(after.iter().all(|server| server == "real1"), "{after:?}");
    assert!(before.contains(&"real2".to_owned()));
    wait::until("templates of the removed real server to be shown", || {
        let leaving = service(director).destinations.into_iter().nth(1);
        Ok(leaving.filter(|leaving| leaving.traffic.persistent > 0))
    })
    .unwrap();
    assert_nothing_dropped(director);
}

const CLIENTS: u8 = 6;

fn lab(name: &str) -> Lab {
    let lab = Lab::up(Topology::one_arm(3).clients(CLIENTS).named(name)).unwrap();
    lab.serve_http(80).unwrap();
    lab
}

fn persistent(weights: &[u16]) -> VirtualService {
    web(Family::V4, weights)
        .scheduler("rr")
        .set("persistent", "\"10m\"")
}

/// The real server of each client.
fn servers(lab: &Lab, family: Family) -> Vec<String> {
    (0..CLIENTS)
        .map(|client| server(lab, client, family))
        .collect()
}

/// The one real server of a client, over many connections.
fn server(lab: &Lab, client: u8, family: Family) -> String {
    let load = lab.client(client).http(vip(lab, 0, family, 80));
    let report = load.connections(20).requests(40).run().unwrap();
    assert_served(&report);
    assert_eq!(report.servers.len(), 1, "client {client}: {report:?}");
    report.servers.into_keys().next().unwrap()
}

fn templates(director: &Director) -> Templates {
    let said = director.command(["connections", "--templates", "--json"]);
    serde_json::from_str(&said.unwrap()).unwrap()
}
