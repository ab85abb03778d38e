//! Packets that open a connection, and those that cannot be served.

use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;

use super::{CLIENT, WEB, director, leaving, openers};
use crate::common::*;

#[test]
fn a_syn_is_sent_to_a_real_server_and_the_rest_of_the_connection_follows() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    let first = director.forwarded(&tcp(CLIENT, WEB, TcpFlags::SYN));
    for _ in 0..5 {
        assert_eq!(director.forwarded(&tcp(CLIENT, WEB, TcpFlags::ACK)), first);
    }
    assert_eq!(director.live(first), (1, 0));
}

#[test]
fn every_segment_with_syn_and_without_rst_opens_a_connection() {
    let (syn, ack, fin) = (TcpFlags::SYN, TcpFlags::ACK, TcpFlags::FIN);
    let mut director = director();
    for (index, flags) in [
        syn,
        syn | ack,
        syn | fin,
        syn | fin | ack,
        syn | TcpFlags::PSH,
    ]
    .into_iter()
    .enumerate()
    {
        let frame = tcp(&format!("192.0.2.1:{}", 4000 + index), WEB, flags);
        assert_eq!(
            director.fate_of(&frame),
            Fate::sent(&leaving(&frame, 1)),
            "{flags:?}"
        );
        assert_eq!(director.live(1), (index as u32 + 1, 0), "{flags:?}");
    }
}

#[test]
fn a_used_up_ttl_is_answered_and_the_connection_and_the_packet_count() {
    let mut director = director();
    for (destination, opener) in openers() {
        for (packets, ttl) in [(1, 1), (2, 0)] {
            let fate = director.fate_of(&opener.clone().ttl(ttl));
            let answered = (TX, vec!["time-exceeded"]);
            assert_eq!((fate.verdict, fate.reasons), answered, "TTL {ttl}");
            let counters = director.counters(destination);
            assert_eq!(
                (counters.connections, counters.packets),
                (1, packets),
                "TTL {ttl}"
            );
        }
        let (active, inactive) = director.live(destination);
        assert_eq!(active + inactive, 1);
    }
}

#[test]
fn a_service_without_a_real_server_to_give_refuses_and_counts_it() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[0, 0]);
    director.service("udp://10.0.0.100:80", Kind::WeightedLeastConnection, &[]);
    for (service, frame) in [(0, tcp(CLIENT, WEB, TcpFlags::SYN)), (1, udp(CLIENT, WEB))] {
        for times in 1..=3 {
            let fate = director.fate_of(&frame);
            assert_eq!(fate, Fate::dropped("no-destination", &incoming(&frame)));
            assert_eq!(director.refused(service), times);
        }
    }
    assert_eq!(director.list().len(), 0);
    // The places that the refused ones had claimed are free again.
    director.edit(0, Kind::RoundRobin, |list| list[0].weight = 1);
    assert_eq!(director.forwarded(&tcp(CLIENT, WEB, TcpFlags::SYN)), 2);
    assert_eq!(director.live(2), (1, 0));
}
