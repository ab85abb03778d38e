//! The daemon dies under load; the data plane does not.

use dray_lab::{Director, Family, Lab, Topology};

use crate::site::{
    Kept, ask_for_names, assert_nothing_dropped, assert_served, assert_shares, dns, dray,
    lab_with_web, service, start, status, vip, web,
};

#[test]
fn a_daemon_is_killed_and_started_again_under_load_and_nothing_is_lost() {
    let lab = Lab::up(Topology::one_arm(3).named("killed")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let config = director
        .config()
        .service(web(Family::V4, &[3, 1, 1]))
        .service(dns(Family::V6, &[1, 2, 1]));
    start(director, config);
    let web = vip(&lab, 0, Family::V4, 80);
    let pages = lab.client(0).http(web).concurrency(16).start().unwrap();
    // Nobody sends a query again that is lost: it fails.
    let names = ask_for_names(&lab, Family::V6);
    pages.wait_for(200).unwrap();
    let mut kept = Kept::one_on_each(&lab, web, &["real1", "real2", "real3"]);
    for _ in 0..3 {
        let before = status(director).services;
        director.kill().unwrap();
        // Each page is a new connection: they are taken while nobody is there.
        pages.wait_for(300).unwrap();
        names.wait_for(300).unwrap();
        kept.iter_mut().for_each(Kept::ask);
        director.restart(dray()).unwrap();
        let after = status(director).services;
        for ((before, after), least) in before.iter().zip(&after).zip([300, 1]) {
            let (before, after) = (before.traffic, after.traffic);
            let context = format!("{before:?}, then {after:?}");
            assert!(after.connections >= before.connections + least, "{context}");
            assert!(after.packets >= before.packets + 300, "{context}");
            assert!(after.bytes > before.bytes, "{context}");
        }
        pages.wait_for(100).unwrap();
        kept.iter_mut().for_each(Kept::ask);
    }
    assert_served(&pages.stop().unwrap());
    assert_served(&names.stop().unwrap());
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

#[test]
fn a_file_that_the_data_plane_has_no_room_for_leaves_what_was_before_until_it_is_made_anew() {
    let (lab, vip) = lab_with_web("outgrown", 2);
    let director = lab.director(0);
    let config = director.config().service(web(Family::V4, &[1, 1]));
    start(director, &config);
    let load = lab.client(0).http(vip).concurrency(4).start().unwrap();
    // The smallest data plane has room for 4,095.
    let more = (0..4_095).map(|number| {
        let [high, low] = u16::to_be_bytes(number);
        format!("\n[[service]]\nname = \"s{number}\"\naddress = \"tcp://10.64.{high}.{low}:80\"\n")
    });
    let larger = config.to_string() + &more.collect::<String>();
    let refused = director.reload(&larger).unwrap_err().to_string();
    assert!(refused.contains("no room for 4096 services"), "{refused}");

    director.kill().unwrap();
    director.restart(dray()).unwrap();
    load.wait_for(100).unwrap();
    assert_eq!(service(director).name, "web");
    let log = director.log();
    assert!(
        log.contains("cannot be put in force, and configuration 1 is as it was before: no room for 4096 services"),
        "{log}"
    );
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);

    director.stop(&["--withdraw"]).unwrap();
    director.restart(dray()).unwrap();
    assert_eq!(status(director).services.len(), 4_096);
}

/// How often a daemon has found a data plane that forwarded.
fn adoptions(director: &Director) -> usize {
    director
        .log()
        .matches("adopted: it forwarded all the while")
        .count()
}
