//! Two directors on one host, each with its own VIP, runtime directory and pins.

use std::{fs, time::Duration};

use dray_lab::{Family, Lab, Topology};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, service, start, vip, web};

#[test]
fn two_directors_on_one_host_do_not_meet() {
    let lab = Lab::up(Topology::one_arm(3).directors(2).named("two")).unwrap();
    lab.serve_http(80).unwrap();
    let (one, other) = (lab.director(0), lab.director(1));
    start(one, one.config().service(web(Family::V4, &[3, 1, 1])));
    start(other, other.config().service(web(Family::V4, &[0, 1, 1])));
    let to = |director| lab.client(0).http(vip(&lab, director, Family::V4, 80));
    let first = to(0).concurrency(8).start().unwrap();
    let second = to(1).concurrency(8).start().unwrap();
    first.wait_for(1_000).unwrap();
    second.wait_for(1_000).unwrap();
    let report = first.stop().unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real1", 3), ("real2", 1), ("real3", 1)]);
    assert_eq!(service(one).traffic.connections, report.connections());
    assert_nothing_dropped(one);

    one.stop(&["--withdraw"]).unwrap();
    assert_eq!(fs::read_dir(one.bpffs()).unwrap().count(), 0);
    assert!(fs::read_dir(other.bpffs()).unwrap().count() > 0);
    second.wait_for(500).unwrap();
    let report = second.stop().unwrap();
    assert_served(&report);
    assert_shares(&report, &[("real2", 1), ("real3", 1)]);
    assert_eq!(service(other).traffic.connections, report.connections());
    assert_nothing_dropped(other);
    let report = to(0).patience(Duration::from_millis(100)).run().unwrap();
    assert_eq!(report.failed(), 1, "nobody has this VIP any more");
}
