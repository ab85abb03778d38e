//! A private data plane with services in it, for the tests of this room.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "every test file uses a part of it"
)]

mod director;
mod loaded;
mod reals;
pub mod world;

use std::{net::SocketAddr, time::Duration};

use dray_dataplane::Capacity;
use dray_model::{Family, Mac, Mark, Protocol, ServiceAddress, ServiceIdentity};
use dray_testkit::frames::{ChunkType, Frame, TcpFlags};

pub use director::{Director, persistent};
pub use reals::{Real, direct, next_hop};

pub const PASS: u32 = 2;
pub const DROP: u32 = 1;
pub const TX: u32 = 3;
pub const REDIRECT: u32 = 4;

pub const OWN: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub const OTHER_PORT: Mac = Mac([2, 0, 0, 0, 0, 2]);
pub const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 9]);

pub const CAPACITY: Capacity = Capacity {
    connections: 4096,
    translations: 4096,
    services: 64,
    destinations: 4096,
    words: 1 << 18,
    hops: 4096,
};

/// The real server that a frame was sent to, by its Ethernet address.
pub fn mac_of(destination: u32) -> Mac {
    let [_, a, b, c] = destination.to_be_bytes();
    Mac([2, 1, 0, a, b, c])
}

/// What became of a frame: all that can be seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    pub verdict: u32,
    pub reasons: Vec<&'static str>,
    pub frame: Vec<u8>,
}

impl Fate {
    /// Left to the host, for that reason, untouched.
    pub fn passed(reason: &'static str, frame: &[u8]) -> Self {
        Self {
            verdict: PASS,
            reasons: vec![reason],
            frame: frame.to_vec(),
        }
    }

    /// Dropped, for that reason; a frame that is dropped is not changed before.
    pub fn dropped(reason: &'static str, frame: &[u8]) -> Self {
        Self {
            verdict: DROP,
            reasons: vec![reason],
            frame: frame.to_vec(),
        }
    }

    /// Sent back out of the interface that it came in by, looking like this.
    pub fn sent(frame: &[u8]) -> Self {
        Self {
            verdict: TX,
            reasons: Vec::new(),
            frame: frame.to_vec(),
        }
    }

    /// Sent out of the other interface, looking like this.
    pub fn redirected(frame: &[u8]) -> Self {
        Self {
            verdict: REDIRECT,
            reasons: Vec::new(),
            frame: frame.to_vec(),
        }
    }
}

/// The bytes of a frame from the router to the director.
pub fn incoming(frame: &Frame) -> Vec<u8> {
    frame.clone().macs(ROUTER, OWN).bytes()
}

/// A service's address, as it is written.
pub fn service(text: &str) -> ServiceAddress {
    let (protocol, rest) = text.split_once("://").expect("PROTOCOL://ADDRESS:PORT");
    let address: SocketAddr = rest.parse().expect("an address");
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => Protocol::Sctp,
        other => panic!("{other} is no protocol of a service"),
    };
    ServiceAddress {
        protocol,
        vip: address.ip(),
        port: address.port(),
    }
}

/// A service's address or mark, as it is written: `mark 5`, `mark 5 ipv6`.
pub fn identity(text: &str) -> ServiceIdentity {
    let Some(mark) = text.strip_prefix("mark ") else {
        return service(text).into();
    };
    let (number, family) = match mark.strip_suffix(" ipv6") {
        Some(number) => (number, Family::Ipv6),
        None => (mark, Family::Ipv4),
    };
    let number = number.parse().expect("a mark");
    Mark { number, family }.into()
}

pub fn tcp(client: &str, service: &str, flags: TcpFlags) -> Frame {
    Frame::tcp(
        client.parse().expect("a client"),
        service.parse().expect("a service"),
    )
    .flags(flags)
}

pub fn udp(client: &str, service: &str) -> Frame {
    Frame::udp(
        client.parse().expect("a client"),
        service.parse().expect("a service"),
    )
}

/// An SCTP packet with one chunk.
pub fn sctp(client: &str, service: &str, chunk: ChunkType) -> Frame {
    Frame::sctp(
        client.parse().expect("a client"),
        service.parse().expect("a service"),
    )
    .chunk(chunk, &[0; 16])
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
