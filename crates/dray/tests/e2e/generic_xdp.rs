//! A device whose driver has no XDP: a bridge.

use dray_api::v1::XdpMode;
use dray_lab::{Director, Family, Lab, Network, Topology, VirtualService};
use dray_net::Netlink;

use crate::site::{assert_nothing_dropped, assert_served, assert_shares, run, start, status, vip};

#[test]
fn a_driver_without_xdp_is_served_by_the_generic_path_and_status_says_so() {
    let lab = Lab::up(Topology::one_arm(2).named("generic")).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    put_behind_bridge(&lab, director);
    let config = director
        .config()
        .service(VirtualService::tcp("web", Family::V4, 80).weights(&[3, 1]))
        .service(VirtualService::udp("dns", Family::V6, 53).weights(&[3, 1]));
    start(director, config.to_string().replace("eth0", "br0"));
    let interfaces = status(director).director.interfaces;
    assert_eq!(interfaces.len(), 1);
    assert_eq!(
        (interfaces[0].name.as_str(), interfaces[0].xdp),
        ("br0", XdpMode::Generic)
    );
    let said = String::from_utf8(run(director, &["status"]).stdout).unwrap();
    assert!(said.contains("generic XDP"), "{said}");

    let shares = [("real1", 3), ("real2", 1)];
    let client = lab.client(0);
    let web = client.http(vip(&lab, 0, Family::V4, 80));
    let report = web.connections(400).requests(800).run().unwrap();
    assert_served(&report);
    assert_shares(&report, &shares);
    let dns = client.dns(vip(&lab, 0, Family::V6, 53));
    let report = dns.connections(400).requests(800).run().unwrap();
    assert_served(&report);
    assert_shares(&report, &shares);
    assert_nothing_dropped(director);
}

/// Makes the director's interface the port of a bridge, which takes over its addresses.
fn put_behind_bridge(lab: &Lab, director: &Director) {
    let addresses = Family::BOTH.map(|family| {
        let address = lab.topology().director(0, Network::Client, family);
        (address, Network::prefix(family))
    });
    director
        .namespace()
        .block_on(async || {
            let netlink = Netlink::open()?;
            netlink.add_bridge("br0").await?;
            netlink.set_master("eth0", "br0").await?;
            netlink.set_up("br0").await?;
            for (address, prefix) in addresses {
                netlink.remove_address("eth0", address, prefix).await?;
                netlink.add_address("br0", address, prefix).await?;
            }
            Ok(())
        })
        .unwrap();
}
