//! Real servers whose Ethernet address is unknown, becomes known, or changes.

use dray_api::v1::Standing;
use dray_lab::{Family, Lab, RealServer, Topology, wait};
use dray_net::Netlink;

use crate::site::{
    Kept, assert_nothing_dropped, assert_served, assert_shares, destination, dray, run, service,
    start, vip, web,
};

#[test]
fn a_real_server_that_is_not_there_gets_nothing_until_it_appears() {
    let lab = Lab::up(Topology::one_arm(3).clients(8).named("absent")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    let absent = lab.topology().real_server(2, Family::V4);
    tell(lab.real_server(2), async |netlink| {
        netlink.set_down("eth0").await
    });
    director
        .start(
            dray(),
            director.config().service(web(Family::V4, &[1, 1, 2])),
        )
        .unwrap();
    let why = wait::until("the absent real server to be noticed", || {
        let service = service(director);
        let eligible = |real| {
            let real = lab.topology().real_server(real, Family::V4);
            destination(&service, real).standing == Standing::Eligible
        };
        let absent = destination(&service, absent);
        assert_eq!(
            (absent.standing, &absent.next_hop),
            (Standing::NotEligible, &None)
        );
        let why = absent.why.clone().expect("a reason");
        Ok((eligible(0) && eligible(1) && why.contains("nobody answers")).then_some(why))
    });
    let why = why.unwrap();
    assert_eq!(
        why,
        "nobody answers ARP or neighbour discovery for it on eth0"
    );
    let said = String::from_utf8(run(director, &["status"]).stdout).unwrap();
    assert!(said.contains(&why), "{said}");

    let vip = vip(&lab, 0, Family::V4, 80);
    let load = || {
        lab.client(0)
            .http(vip)
            .connections(400)
            .requests(400)
            .run()
            .unwrap()
    };
    let report = load();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real2", 1)]);

    // A hash has no place for it either.
    for scheduler in ["sh", "mh"] {
        let web = web(Family::V4, &[1, 1, 2]).scheduler(scheduler);
        director.reload(director.config().service(web)).unwrap();
        for client in 0..8 {
            assert_served(&lab.client(client).http(vip).run().unwrap());
        }
    }
    let web = web(Family::V4, &[1, 1, 2]);
    director.reload(director.config().service(web)).unwrap();

    tell(lab.real_server(2), async |netlink| {
        netlink.set_up("eth0").await
    });
    director.wait_until_eligible().unwrap();
    let report = load();
    assert_served(&report);
    assert_shares(&report, &[("real1", 1), ("real2", 1), ("real3", 2)]);
    assert_nothing_dropped(director);
}

#[test]
fn traffic_follows_a_real_server_to_its_new_ethernet_address() {
    let lab = Lab::up(Topology::one_arm(2).named("moved")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0);
    start(
        director,
        director.config().service(web(Family::V4, &[1, 1])),
    );
    let vip = vip(&lab, 0, Family::V4, 80);
    let moved = lab.topology().real_server(0, Family::V4);
    let mut kept = Kept::one_on_each(&lab, vip, &["real1", "real2"]);
    let mac_of_hop = || {
        let hop = destination(&service(director), moved).next_hop.clone();
        hop.expect("it has been eligible").mac
    };
    let old = lab.real_server(0).namespace().link("eth0").unwrap().mac;
    assert_eq!(mac_of_hop(), old.to_string());

    let new = "02:00:00:00:77:11";
    // A host that takes over an address says so (RFC 5227, 3); Linux does when it is told to.
    let announce = "/proc/sys/net/ipv4/conf/eth0/arp_notify";
    let real_server = lab.real_server(0).namespace();
    real_server
        .run(|| Ok(std::fs::write(announce, "1")?))
        .unwrap();
    let mac = new.parse().unwrap();
    tell(lab.real_server(0), async |netlink| {
        netlink.set_mac("eth0", mac).await
    });
    wait::until("the director to know the new address", || {
        Ok((mac_of_hop() == new).then_some(()))
    })
    .unwrap();
    kept.iter_mut().for_each(Kept::ask);
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

/// Changes a real server's host.
fn tell<F>(real_server: &RealServer, change: impl FnOnce(Netlink) -> F + Send)
where
    F: Future<Output = Result<(), dray_net::NetError>>,
{
    real_server
        .namespace()
        .block_on(async || Ok(change(Netlink::open()?).await?))
        .unwrap();
}
