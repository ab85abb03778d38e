//! A configuration that changes under load.

use std::{fs, path::Path, time::Duration};

use dray_api::v1::Standing;
use dray_lab::{Family, Lab, Topology, VirtualService, wait};
use rustix::process::Signal;

use crate::site::{
    Kept, ask_for_names, assert_nothing_dropped, assert_served, assert_shares, destination, dns,
    lab_with_web, run, service, start, status, vip, web,
};

#[test]
fn real_servers_come_and_go_under_load_and_connections_stay_where_they_are() {
    let lab = Lab::up(Topology::one_arm(4).named("reload")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let before = |service: VirtualService| service.weights(&[3, 1, 1]);
    // real1 weighs less, real2 is gone, real3 weighs more, real4 is new.
    let after = |service: VirtualService| {
        let fewer = service.real_server(0, 1).real_server(2, 2);
        fewer.real_server(3, 3)
    };
    let config = |reals: &dyn Fn(VirtualService) -> VirtualService| {
        let web = reals(web(Family::V4, &[]));
        director
            .config()
            .service(web)
            .service(reals(dns(Family::V6, &[])))
    };
    start(director, config(&before));
    let web = vip(&lab, 0, Family::V4, 80);
    let pages = lab.client(0).http(web).concurrency(16).start().unwrap();
    let names = ask_for_names(&lab, Family::V6);
    pages.wait_for(200).unwrap();
    names.wait_for(50).unwrap();
    let mut kept = Kept::one_on_each(&lab, web, &["real1", "real2", "real3"]);

    let said = director.reload(config(&after)).unwrap();
    let wanted = "2 services (0 added, 2 changed, 0 removed), 6 real servers: in force";
    assert!(said.contains(wanted), "{said}");
    kept.iter_mut().for_each(Kept::ask);
    director.wait_until_eligible().unwrap();
    pages.wait_for(200).unwrap();
    names.wait_for(50).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    assert_served(&pages.stop().unwrap());
    assert_served(&names.stop().unwrap());

    let removed = lab.topology().real_server(1, Family::V4);
    let services = status(director).services;
    let leaving = destination(&services[0], removed);
    assert_eq!(leaving.standing, Standing::Leaving);
    assert_eq!(leaving.traffic.active, 1);

    let load = lab.client(0).http(web).connections(600).requests(600);
    let report = load.run().unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real3", 2), ("real4", 3)]);
    kept.iter_mut().for_each(Kept::ask);
    assert_nothing_dropped(director);
}

#[test]
fn a_service_that_is_removed_keeps_its_connections_and_takes_no_new_ones() {
    let (lab, web) = lab_with_web("removed", 2);
    let director = lab.director(0);
    let both = director
        .config()
        .service(crate::site::web(Family::V4, &[1, 1]));
    let both = both.service(VirtualService::tcp("new", Family::V6, 80).weights(&[1, 1]));
    start(director, both.clone());
    let mut kept = Kept::one_on_each(&lab, web, &["real1", "real2"]);
    let load = lab.client(0).http(vip(&lab, 0, Family::V6, 80));
    let load = load.concurrency(8).start().unwrap();
    let other = VirtualService::tcp("new", Family::V6, 80).weights(&[1, 1]);
    director.reload(director.config().service(other)).unwrap();
    load.wait_for(50).unwrap();
    // The VIP goes with its last service, so it answers only those whom it has answered before.
    kept.iter_mut().for_each(Kept::ask);
    let leaving = status(director).leaving;
    assert_eq!(leaving.len(), 1);
    let active: u32 = leaving[0]
        .destinations
        .iter()
        .map(|left| left.traffic.active)
        .sum();
    assert_eq!(active, 2);
    let asked = lab.client(0).http(web).patience(Duration::from_millis(100));
    assert_eq!(asked.run().unwrap().failed(), 1);

    director.reload(both).unwrap();
    director.wait_until_eligible().unwrap();
    kept.iter_mut().for_each(Kept::ask);
    let report = lab
        .client(0)
        .http(web)
        .connections(100)
        .requests(100)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real2", 1)]);
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);
}

#[test]
fn a_hang_up_signal_reloads_as_the_command_does() {
    let (lab, web) = lab_with_web("hang-up", 2);
    let director = lab.director(0);
    let config = |weights: &[u16]| {
        director
            .config()
            .service(crate::site::web(Family::V4, weights))
    };
    start(director, config(&[1, 1]));
    let load = lab.client(0).http(web).concurrency(8).start().unwrap();
    director.write_config(config(&[1, 4])).unwrap();
    director.signal(Signal::HUP).unwrap();
    let real = lab.topology().real_server(1, Family::V4);
    wait::until("the new weight", || {
        let weight = destination(&service(director), real).weight;
        Ok((weight == 4).then_some(()))
    })
    .unwrap();
    load.wait_for(50).unwrap();
    assert_served(&load.stop().unwrap());
    let report = lab
        .client(0)
        .http(web)
        .connections(200)
        .requests(200)
        .run()
        .unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real2", 4)]);
    assert_nothing_dropped(director);
}

#[test]
fn a_real_server_that_comes_back_has_its_old_connections_and_gets_new_ones() {
    let (lab, vip) = lab_with_web("back", 2);
    let director = lab.director(0);
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
    let (lab, vip) = lab_with_web("broken", 2);
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[3, 1]));
    start(director, config.clone());
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
        let place = format!("--> {}:", director.config_file().display());
        let line = said
            .split_once(&place)
            .and_then(|(_, rest)| rest.split_once(':'));
        let line = line.and_then(|(line, _)| line.parse::<u32>().ok());
        assert!(line.is_some_and(|line| line > 0), "{file}: {said}");
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

#[test]
fn one_reload_after_the_other_fails_no_request_whatever_they_change() {
    let lab = Lab::up(Topology::one_arm(3).named("reloads")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let config = |scheduler: &str, weights: &[u16]| {
        let web = web(Family::V4, weights).scheduler(scheduler);
        let dns = dns(Family::V6, weights).scheduler(scheduler);
        director.config().service(web).service(dns)
    };
    start(director, config("wrr", &[1, 1, 1]));
    let web = vip(&lab, 0, Family::V4, 80);
    let pages = lab.client(0).http(web).concurrency(16).start().unwrap();
    let names = ask_for_names(&lab, Family::V6);
    let mut kept = Kept::one_on_each(&lab, web, &["real1", "real2", "real3"]);
    // Without a weight of 0: as in IPVS, a hash refuses the clients of a real server that is quiesced.
    for weights in [&[1, 2, 3][..], &[5, 1], &[1, 65_535, 1], &[4, 3, 4], &[7]] {
        for scheduler in ["rr", "wrr", "wlc", "sh", "mh"] {
            director.reload(config(scheduler, weights)).unwrap();
            director.wait_until_eligible().unwrap();
            pages.wait_for(10).unwrap();
            names.wait_for(5).unwrap();
        }
        kept.iter_mut().for_each(Kept::ask);
    }
    assert_nothing_dropped(director);
    assert_served(&pages.stop().unwrap());
    assert_served(&names.stop().unwrap());
}
