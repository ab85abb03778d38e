//! What direct routing does to a packet, byte for byte, and that answers do not come back this way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
};

use anyhow::Result;
use dray_lab::{
    Arms, Direction, Family, Flow, Frame, Lab, Network, RealServer, Topology, VirtualService, wait,
};

use crate::site::{assert_served, start, vip};

#[test]
fn a_packet_changes_only_its_macs_and_its_hops_left_and_no_answer_comes_back() {
    forward_and_compare(Topology::one_arm(3).named("direct-return"));
}

#[test]
fn the_same_holds_from_one_interface_to_another() {
    forward_and_compare(Topology::two_arms(3).named("direct-return-two-arms"));
}

fn forward_and_compare(topology: Topology) {
    let (arms, real_servers) = (topology.arms(), topology.real_server_network(0));
    let lab = Lab::up(topology).unwrap();
    lab.serve_http(80).unwrap();
    lab.serve_dns(53).unwrap();
    let director = lab.director(0);
    let config = director
        .config()
        .service(VirtualService::tcp("web4", Family::V4, 80).weights(&[1, 1, 1]))
        .service(VirtualService::tcp("web6", Family::V6, 80).weights(&[1, 1, 1]))
        .service(VirtualService::udp("dns4", Family::V4, 53).weights(&[1, 1, 1]))
        .service(VirtualService::udp("dns6", Family::V6, 53).weights(&[1, 1, 1]));
    start(director, config);

    let clients_side = lab.capture_at_director(0, Network::Client).unwrap();
    let servers_side =
        (arms == Arms::Two).then(|| lab.capture_at_director(0, Network::Server).unwrap());
    for family in Family::BOTH {
        let client = lab.client(0);
        // Long enough for segments of full size on their way to the real server.
        let path = format!("/?{}", "x".repeat(6_000));
        let web = client.http(vip(&lab, 0, family, 80));
        let web = web.with(|http| http.path(&path));
        assert_served(&web.connections(30).requests(90).run().unwrap());
        let dns = client.dns(vip(&lab, 0, family, 53));
        assert_served(&dns.connections(30).requests(90).run().unwrap());
    }
    for real_server in lab.real_servers() {
        wait_until_closed(real_server);
    }
    let clients_side = clients_side.stop().unwrap();
    let servers_side = servers_side.map(|capture| capture.stop().unwrap());
    let leaving = servers_side.as_ref().unwrap_or(&clients_side);

    let interface = |network| match network {
        Network::Client => "eth0",
        Network::Server => "eth1",
    };
    let own = |network| director.namespace().link(interface(network)).unwrap().mac.0;
    let servers: BTreeSet<[u8; 6]> = lab
        .real_servers()
        .iter()
        .map(|real_server| real_server.namespace().link("eth0").unwrap().mac.0)
        .collect();
    for family in Family::BOTH {
        for (port, least) in [(80, 5 * 90), (53, 90)] {
            let service = vip(&lab, 0, family, port);
            let came = to(service, &clients_side, Direction::Out);
            let went = to(service, leaving, Direction::In);
            assert!(came.len() >= least, "{service}: {} packets", came.len());
            assert_forwarded(&came, &went);
            assert!(port != 80 || came.iter().any(|frame| frame.length == 1_514));
            assert_eq!(
                macs(&came, Ethernet::destination),
                BTreeSet::from([own(Network::Client)])
            );
            assert_eq!(
                macs(&went, Ethernet::source),
                BTreeSet::from([own(real_servers)])
            );
            assert_eq!(macs(&went, Ethernet::destination), servers);
            assert_one_server_per_flow(&went);
            for frames in [Some(&clients_side), servers_side.as_ref()]
                .into_iter()
                .flatten()
            {
                assert_no_answer(service, frames, &[own(Network::Client), own(real_servers)]);
            }
        }
    }
}

/// Every packet came out, as often as it went in, and with exactly the change that is due.
fn assert_forwarded(came: &[&Frame], went: &[&Frame]) {
    let mut wanted: Vec<Vec<u8>> = came
        .iter()
        .map(|frame| one_hop_further(&frame.bytes))
        .collect();
    let mut found: Vec<Vec<u8>> = went
        .iter()
        .map(|frame| without_macs(&frame.bytes))
        .collect();
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(wanted.len(), found.len());
    for (wanted, found) in wanted.iter().zip(&found) {
        assert_eq!(wanted, found, "\n{wanted:02x?}\n{found:02x?}");
    }
}

/// A packet as a router sends it on (RFC 1812, 5.3.1; RFC 8200, 3), apart from the Ethernet addresses, which become 0.
fn one_hop_further(frame: &[u8]) -> Vec<u8> {
    let mut frame = without_macs(frame);
    let (kind, packet) = frame[12..].split_at_mut(2);
    match kind {
        [0x08, 0x00] => {
            assert_eq!(
                (packet[0], packet[8]),
                (0x45, 64),
                "no options, a fresh packet"
            );
            packet[8] -= 1;
            packet[10..12].fill(0);
            let sum = checksum(&packet[..20]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        [0x86, 0xdd] => {
            assert_eq!(packet[7], 64, "a fresh packet");
            packet[7] -= 1;
        }
        other => panic!("an EtherType {other:02x?}"),
    }
    frame
}

/// The Internet checksum, computed as RFC 1071 describes it and not as the data plane updates it.
fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks_exact(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("20 bytes carry over twice at most")
}

fn without_macs(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[..12].fill(0);
    frame
}

/// The packets to a service that passed one way.
fn to(service: SocketAddr, frames: &[Frame], direction: Direction) -> Vec<&Frame> {
    frames
        .iter()
        .filter(|frame| frame.direction == direction)
        .filter(|frame| frame.flow().is_some_and(|flow| flow.destination == service))
        .collect()
}

fn assert_one_server_per_flow(frames: &[&Frame]) {
    let mut servers: BTreeMap<Flow, BTreeSet<[u8; 6]>> = BTreeMap::new();
    for frame in frames {
        let flow = frame.flow().expect("it was chosen by its flow");
        servers.entry(flow).or_default().insert(frame.destination());
    }
    assert_eq!(servers.len(), 30);
    assert!(servers.values().all(|macs| macs.len() == 1), "{servers:?}");
}

/// The director neither got nor sent an answer. What a bridge that forgot its way floods is not meant for it.
fn assert_no_answer(service: SocketAddr, frames: &[Frame], own: &[[u8; 6]]) {
    let answers = frames.iter().filter(|frame| {
        let handled = frame.direction == Direction::In || own.contains(&frame.destination());
        handled && frame.flow().is_some_and(|flow| flow.source == service)
    });
    assert_eq!(answers.count(), 0);
}

fn macs(frames: &[&Frame], which: fn(&Frame) -> [u8; 6]) -> BTreeSet<[u8; 6]> {
    frames.iter().map(|frame| which(frame)).collect()
}

trait Ethernet {
    fn destination(&self) -> [u8; 6];
    fn source(&self) -> [u8; 6];
}

impl Ethernet for Frame {
    fn destination(&self) -> [u8; 6] {
        self.bytes[..6].try_into().expect("six bytes")
    }

    fn source(&self) -> [u8; 6] {
        self.bytes[6..12].try_into().expect("six bytes")
    }
}

/// A real server that has closed a connection has had the client's last packet.
fn wait_until_closed(real_server: &RealServer) {
    let what = format!("{} to close its connections", real_server.name());
    wait::until(&what, || {
        let open = real_server.namespace().run(open_connections)?;
        Ok((open == 0).then_some(()))
    })
    .unwrap();
}

/// TCP sockets of the calling thread's namespace that neither listen nor wait for stray packets (proc_net_tcp of
/// the kernel's documentation).
fn open_connections() -> Result<usize> {
    const LISTEN: &str = "0A";
    const TIME_WAIT: &str = "06";
    let mut open = 0;
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}"))?;
        let states = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(3));
        open += states
            .filter(|state| ![LISTEN, TIME_WAIT].contains(state))
            .count();
    }
    Ok(open)
}
