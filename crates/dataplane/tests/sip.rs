//! Persistence by the Call-ID of SIP over UDP.

mod common;

use common::*;
use dray_model::{Family, PersistenceEngine};
use dray_sched::Kind;
use dray_testkit::frames::Frame;

/// A director with three real servers; `rr` gives the newest first: 3, 2, 1, 3 and so on.
fn director(family: Family) -> Director {
    let mut options = persistent(360, family);
    if let Some(persistence) = &mut options.persistence {
        persistence.engine = Some(PersistenceEngine::Sip);
    }
    let mut director = Director::new();
    director.service_with(
        &format!("udp://{}", proxy(family)),
        Kind::RoundRobin,
        options,
        &[1; 3],
    );
    director
}

const fn proxy(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "10.0.0.100:5060",
        Family::Ipv6 => "[fd00::100]:5060",
    }
}

fn client(family: Family, port: u16) -> String {
    match family {
        Family::Ipv4 => format!("192.0.2.1:{port}"),
        Family::Ipv6 => format!("[2001:db8::1]:{port}"),
    }
}

fn message(family: Family, port: u16, header: &str) -> Frame {
    let text = format!(
        "INVITE sip:bob@example.com SIP/2.0\r\nMax-Forwards: 70\r\n{header}\r\nContent-Length: 0\r\n\r\n"
    );
    udp(&client(family, port), proxy(family)).payload(text.as_bytes())
}

#[test]
fn messages_of_a_call_go_to_one_real_server_and_those_of_others_in_turn() {
    for family in [Family::Ipv4, Family::Ipv6] {
        let mut director = director(family);
        let mut go = |port, header: &str| director.forwarded(&message(family, port, header));
        assert_eq!(go(4000, "Call-ID: first@192.0.2.1"), 3);
        assert_eq!(go(4001, "Call-ID: second@192.0.2.1"), 2);
        assert_eq!(go(4002, "i: first@192.0.2.1"), 3, "the compact form");
        assert_eq!(go(4003, "call-id:   second@192.0.2.1"), 2);
        assert_eq!(go(4004, "Call-ID: third"), 1);
        assert_eq!(go(4000, "Call-ID: third"), 3, "a known flow goes on");
        assert_eq!(director.templates().len(), 3);
    }
}

#[test]
fn a_message_without_a_call_is_dropped_and_counted() {
    let mut director = director(Family::Ipv4);
    let frame = message(Family::Ipv4, 4000, "From: alice");
    let bytes = incoming(&frame);
    assert_eq!(director.fate(&bytes), Fate::dropped("no-session", &bytes));
    assert_eq!(director.templates(), []);
    assert_eq!(director.list(), []);
}
