//! Steady load: many connections, spread by weight.

use dray_lab::{Family, Lab, Topology};

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, service, start, vip, web};

#[test]
fn ten_thousand_connections_are_spread_by_weight_and_no_request_fails() {
    let lab = Lab::up(Topology::one_arm(3).named("steady")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[3, 1, 1])),
    );
    let report = lab
        .client(0)
        .http(vip(&lab, 0, Family::V4, 80))
        .connections(10_000)
        .requests(20_000)
        .run()
        .unwrap();
    assert_served(&report);
    assert_eq!((report.connections(), report.served()), (10_000, 20_000));
    assert_shares(&report, &[("real1", 3), ("real2", 1), ("real3", 1)]);
    assert_eq!(service(director).traffic.connections, 10_000);
    assert_nothing_dropped(director);
}
