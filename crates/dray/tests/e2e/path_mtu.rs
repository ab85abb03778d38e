//! A way to a real server that is narrower than the client's: the client learns it from the director, whichever way the director did.

use std::{net::IpAddr, process::Command, time::Duration};

use dray_lab::{
    Capture, DOWNLOAD_BYTES, Direction, Family, Lab, Namespace, Network, Topology, VirtualService,
};

use crate::{
    methods::tunnels::unpack_tunnels,
    site::{assert_nothing_dropped, assert_served, reasons, service, start, vip},
    tshark,
};

/// Of the real server's network, and so of the tunnel's packets.
const NARROW: u32 = 1_400;

/// Of the client's and the director's.
const WIDE: u32 = 1_500;

#[test]
fn what_the_director_knows_of_the_way_the_client_learns() {
    for family in Family::BOTH {
        let lab = lab("path-mtu-known", family);
        add_narrow_route(&lab, family);
        begin(&lab, family);
        assert_eq!(known(&lab), Some(beside_header(NARROW, family)));
        upload_and_learn(&lab, family);
    }
}

#[test]
fn what_a_router_tells_the_director_the_client_learns() {
    for family in Family::BOTH {
        let lab = lab("path-mtu-learned", family);
        begin(&lab, family);
        assert_eq!(known(&lab), Some(beside_header(WIDE, family)));
        upload_and_learn(&lab, family);
        assert_eq!(known(&lab), Some(beside_header(NARROW, family)));
    }
}

fn lab(name: &str, family: Family) -> Lab {
    let topology = Topology::one_arm(1).remote(1).server_mtu(NARROW);
    let lab = Lab::up(topology.named(&format!("{name}-{family:?}"))).unwrap();
    lab.serve_http(80).unwrap();
    unpack_tunnels(&lab);
    lab
}

fn begin(lab: &Lab, family: Family) {
    let web = VirtualService::tcp("web", family, 80);
    let web = web.forward("tun").weights(&[1]);
    let director = lab.director(0);
    start(director, director.config().service(web));
}

/// Tells the director's kernel how narrow the way to the real servers' network is.
fn add_narrow_route(lab: &Lab, family: Family) {
    let real = lab.topology().real_server(0, family);
    let gateway = Network::Client.router(family);
    let route = format!("route add {real} via {gateway} dev eth0 mtu {NARROW}");
    ip(lab.director(0).namespace(), family, &route);
}

/// Uploads, first little, then much; on the way of the little the director tells the client, and of the much nothing is lost.
fn upload_and_learn(lab: &Lab, family: Family) {
    const LITTLE: usize = 100_000;
    let capture = lab.capture_at_director(0, Network::Client).unwrap();
    upload(lab, family, LITTLE);
    let told = told_by_director(capture);
    let fits = beside_header(NARROW, family).to_string();
    assert!(told.contains(&fits), "{told:?}");
    let client = lab.client(0).namespace();
    let route = ip(
        client,
        family,
        &format!("route get {}", target(lab, family)),
    );
    assert!(route.contains(&format!("mtu {fits} ")), "{route}");
    assert!(reasons(lab.director(0)).contains_key("too-big"));
    upload(lab, family, DOWNLOAD_BYTES);
    assert_nothing_dropped(lab.director(0));
}

/// The largest packet of a client's that the director takes for the real server.
fn known(lab: &Lab) -> Option<u32> {
    let service = service(lab.director(0));
    let hop = service.destinations[0].next_hop.as_ref();
    hop.map(|hop| hop.mtu)
}

/// What a way leaves beside the header of IP in IP.
fn beside_header(mtu: u32, family: Family) -> u32 {
    match family {
        Family::V4 => mtu - 20,
        Family::V6 => mtu - 40,
    }
}

fn target(lab: &Lab, family: Family) -> IpAddr {
    lab.topology().vip(0, family)
}

fn upload(lab: &Lab, family: Family, bytes: usize) {
    let load = lab.client(0).http(vip(lab, 0, family, 80));
    let load = load.with(|http| http.upload(bytes));
    assert_served(&load.patience(Duration::from_secs(180)).run().unwrap());
}

/// The MTUs in the director's ICMP errors.
fn told_by_director(capture: Capture) -> Vec<String> {
    let frames = capture.stop().unwrap();
    let from_director = frames
        .iter()
        .filter(|frame| frame.direction == Direction::In);
    let mut told = Vec::new();
    for packet in tshark::decode(from_director) {
        packet.assert_sound();
        for field in ["icmp.mtu", "icmpv6.mtu"] {
            told.extend_from_slice(packet.all(field));
        }
    }
    told
}

fn ip(namespace: &Namespace, family: Family, arguments: &str) -> String {
    let mut command = Command::new("ip");
    command.arg(match family {
        Family::V4 => "-4",
        Family::V6 => "-6",
    });
    command.args(arguments.split(' '));
    let output = namespace.output(command).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
