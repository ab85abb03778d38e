//! Replies that the director routes: they are left to the host, and tell of their connections' state.

mod common;

use common::*;
use dray_model::Family;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;
const RST: TcpFlags = TcpFlags::RST;
const CLIENT: &str = "192.0.2.1:4000";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";

fn director() -> Director {
    let mut director = Director::new();
    for address in [WEB, WEB6] {
        director.service(&format!("tcp://{address}"), Kind::RoundRobin, &[1]);
        director.service(&format!("udp://{address}"), Kind::RoundRobin, &[1]);
    }
    director
}

/// Sends a reply, which must be left to the host as it is.
fn reply(director: &mut Director, frame: &Frame) {
    let bytes = frame.clone().macs(ROUTER, OTHER_PORT).bytes();
    assert_eq!(director.reply(frame), Fate::passed("reply", &bytes));
}

enum By {
    Client(TcpFlags),
    Server(TcpFlags),
}

use By::{Client, Server};

/// The states of a connection after each of these segments.
fn states(segments: &[By]) -> Vec<&'static str> {
    let mut director = director();
    let after = |segment: &By| {
        match segment {
            Client(flags) => assert_eq!(director.forwarded(&tcp(CLIENT, WEB, *flags)), 1),
            Server(flags) => reply(&mut director, &tcp(WEB, CLIENT, *flags)),
        }
        director.state()
    };
    segments.iter().map(after).collect()
}

#[test]
fn replies_count_for_their_real_server() {
    let mut director = director();
    for (destination, client, service, overhead) in [(1, CLIENT, WEB, 40), (3, CLIENT6, WEB6, 60)] {
        director.forwarded(&tcp(client, service, SYN));
        reply(&mut director, &tcp(service, client, SYN | ACK));
        reply(
            &mut director,
            &tcp(service, client, ACK).payload(&[7; 1000]),
        );
        let counters = director.counters(destination);
        assert_eq!((counters.packets, counters.reply_packets), (1, 2));
        assert_eq!(counters.reply_bytes, 2 * overhead + 1000);
    }
}

#[test]
fn a_connection_of_which_both_sides_are_seen_goes_the_way_of_tcp() {
    let life = [
        Client(SYN),
        Server(SYN | ACK),
        Client(ACK),
        Server(ACK),
        Client(FIN | ACK),
        Server(FIN | ACK),
        Client(ACK),
    ];
    let states = states(&life);
    let wanted = [
        "SYN_RECV",
        "SYN_RECV",
        "ESTABLISHED",
        "ESTABLISHED",
        "CLOSE_WAIT",
        "TIME_WAIT",
        "TIME_WAIT",
    ];
    assert_eq!(states, wanted);
}

#[test]
fn the_real_server_may_close_first() {
    let states = states(&[
        Client(SYN),
        Server(SYN | ACK),
        Client(ACK),
        Server(FIN | ACK),
        Client(ACK),
        Client(FIN | ACK),
        Server(ACK),
    ]);
    let wanted = [
        "SYN_RECV",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "FIN_WAIT",
        "TIME_WAIT",
        "TIME_WAIT",
    ];
    assert_eq!(states, wanted);
}

#[test]
fn a_real_servers_reset_closes() {
    let states = states(&[Client(SYN), Server(RST | ACK), Client(ACK)]);
    assert_eq!(states, ["SYN_RECV", "CLOSE", "CLOSE"]);
}

#[test]
fn a_real_servers_packets_make_a_connection_last() {
    let mut director = director();
    director.forwarded(&udp(CLIENT, WEB));
    for _ in 0..3 {
        director.advance(seconds(299));
        reply(&mut director, &udp(WEB, CLIENT));
    }
    director.advance(seconds(299));
    assert_eq!(director.sweep().alive, 1);
}

#[test]
fn a_reply_moves_a_connection_between_active_and_inactive() {
    let mut director = director();
    for flags in [SYN, ACK] {
        director.forwarded(&tcp(CLIENT, WEB, flags));
    }
    assert_eq!(director.live(1), (1, 0));
    reply(&mut director, &tcp(WEB, CLIENT, FIN | ACK));
    assert_eq!((director.state(), director.live(1)), ("FIN_WAIT", (0, 1)));
}

#[test]
fn a_client_that_uses_a_port_again_in_fin_wait_is_scheduled_anew_only_without_replies() {
    for (replied, connections) in [(false, 2), (true, 1)] {
        let mut director = director();
        director.policy(|policy| policy.ipvs.conn_reuse_mode = 3);
        director.forwarded(&tcp(CLIENT, WEB, SYN));
        if replied {
            reply(&mut director, &tcp(WEB, CLIENT, SYN | ACK));
        }
        director.forwarded(&tcp(CLIENT, WEB, ACK));
        if replied {
            reply(&mut director, &tcp(WEB, CLIENT, FIN | ACK));
        } else {
            director.forwarded(&tcp(CLIENT, WEB, FIN | ACK));
        }
        assert_eq!(director.state(), "FIN_WAIT");
        director.forwarded(&tcp(CLIENT, WEB, SYN));
        assert_eq!(
            director.counters(1).connections,
            connections,
            "replied: {replied}"
        );
    }
}

#[test]
fn a_reply_assures_the_template_of_a_datagrams_connection() {
    let mut director = Director::new();
    let options = persistent(360, Family::Ipv4);
    director.service_with(&format!("udp://{WEB}"), Kind::RoundRobin, options, &[1]);
    director.forwarded(&udp(CLIENT, WEB));
    assert_eq!(director.templates()[0].state, "NONE");
    reply(&mut director, &udp(WEB, CLIENT));
    assert_eq!(director.templates()[0].state, "ASSURED");
}

#[test]
fn what_a_vip_sends_to_somebody_else_is_no_reply() {
    let mut director = director();
    director.forwarded(&tcp(CLIENT, WEB, SYN));
    for frame in [
        tcp(WEB, "192.0.2.1:4001", ACK),
        tcp(WEB, "192.0.2.2:4000", ACK),
        tcp("10.0.0.100:81", CLIENT, ACK),
        tcp("10.0.0.101:80", CLIENT, ACK),
        udp(WEB, CLIENT),
    ] {
        let fate = director.reply(&frame);
        assert_eq!(fate.verdict, PASS, "{frame:?}");
        assert_ne!(fate.reasons, ["reply"], "{frame:?}");
    }
    assert_eq!(director.counters(1).reply_packets, 0);
}
