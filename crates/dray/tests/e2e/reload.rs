//! A configuration that changes under load.

use std::{fs, path::Path};

use dray_api::v1::Standing;
use dray_lab::{Family, Lab, Topology};

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, assert_shares, destination, run, service, start,
    vip, web,
};

#[test]
fn real_servers_come_and_go_under_load_and_connections_stay_where_they_are() {
    let lab = Lab::up(Topology::one_arm(4).named("reload")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let config = || director.config();
    start(director, config().service(web(Family::V4, &[3, 1, 1])));
    let vip = vip(&lab, 0, Family::V4, 80);
    let load = lab.client(0).http(vip).concurrency(16).start().unwrap();
    load.wait_for(200).unwrap();
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2", "real3"]);

    // real1 weighs less, real2 is gone, real3 weighs more, real4 is new.
    let changed = web(Family::V4, &[1]).real_server(2, 2).real_server(3, 3);
    let said = director.reload(config().service(changed)).unwrap();
    assert!(
        said.contains("(0 added, 1 changed, 0 removed), 3 real servers: in force"),
        "{said}"
    );
    kept.iter_mut().for_each(Kept::ask);
    director.wait_until_eligible().unwrap();
    load.wait_for(200).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    assert_served(&load.stop().unwrap());

    let removed = lab.topology().real_server(1, Family::V4);
    let leaving = service(director);
    let leaving = destination(&leaving, removed);
    assert_eq!(leaving.standing, Standing::Leaving);
    assert_eq!(leaving.traffic.active, 1);

    let report = lab
        .client(0)
        .http(vip)
        .connections(600)
        .requests(600)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real3", 2), ("real4", 3)]);
    kept.iter_mut().for_each(Kept::ask);
    assert_nothing_dropped(director);
}

#[test]
fn a_real_server_that_comes_back_has_its_old_connections_and_gets_new_ones() {
    let lab = Lab::up(Topology::one_arm(2).named("back")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let vip = vip(&lab, 0, Family::V4, 80);
    let both = director.config().service(web(Family::V4, &[1, 1]));
    start(director, both.clone());
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    for config in [
        director.config().service(web(Family::V4, &[1])),
        both.clone(),
        director.config().service(web(Family::V4, &[1, 0])),
        director.config().service(web(Family::V4, &[0, 1])),
        both,
    ] {
        director.reload(config).unwrap();
        load.wait_for(50).unwrap();
        kept.iter_mut().for_each(Kept::ask);
    }
    assert_served(&load.stop().unwrap());
    director.wait_until_eligible().unwrap();
    let report = lab
        .client(0)
        .http(vip)
        .connections(200)
        .requests(200)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real2", 1)]);
    assert_nothing_dropped(director);
}

#[test]
fn no_broken_file_disturbs_the_traffic_and_each_is_told_with_its_lines() {
    let lab = Lab::up(Topology::one_arm(2).named("broken")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[3, 1]));
    start(director, config.clone());
    let vip = vip(&lab, 0, Family::V4, 80);
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);

    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/broken");
    let mut files: Vec<_> = fs::read_dir(broken)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 25, "only {} broken files", files.len());
    for file in files {
        let file = file.display();
        fs::copy(file.to_string(), director.config_file()).unwrap();
        let refused = run(director, &["reload"]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{file}: {said}");
        // The place of each error, as `file:line:column`.
        let place = format!("--> {}:", director.config_file().display());
        assert!(said.contains(&place), "{file}: {said}");
        assert!(said.contains("nothing was changed"), "{file}: {said}");
        load.wait_for(20).unwrap();
        kept.iter_mut().for_each(Kept::ask);
    }
    assert_served(&load.stop().unwrap());

    let report = lab
        .client(0)
        .http(vip)
        .connections(400)
        .requests(400)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 3), ("real2", 1)]);
    let said = director.reload(config).unwrap();
    assert!(said.contains("(0 added, 0 changed, 0 removed)"), "{said}");
    assert_nothing_dropped(director);
}
