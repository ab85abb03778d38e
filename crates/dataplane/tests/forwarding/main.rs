//! What the program does with packets, as the kernel runs it: one packet in, one packet out.
//!
//! What a frame must look like afterwards is never computed from what it looked like before: the frame builder
//! makes both, checksums from scratch.

#[path = "../common/mod.rs"]
mod common;
mod left_alone;
mod openings;
mod packets;
mod ways;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use dray_model::Mac;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

use common::*;

const CLIENT: &str = "192.0.2.1:4000";
const WEB: &str = "10.0.0.100:80";
const CLIENT6: &str = "[2001:db8::1]:4000";
const WEB6: &str = "[fd00::100]:80";
const BROADCAST: Mac = Mac([0xff; 6]);

/// A director with one real server behind each of four services: IPv4 and IPv6, TCP and UDP.
fn director() -> Director {
    director_by(1, None)
}

/// Such a director, in common: for tests that do not care which connections there are.
fn shared() -> MutexGuard<'static, Director> {
    static SHARED: LazyLock<Mutex<Director>> = LazyLock::new(|| Mutex::new(director()));
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A director of one's own; the real servers are reached by this interface and VLAN.
fn director_by(interface: u32, vlan: Option<u16>) -> Director {
    let mut director = Director::new();
    for address in [WEB, WEB6] {
        for protocol in ["tcp", "udp"] {
            let address = format!("{protocol}://{address}");
            director.service_by(&address, Kind::RoundRobin, &[1], &[(interface, vlan)]);
        }
    }
    director
}

/// The destination of each of its services, and a frame that opens a connection to it.
fn openers() -> [(u32, Frame); 4] {
    [
        (1, tcp(CLIENT, WEB, TcpFlags::SYN)),
        (2, udp(CLIENT, WEB)),
        (3, tcp(CLIENT6, WEB6, TcpFlags::SYN)),
        (4, udp(CLIENT6, WEB6)),
    ]
}

/// What a frame with a TTL of 64 must look like when it leaves by the interface it came in by.
fn leaving(frame: &Frame, destination: u32) -> Vec<u8> {
    frame.clone().ttl(63).macs(OWN, mac_of(destination)).bytes()
}
