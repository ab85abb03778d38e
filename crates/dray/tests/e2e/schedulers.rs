//! Each scheduler's choices, as clients see them.

use std::collections::{BTreeMap, BTreeSet};

use dray_lab::{Family, Lab, Topology};

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, assert_shares, dray, start, vip, web,
};

#[test]
fn each_scheduler_spreads_connections_in_its_own_way() {
    let lab = Lab::up(Topology::one_arm(3).named("schedulers")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let config = |scheduler: &str| {
        let web = web(Family::V4, &[3, 1, 1]).scheduler(scheduler);
        director.config().service(web)
    };
    let vip = vip(&lab, 0, Family::V4, 80);
    // By open connections and weight. First, while none are closed: those count a little as well.
    start(director, config("wlc"));
    let mut open = BTreeMap::new();
    let mut kept: Vec<Kept> = (0..25).map(|_| Kept::open(&lab, vip)).collect();
    for kept in &kept {
        *open.entry(kept.server.as_str()).or_default() += 1;
    }
    assert_eq!(
        open,
        BTreeMap::from([("real1", 15), ("real2", 5), ("real3", 5)])
    );

    let load = || {
        let load = lab.client(0).http(vip).connections(300).requests(300);
        let report = load.run().unwrap();
        assert_served(&report);
        report
    };
    // One after the other, whatever their weights.
    director.reload(config("rr")).unwrap();
    assert_shares(&load(), &[("real1", 1), ("real2", 1), ("real3", 1)]);
    director.reload(config("wrr")).unwrap();
    assert_shares(&load(), &[("real1", 3), ("real2", 1), ("real3", 1)]);
    // By the client's address alone.
    for scheduler in ["sh", "mh"] {
        director.reload(config(scheduler)).unwrap();
        assert_eq!(load().servers.len(), 1, "{scheduler}");
    }
    kept.iter_mut().for_each(Kept::ask);
    assert_nothing_dropped(director);
}

#[test]
fn a_hash_sends_a_client_where_it_did_before_also_after_a_new_start() {
    let lab = Lab::up(Topology::one_arm(4).clients(12).named("hashes")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let vip = vip(&lab, 0, Family::V6, 80);
    let chosen = || -> Vec<String> {
        (0..12)
            .map(|client| {
                let load = lab.client(client).http(vip).connections(5).requests(5);
                let report = load.run().unwrap();
                assert_served(&report);
                assert_eq!(report.servers.len(), 1, "client {client}");
                report.servers.into_keys().collect()
            })
            .collect()
    };
    for scheduler in ["sh", "mh"] {
        let web = web(Family::V6, &[1, 1, 1, 1]).scheduler(scheduler);
        let config = director.config().service(web);
        start(director, config.clone());
        let before = chosen();
        let servers: BTreeSet<_> = before.iter().collect();
        assert!(servers.len() > 1, "{scheduler} chose {before:?}");
        director.kill().unwrap();
        director.restart(dray()).unwrap();
        assert_eq!(chosen(), before, "{scheduler}, after a kill");
        director.stop(&["--withdraw"]).unwrap();
        start(director, config);
        assert_eq!(chosen(), before, "{scheduler}, from nothing");
        director.stop(&["--withdraw"]).unwrap();
    }
}
