//! Services of every port, and of FTP.

mod common;

use common::*;
use dray_model::Family;
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

const SYN: TcpFlags = TcpFlags::SYN;
const CLIENT: &str = "192.0.2.1:4000";

/// The destination of a new TCP connection of the client to this port of the VIP.
fn open(director: &mut Director, client: &str, port: u16) -> u32 {
    director.forwarded(&tcp(client, &format!("10.0.0.100:{port}"), SYN))
}

/// A director with a persistent service at that port.
fn persistent_at(port: u16) -> Director {
    let mut director = Director::new();
    let (address, options) = (
        format!("tcp://10.0.0.100:{port}"),
        persistent(360, Family::Ipv4),
    );
    director.service_with(&address, Kind::RoundRobin, options, &[1; 3]);
    director
}

#[test]
fn a_service_of_every_port_takes_all_that_have_none_of_their_own() {
    let mut director = persistent_at(0);
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1]);
    for port in [1, 443, 65535] {
        assert_eq!(open(&mut director, CLIENT, port), 3, "port {port}");
    }
    assert_eq!(open(&mut director, CLIENT, 80), 4);
    for frame in [
        udp(CLIENT, "10.0.0.100:443"),
        tcp(CLIENT, "10.0.0.101:443", SYN),
    ] {
        assert_eq!(
            director.fate_of(&frame),
            Fate::passed("not-a-service", &incoming(&frame))
        );
    }
    let templates = director.templates();
    assert_eq!(templates.len(), 1);
    assert_eq!((templates[0].port, templates[0].children), (0, 3));
}

#[test]
fn protocols_do_not_share_a_template() {
    let mut director = persistent_at(0);
    let options = persistent(360, Family::Ipv4);
    director.service_with("udp://10.0.0.100:0", Kind::RoundRobin, options, &[1; 3]);
    assert_eq!(open(&mut director, CLIENT, 80), 3);
    assert_eq!(director.forwarded(&udp(CLIENT, "10.0.0.100:80")), 6);
    assert_eq!(director.templates().len(), 2);
}

#[test]
fn a_service_of_every_port_that_is_not_persistent_has_no_real_server_to_give() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:0", Kind::RoundRobin, &[1]);
    let frame = tcp(CLIENT, "10.0.0.100:80", SYN);
    assert_eq!(
        director.fate_of(&frame),
        Fate::dropped("no-destination", &incoming(&frame))
    );
}

#[test]
fn when_the_service_of_every_port_is_gone_ports_have_none() {
    let mut director = persistent_at(0);
    assert_eq!(open(&mut director, CLIENT, 80), 3);
    director.withdraw(0);
    let frame = tcp(CLIENT, "10.0.0.100:81", SYN);
    assert_eq!(
        director.fate_of(&frame),
        Fate::passed("not-a-service", &incoming(&frame))
    );
}

#[test]
fn ftp_data_connections_go_where_the_clients_control_connection_went() {
    let mut director = persistent_at(21);
    assert_eq!(open(&mut director, CLIENT, 21), 3);
    for port in [20, 1024, 50_000, 65_535] {
        assert_eq!(open(&mut director, CLIENT, port), 3, "port {port}");
    }
    for port in [19, 22, 80, 1023] {
        let frame = tcp(CLIENT, &format!("10.0.0.100:{port}"), SYN);
        assert_eq!(
            director.fate_of(&frame).reasons,
            ["not-a-service"],
            "port {port}"
        );
    }
    let datagram = udp(CLIENT, "10.0.0.100:50000");
    assert_eq!(director.fate_of(&datagram).reasons, ["not-a-service"]);
    // The data connection may even come first.
    assert_eq!(open(&mut director, "192.0.2.2:1", 50_000), 2);
    assert_eq!(open(&mut director, "192.0.2.2:2", 21), 2);
    let templates = director.templates();
    assert!(
        templates.iter().all(|template| template.port == 0),
        "{templates:?}"
    );
    assert_eq!(templates.len(), 2);
}

#[test]
fn a_service_of_its_own_comes_before_that_of_ftp() {
    let mut director = persistent_at(21);
    director.service("tcp://10.0.0.100:8080", Kind::RoundRobin, &[1]);
    assert_eq!(open(&mut director, CLIENT, 21), 3);
    assert_eq!(open(&mut director, CLIENT, 8080), 4);
}

#[test]
fn without_persistence_ftp_data_connections_are_left_to_the_host() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:21", Kind::RoundRobin, &[1]);
    assert_eq!(open(&mut director, CLIENT, 21), 1);
    for port in [20, 1024, 65_535] {
        let frame = tcp(CLIENT, &format!("10.0.0.100:{port}"), SYN);
        let fate = director.fate_of(&frame);
        assert_eq!(
            (fate.verdict, fate.frame),
            (PASS, incoming(&frame)),
            "port {port}"
        );
    }
    assert_eq!(director.list().len(), 1);
}
