//! VIPs that the director adds: hundreds of them come and go with their services, and one that the kernel does not take keeps no
//! other away.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    ops::Range,
};

use dray_lab::{Director, Family, Lab, Topology, wait};
use serde_json::Value;

use crate::site::{dray, run, status};

#[test]
fn hundreds_of_vips_come_and_go_with_their_services() {
    let lab = Lab::up(Topology::one_arm(1).named("many-vips")).unwrap();
    let director = lab.director(0);
    let network = lab.topology().networks()[0];
    let own = BTreeSet::from([lab.topology().director(0, network, Family::V4)]);
    let (first, second) = (vips(0..400), vips(200..600));

    director.start(dray(), config(&lab, &first)).unwrap();
    assert_has(director, &first);
    director.reload(config(&lab, &second)).unwrap();
    assert_has(director, &second);
    assert_eq!(present(director, &(&first - &second)), BTreeSet::new());

    // Of what a killed daemon leaves, the next takes off what is not wanted any more.
    director.kill().unwrap();
    director.write_config(config(&lab, &first)).unwrap();
    director.restart(dray()).unwrap();
    assert_has(director, &first);
    assert_eq!(present(director, &(&second - &first)), BTreeSet::new());

    director.kill().unwrap();
    let said = run(director, &["stop", "--withdraw"]);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(present(director, &first), BTreeSet::new());
    assert_eq!(in_ledger(director), BTreeSet::new());
    // The host's own address stays.
    assert_eq!(present(director, &own), own);
}

#[test]
fn a_vip_that_the_kernel_refuses_is_told_and_added_once_it_can_be() {
    let lab = Lab::up(Topology::one_arm(1).named("refused-vip")).unwrap();
    let director = lab.director(0);
    let (mut taken, mut refused) = (vips(0..40), vips(41..42));
    taken.retain(IpAddr::is_ipv4);
    let all = &taken | &refused;

    set_ipv6(director, false);
    director.start(dray(), config(&lab, &all)).unwrap();
    assert_has(director, &taken);
    let problems = status(director).problems;
    let refused = refused.pop_first().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].contains(&format!("failed to add address {refused}/128 to eth0")),
        "{problems:?}"
    );

    set_ipv6(director, true);
    wait::until("the refused VIP", || {
        Ok(status(director).problems.is_empty().then_some(()))
    })
    .unwrap();
    assert_has(director, &all);

    // One that somebody has taken off meanwhile is as good as removed.
    set_ipv6(director, false);
    assert_eq!(present(director, &all), taken);
    director.reload(config(&lab, &taken)).unwrap();
    assert_has(director, &taken);
    assert_eq!(status(director).problems, [""; 0]);
    director.stop(&["--withdraw"]).unwrap();
    assert_eq!(present(director, &taken), BTreeSet::new());
}

/// VIPs by number: even ones of IPv4, odd ones of IPv6.
fn vips(numbers: Range<u16>) -> BTreeSet<IpAddr> {
    let vip = |number: u16| -> IpAddr {
        let [high, low] = number.to_be_bytes();
        match number % 2 {
            0 => Ipv4Addr::new(10, 200, high, low).into(),
            _ => Ipv6Addr::new(0xfd00, 0x200, 0, 0, 0, 0, 0, number).into(),
        }
    };
    numbers.map(vip).collect()
}

/// A service on each of these VIPs.
fn config(lab: &Lab, vips: &BTreeSet<IpAddr>) -> String {
    let mut text = lab.director(0).config().to_string();
    for (number, vip) in vips.iter().enumerate() {
        let family = if vip.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let address = SocketAddr::new(*vip, 80);
        let real = lab.topology().real_server(0, family);
        writeln!(
            text,
            "[[service]]\nname = \"s{number}\"\naddress = \"tcp://{address}\"\nscheduler = \"rr\"\nreal = [{{ address = \"{real}\" }}]"
        )
        .unwrap();
    }
    text
}

/// These are on the interface, and in the ledger and the status as the ones that the director added.
fn assert_has(director: &Director, vips: &BTreeSet<IpAddr>) {
    assert_eq!(present(director, vips), *vips);
    assert_eq!(in_ledger(director), *vips);
    let told = status(director).director.vips;
    assert_eq!(
        told.iter().map(|added| added.vip).collect::<BTreeSet<_>>(),
        *vips
    );
}

/// The VIPs that the ledger says the director has added.
fn in_ledger(director: &Director) -> BTreeSet<IpAddr> {
    let text = fs::read_to_string(director.runtime_dir().join("ledger.json")).unwrap();
    let ledger: Value = serde_json::from_str(&text).unwrap();
    let vips = ledger["vips"].as_array().unwrap().iter();
    vips.map(|added| added["vip"].as_str().unwrap().parse().unwrap())
        .collect()
}

/// Those of the addresses that the director's host has: only to them a socket can be bound.
fn present(director: &Director, addresses: &BTreeSet<IpAddr>) -> BTreeSet<IpAddr> {
    let is_there = |address: &&IpAddr| UdpSocket::bind((**address, 0)).is_ok();
    director
        .namespace()
        .run(|| Ok(addresses.iter().filter(is_there).copied().collect()))
        .unwrap()
}

/// Has the director's interface take IPv6 addresses, or lose those that it has and take no more.
fn set_ipv6(director: &Director, on: bool) {
    let setting = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6";
    let value = if on { "0" } else { "1" };
    director
        .namespace()
        .run(|| Ok(fs::write(setting, value)?))
        .unwrap();
}
