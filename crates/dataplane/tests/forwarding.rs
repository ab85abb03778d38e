//! What the program does with packets, as the kernel runs it: one packet in, one packet out.

mod common;

use std::time::Duration;

use common::*;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

const WEB: &str = "10.0.0.100:80";
const WEB6: &str = "[fd00::100]:80";

#[test]
fn a_syn_is_sent_to_a_real_server_and_the_rest_of_the_connection_follows() {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    let first = director.forwarded(&tcp("192.0.2.1:4000", WEB, TcpFlags::SYN));
    for _ in 0..5 {
        assert_eq!(
            director.forwarded(&tcp("192.0.2.1:4000", WEB, TcpFlags::ACK)),
            first
        );
    }
    assert_eq!(director.live(first), (1, 0));
}
