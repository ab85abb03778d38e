//! Many connections whose addresses are changed come and go, and nothing of them stays.

mod common;

use std::time::Duration;

use common::*;
use dray_dataplane::{Capacity, Occupancy};
use dray_model::ServiceOptions;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

/// Connections that are open at the same time.
const BATCH: u32 = 5000;
/// Twice a batch, because every second one is left to packets to end.
const ROOM: Capacity = Capacity {
    connections: 8 * BATCH,
    translations: 8 * BATCH,
    ..CAPACITY
};
/// IPVS's time for a closed connection is 10 s.
const CLOSED: Duration = Duration::from_secs(11);

const VIP: &str = "10.0.0.100:80";
const REAL: &str = "10.1.0.1:8080";

/// Where a frame that is built once tells the client, so that a million others need not be built.
#[derive(Clone)]
struct Template {
    bytes: Vec<u8>,
    address: usize,
    port: usize,
}

impl Template {
    const SOURCE: (usize, usize) = (26, 34);
    const DESTINATION: (usize, usize) = (30, 36);

    fn new(frame: Frame, (address, port): (usize, usize)) -> Self {
        Self {
            bytes: incoming(&frame),
            address,
            port,
        }
    }

    fn with(&mut self, address: [u8; 4], port: u16) -> &[u8] {
        self.bytes[self.address..self.address + 4].copy_from_slice(&address);
        self.bytes[self.port..self.port + 2].copy_from_slice(&port.to_be_bytes());
        &self.bytes
    }
}

/// Opens so many connections through `real`, in batches, which the real server closes.
fn come_and_go(director: &mut Director, real: Real, connections: u32) -> u32 {
    let options = ServiceOptions::default();
    let service = format!("tcp://{VIP}");
    let number = director.service_to(&service, Kind::RoundRobin, options, &[real])[0];
    let client = |flags| Template::new(tcp("192.0.2.1:1", VIP, flags), Template::SOURCE);
    let [mut syn, mut ack] = [client(TcpFlags::SYN), client(TcpFlags::ACK)];
    let reset = tcp(REAL, "192.0.2.1:1", TcpFlags::RST);
    let mut reset = Template::new(reset, Template::DESTINATION);
    for batch in 0..connections / BATCH {
        for index in 0..BATCH {
            let connection = batch * BATCH + index;
            let port = 1024 + (connection & 0x7fff) as u16;
            let address = (0x6440_0000 + (connection >> 15)).to_be_bytes();
            let out = forwarded(director, syn.with(address, port));
            // Who the real server sees is who it answers.
            let seen = [out[26], out[27], out[28], out[29]];
            let answered = u16::from_be_bytes([out[34], out[35]]);
            forwarded(director, ack.with(address, port));
            let back = forwarded(director, reset.with(seen, answered));
            assert_eq!(
                (&back[30..34], &back[36..38]),
                (&address[..], &port.to_be_bytes()[..])
            );
        }
        director.advance(CLOSED);
        // In between they are ended by packets of others, which find their time over, as far as they need the room.
        if batch % 2 == 1 {
            director.sweep();
            assert_eq!(occupancy(director), Occupancy::default(), "batch {batch}");
        }
    }
    number
}

fn forwarded(director: &mut Director, bytes: &[u8]) -> Vec<u8> {
    let outcome = director
        .private
        .run(bytes)
        .expect("a frame the kernel takes");
    assert_eq!(outcome.verdict, TX, "{:?}", director.counted());
    outcome.frame
}

fn occupancy(director: &mut Director) -> Occupancy {
    director.private.data_plane().occupancy()
}

fn nothing_is_left(director: &mut Director, destination: u32, connections: u32) {
    assert_eq!(director.live(destination), (0, 0));
    assert_eq!(
        director.counters(destination).connections,
        u64::from(connections)
    );
    assert_eq!(director.counted(), [], "nothing was out of the ordinary");
    assert_eq!(director.list(), []);
}

#[test]
fn a_million_nat_connections_leave_nothing() {
    const CONNECTIONS: u32 = 1_000_000;
    let mut director = Director::with(ROOM);
    let number = come_and_go(&mut director, Real::nat(REAL), CONNECTIONS);
    nothing_is_left(&mut director, number, CONNECTIONS);
}

#[test]
fn a_hundred_thousand_fullnat_connections_leave_no_port_taken() {
    const CONNECTIONS: u32 = 100_000;
    let mut director = Director::with(ROOM);
    // Enough for two batches, of which one is over, with some to choose from.
    director.locals(&["10.2.0.1", "10.2.0.2"], 1024..=11_023);
    let number = come_and_go(&mut director, Real::fullnat(REAL), CONNECTIONS);
    nothing_is_left(&mut director, number, CONNECTIONS);
}
