//! What becomes of the connections of a real server that is removed.

use std::net::SocketAddr;

use dray_lab::{DirectorConfig, Family, Lab};

use crate::site::{Kept, assert_nothing_dropped, assert_served, dropped, lab_with_web, start, web};

#[test]
fn an_open_session_on_a_removed_real_server_finishes() {
    let (lab, vip) = lab_with_web("finish", 2);
    let director = lab.director(0);
    start(director, both(director.config()));
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    director.reload(one(director.config())).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    let report = lab.client(0).http(vip).connections(50).requests(50);
    let report = report.run().unwrap();
    assert_served(&report);
    assert_eq!(report.part_of_connections("real1"), 1.0);
    kept.iter_mut().for_each(Kept::ask);
    assert_nothing_dropped(director);
}

#[test]
fn as_with_ipvs_its_packets_can_be_dropped_until_it_is_back() {
    let (lab, vip) = lab_with_web("dropped", 2);
    let director = lab.director(0);
    let config = || director.config().ipvs("removed", "\"drop\"");
    start(director, both(config()));
    let mut asks = on_real2(&lab, vip);
    let mut waits = on_real2(&lab, vip);
    director.reload(one(config())).unwrap();
    asks.fails();
    assert!(dropped(director).contains_key("real-server-removed"));
    director.reload(both(config())).unwrap();
    director.wait_until_eligible().unwrap();
    waits.ask();
}

#[test]
fn with_expire_nodest_conn_its_connections_end() {
    let (lab, vip) = lab_with_web("expired", 2);
    let director = lab.director(0);
    let config = || director.config().ipvs("expire_nodest_conn", true);
    start(director, both(config()));
    let mut kept = on_real2(&lab, vip);
    director.reload(one(config())).unwrap();
    // The host answers for what is no connection any more: a reset, so that the client need not wait.
    kept.fails();
    let report = lab.client(0).http(vip).connections(50).requests(50);
    assert_served(&report.run().unwrap());
    assert_nothing_dropped(director);
}

fn both(config: DirectorConfig) -> DirectorConfig {
    config.service(web(Family::V4, &[1, 1]))
}

/// Without the second real server.
fn one(config: DirectorConfig) -> DirectorConfig {
    config.service(web(Family::V4, &[1]))
}

/// A connection on the real server that is to be removed.
fn on_real2(lab: &Lab, vip: SocketAddr) -> Kept {
    Kept::one_on_each(lab, vip, &["real2"])
        .into_iter()
        .find(|kept| kept.server == "real2")
        .unwrap()
}
