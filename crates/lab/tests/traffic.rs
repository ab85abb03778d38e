//! Traffic in a lab without a director: clients talk to real servers directly.

use std::{net::SocketAddr, time::Duration};

use dray_lab::{Capture, Direction, Family, Frame, Lab, Network, PAGE, PAGE_BYTES, Topology, wait};

#[test]
fn every_request_over_the_bridge_is_served_and_counted() {
    let lab = Lab::up(Topology::one_arm(2).named("bridge")).unwrap();
    lab.serve_http(80).unwrap();
    for family in Family::BOTH {
        let address = SocketAddr::new(lab.topology().real_server(1, family), 80);
        let report = lab
            .client(0)
            .http(address)
            .requests(300)
            .connections(100)
            .run()
            .unwrap();
        assert_eq!(
            (report.served(), report.failed()),
            (300, 0),
            "{:?}",
            report.failures
        );
        assert_eq!(report.servers.keys().collect::<Vec<_>>(), ["real2"]);
        assert_eq!(report.servers["real2"].connections, 100);
        assert_eq!(
            (report.latencies.count(), report.connect_latencies.count()),
            (300, 100)
        );
        assert_eq!(report.bytes, 300 * "real2\n".len() as u64);
    }
}

#[test]
fn names_are_answered_over_udp_from_the_address_that_was_asked() {
    let lab = Lab::up(Topology::one_arm(1).named("dns")).unwrap();
    lab.serve_dns(53).unwrap();
    for family in Family::BOTH {
        let address = SocketAddr::new(lab.topology().real_server(0, family), 53);
        let report = lab
            .client(0)
            .dns(address)
            .requests(200)
            .connections(50)
            .run()
            .unwrap();
        assert_eq!(
            (report.served(), report.failed()),
            (200, 0),
            "{:?}",
            report.failures
        );
        assert_eq!(report.servers["real1"].connections, 50);
    }
}

#[test]
fn a_request_that_nobody_serves_is_a_failure_with_its_cause() {
    let lab = Lab::up(Topology::one_arm(1).named("refused")).unwrap();
    let address = SocketAddr::new(lab.topology().real_server(0, Family::V4), 80);
    let report = lab
        .client(0)
        .http(address)
        .requests(10)
        .connections(5)
        .run()
        .unwrap();
    assert_eq!((report.served(), report.failed()), (0, 10));
    assert!(
        report
            .failures
            .keys()
            .all(|cause| cause.contains("refused")),
        "{:?}",
        report.failures
    );
}

#[test]
fn a_session_fails_when_its_server_dies_and_a_running_load_tells_of_it() {
    let lab = Lab::up(Topology::one_arm(1).named("dies")).unwrap();
    lab.serve_http(80).unwrap();
    let address = SocketAddr::new(lab.topology().real_server(0, Family::V4), 80);
    let mut session = lab.client(0).http(address).session().unwrap();
    assert_eq!(session.ask().unwrap().server, "real1");
    let load = lab.client(0).http(address).concurrency(4).start().unwrap();
    load.wait_for(100).unwrap();
    lab.real_server(0).kill_servers();
    load.wait_for(100).unwrap();
    assert!(session.ask().is_err());
    let report = load.stop().unwrap();
    assert!(report.served() >= 96, "{}", report.served());
    assert!(report.failed() > 0);
}

#[test]
fn two_networks_are_joined_by_a_router() {
    let lab = Lab::up(Topology::two_arms(1).named("router")).unwrap();
    lab.serve_http(80).unwrap();
    for family in Family::BOTH {
        let address = SocketAddr::new(lab.topology().real_server(0, family), 80);
        assert_eq!(lab.client(0).http(address).run().unwrap().served(), 1);
    }
}

#[test]
fn real_servers_do_not_tell_the_network_that_they_have_the_vip() {
    let lab = Lab::up(Topology::one_arm(2).named("silent")).unwrap();
    lab.serve_http(80).unwrap();
    for family in Family::BOTH {
        let vip = SocketAddr::new(lab.topology().vip(0, family), 80);
        // The director does not run: nobody has the VIP.
        let report = lab.client(0).http(vip).run().unwrap();
        assert_eq!(report.failed(), 1);
        assert!(
            lab.real_server(0)
                .namespace()
                .run(|| Ok(std::net::TcpStream::connect(vip)?))
                .is_ok()
        );
    }
}

#[test]
fn a_capture_sees_the_bytes_of_both_directions_and_nothing_of_other_cables() {
    let lab = Lab::up(Topology::one_arm(1).named("capture")).unwrap();
    lab.serve_http(80).unwrap();
    let server = SocketAddr::new(lab.topology().real_server(0, Family::V4), 80);
    let at_director = lab.capture_at_director(0, Network::Client).unwrap();
    let at_server = Capture::start(lab.switch(), "real1").unwrap();
    let report = lab
        .client(0)
        .http(server)
        .with(|http| http.path(PAGE))
        .requests(5)
        .run()
        .unwrap();
    assert_eq!(report.bytes, 5 * PAGE_BYTES as u64);
    let flows = |frames: &[Frame], from_server: bool| -> usize {
        frames
            .iter()
            .filter(|frame| {
                frame.flow().is_some_and(|flow| if from_server { flow.source } else { flow.destination } == server)
            })
            .map(|frame| frame.length)
            .sum()
    };
    let frames = at_server.stop().unwrap();
    assert!(flows(&frames, true) > 5 * PAGE_BYTES);
    assert!(flows(&frames, false) > 0);
    for frame in &frames {
        let flow = frame.flow();
        let outward = flow.is_some_and(|flow| flow.destination == server);
        let inward = flow.is_some_and(|flow| flow.source == server);
        assert!(!outward || frame.direction == Direction::Out);
        assert!(!inward || frame.direction == Direction::In);
        assert!(frame.length <= 1514, "a frame of {} bytes", frame.length);
    }
    assert!(
        frames
            .iter()
            .all(|frame| frame.at > std::time::SystemTime::UNIX_EPOCH)
    );
    assert_eq!(flows(&at_director.stop().unwrap(), true), 0);
}

#[test]
fn what_a_tagged_client_sends_reaches_the_director_with_its_tag() {
    let lab = Lab::up(Topology::one_arm(1).client_vlan(10).named("vlan")).unwrap();
    lab.serve_http(80).unwrap();
    let director = lab.director(0).namespace();
    // Frames are redirected only to an interface with a program; the director's own is not there.
    let index = director.link("eth0").unwrap().index;
    let _program = director
        .run(|| Ok(dray_dataplane::lab::attach_pass(index)?))
        .unwrap();
    let capture = Capture::start(director, "eth0").unwrap();
    let vip = SocketAddr::new(lab.topology().vip(0, Family::V4), 80);
    let report = lab
        .client(0)
        .http(vip)
        .patience(Duration::from_millis(50))
        .run()
        .unwrap();
    assert_eq!(report.failed(), 1, "nobody forwards");
    let frames = capture.stop().unwrap();
    let requests: Vec<_> = frames
        .iter()
        .filter(|frame| frame.flow().is_some_and(|flow| flow.destination == vip))
        .collect();
    assert!(!requests.is_empty());
    assert!(
        requests.iter().all(|frame| frame.vlan == Some(10)),
        "{requests:?}"
    );
}

#[test]
fn what_is_sent_again_is_counted_though_the_request_is_served_in_the_end() {
    let lab = Lab::up(Topology::one_arm(1).named("again")).unwrap();
    lab.serve_http(80).unwrap();
    let server = lab.real_server(0).namespace();
    let address = SocketAddr::new(lab.topology().real_server(0, Family::V4), 80);
    let mac = server.link("eth0").unwrap().mac;
    let client = lab.client(0).namespace();
    let learn = |mac| {
        client.block_on(async || {
            Ok(dray_net::Netlink::open()?
                .add_neighbour("eth0", address.ip(), mac)
                .await?)
        })
    };
    // Nobody has this address: the first segments are lost.
    learn("02:00:00:00:00:99".parse().unwrap()).unwrap();
    let load = lab.client(0).http(address).concurrency(1).start().unwrap();
    wait::until("a segment to be sent again", || {
        Ok((lab.client(0).retransmitted()? > 0).then_some(()))
    })
    .unwrap();
    learn(mac).unwrap();
    load.wait_for(1).unwrap();
    let report = load.stop().unwrap();
    assert_eq!(report.failed(), 0);
    assert!(report.retransmitted > 0);
}
