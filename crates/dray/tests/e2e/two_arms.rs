//! A director with an interface to the clients and another to the real servers.

use dray_lab::{Family, Lab, Topology, VirtualService};

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, assert_shares, dray, start, status, vip, web,
};

#[test]
fn packets_come_in_on_one_side_and_leave_on_the_other() {
    let lab = Lab::up(Topology::two_arms(3).named("two-arms")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let config = Family::BOTH.into_iter().zip(["old", "new"]).fold(
        director.config(),
        |config, (family, name)| {
            let web = VirtualService::tcp(&format!("web-{name}"), family, 80);
            let dns = VirtualService::udp(&format!("dns-{name}"), family, 53);
            config
                .service(web.weights(&[3, 1, 1]))
                .service(dns.weights(&[3, 1, 1]))
        },
    );
    start(director, config);
    let leaves_by = director.namespace().link("eth1").unwrap().index;
    for service in status(director).services {
        for destination in service.destinations {
            let hop = destination.next_hop.expect("it is eligible");
            assert_eq!(hop.interface, leaves_by);
        }
    }
    let shares = [("real1", 3), ("real2", 1), ("real3", 1)];
    for family in Family::BOTH {
        let client = lab.client(0);
        let web = client.http(vip(&lab, 0, family, 80));
        let report = web.connections(500).requests(1_000).run().unwrap();
        assert_served(&report);
        assert_shares(&report, &shares);
        let dns = client.dns(vip(&lab, 0, family, 53));
        let report = dns.connections(500).requests(1_000).run().unwrap();
        assert_served(&report);
        assert_shares(&report, &shares);
    }
    assert_nothing_dropped(director);
}

#[test]
fn a_director_with_two_arms_is_killed_and_reloaded_under_load() {
    let lab = Lab::up(Topology::two_arms(3).named("two-arms-killed")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    let vip = vip(&lab, 0, Family::V4, 80);
    let load = lab.client(0).http(vip).concurrency(8).start().unwrap();
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    director.kill().unwrap();
    load.wait_for(200).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    director.restart(dray()).unwrap();
    let config = director.config().service(web(Family::V4, &[0, 1, 1]));
    director.reload(config).unwrap();
    director.wait_until_eligible().unwrap();
    load.wait_for(200).unwrap();
    kept.iter_mut().for_each(Kept::ask);
    assert_served(&load.stop().unwrap());
    assert_nothing_dropped(director);
}
