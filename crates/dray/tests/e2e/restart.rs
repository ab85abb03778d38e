//! The daemon dies under load; the data plane does not.

use dray_lab::{Director, Family, Lab, Topology};

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, assert_shares, dray, service, start, vip, web,
};

#[test]
fn a_daemon_is_killed_and_started_again_under_load_and_nothing_is_lost() {
    let lab = Lab::up(Topology::one_arm(3).named("killed")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[3, 1, 1])),
    );
    let vip = vip(&lab, 0, Family::V4, 80);
    let load = lab.client(0).http(vip).concurrency(16).start().unwrap();
    load.wait_for(200).unwrap();
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2", "real3"]);
    for _ in 0..3 {
        let before = service(director).traffic;
        director.kill().unwrap();
        // Each request is a new connection: they are taken while nobody is there.
        load.wait_for(300).unwrap();
        kept.iter_mut().for_each(Kept::ask);
        director.restart(dray()).unwrap();
        let after = service(director).traffic;
        assert!(
            after.connections >= before.connections + 300,
            "{before:?}, then {after:?}"
        );
        assert!(after.packets > before.packets && after.bytes > before.bytes);
        load.wait_for(100).unwrap();
        kept.iter_mut().for_each(Kept::ask);
    }
    assert_served(&load.stop().unwrap());
    assert_eq!(adoptions(director), 3, "{}", director.log());
    assert_nothing_dropped(director);
}

#[test]
fn a_configuration_that_changed_while_the_daemon_was_dead_is_in_force_after_its_start() {
    let lab = Lab::up(Topology::one_arm(3).named("changed")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    let vip = vip(&lab, 0, Family::V4, 80);
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    load.wait_for(100).unwrap();
    director.kill().unwrap();
    let changed = web(Family::V4, &[1]).real_server(2, 3);
    director
        .write_config(director.config().service(changed))
        .unwrap();
    load.wait_for(100).unwrap();
    director.restart(dray()).unwrap();
    director.wait_until_eligible().unwrap();
    load.wait_for(100).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    assert_served(&load.stop().unwrap());
    let report = lab
        .client(0)
        .http(vip)
        .connections(400)
        .requests(400)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real3", 3)]);
    assert_nothing_dropped(director);
}

/// How often a daemon has found a data plane that forwarded.
fn adoptions(director: &Director) -> usize {
    director
        .log()
        .matches("adopted: it forwarded all the while")
        .count()
}
