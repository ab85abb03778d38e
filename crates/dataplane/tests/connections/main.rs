//! Connections from their first packet to their last, on a clock that only the test moves.

mod again;
mod changes;
#[path = "../common/mod.rs"]
mod common;
mod states;
mod table;

use std::collections::BTreeSet;

use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

use common::*;

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;
const RST: TcpFlags = TcpFlags::RST;

/// A director with one service of each protocol and three real servers each: 1 to 3 for TCP, 4 to 6 for UDP.
/// `rr` gives the newest first, so 3, 2, 1, 3 and so on.
fn director() -> Director {
    let mut director = Director::new();
    director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    director.service("udp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
    director
}

fn segment(flags: TcpFlags) -> Frame {
    tcp(CLIENT, WEB, flags)
}

/// Sends segments with these flags; the one destination that they went to.
fn play(director: &mut Director, flags: &[TcpFlags]) -> u32 {
    let segments = flags.iter().map(|flags| segment(*flags));
    let destinations: BTreeSet<u32> = segments
        .map(|segment| director.forwarded(&segment))
        .collect();
    assert_eq!(destinations.len(), 1, "one connection has one destination");
    destinations.into_iter().next().unwrap()
}

/// A director with one connection, which has seen segments with these flags, and its destination.
fn after(flags: &[TcpFlags]) -> (Director, u32) {
    let mut director = director();
    let destination = play(&mut director, flags);
    (director, destination)
}

/// Ends every connection by letting its time pass.
fn end_all(director: &mut Director) {
    director.advance(seconds(901));
    director.sweep();
}
