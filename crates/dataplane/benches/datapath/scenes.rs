//! What is measured.

use aya::programs::ProgramFd;
use dray_dataplane::Capacity;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

use crate::{
    common::{Director, OWN, ROUTER, tcp, udp},
    measure::{Bench, Flows, Row, Sample},
};

const ONE_FLOW: u32 = 2_000_000;
const MANY: u32 = 1 << 20;
const OPENED: u32 = 1 << 18;

const VIP4: &str = "10.0.0.100:80";
const VIP6: &str = "[fd00::100]:80";

const CAPACITY: Capacity = Capacity {
    connections: MANY,
    services: 16_384,
    destinations: 131_072,
    words: 1 << 22,
    hops: 131_072,
};

pub(crate) fn established(bench: &mut Bench) -> Vec<Row> {
    let mut director = director();
    let cases = [
        ("IPv4 TCP", tcp("10.128.0.1:16384", VIP4, TcpFlags::ACK)),
        ("IPv4 UDP", udp("10.128.0.1:16384", VIP4)),
        ("IPv6 TCP", tcp("[fd00::a80:1]:16384", VIP6, TcpFlags::ACK)),
        ("IPv6 UDP", udp("[fd00::a80:1]:16384", VIP6)),
    ];
    let mut rows = Vec::new();
    for (name, frame) in cases {
        open_flows(bench, &mut director, &frame, Flows::ONE);
        let sample = of(bench, &mut director, &frame, Flows::ONE, ONE_FLOW);
        rows.push(Row::new(name, sample));
    }
    rows
}

pub(crate) fn cold(bench: &mut Bench) -> Vec<Row> {
    let flows = Flows {
        count: MANY,
        first: 0,
        shuffled: true,
    };
    let mut rows = Vec::new();
    for (name, frame) in [
        ("IPv4 TCP", tcp("10.128.0.1:16384", VIP4, TcpFlags::ACK)),
        ("IPv6 TCP", tcp("[fd00::a80:1]:16384", VIP6, TcpFlags::ACK)),
    ] {
        let mut director = director();
        open_flows(bench, &mut director, &frame, flows);
        rows.push(Row::new(
            name,
            of(bench, &mut director, &frame, flows, MANY),
        ));
    }
    rows
}

pub(crate) fn services(bench: &mut Bench) -> Vec<Row> {
    let frame = tcp("10.128.0.1:16384", VIP4, TcpFlags::ACK);
    let mut samples: Vec<(u32, Sample)> = Vec::new();
    for count in [1, 100, 10_000] {
        let mut director = director();
        for number in 1..count {
            let [_, _, high, low] = u32::to_be_bytes(number);
            director.service(
                &format!("tcp://10.9.{high}.{low}:80"),
                Kind::RoundRobin,
                &[1; 10],
            );
        }
        open_flows(bench, &mut director, &frame, Flows::ONE);
        samples.push((
            count,
            of(bench, &mut director, &frame, Flows::ONE, ONE_FLOW),
        ));
    }
    let (_, one) = samples[0];
    samples
        .iter()
        .map(|(count, sample)| Row::against(format!("{count} services"), *sample, one))
        .collect()
}

pub(crate) fn new_connections(bench: &mut Bench) -> Vec<Row> {
    let kinds = [
        ("rr", Kind::RoundRobin),
        ("wrr", Kind::WeightedRoundRobin),
        ("wlc", Kind::WeightedLeastConnection),
        (
            "sh",
            Kind::SourceHash {
                fallback: false,
                port: false,
            },
        ),
        (
            "mh",
            Kind::MaglevHash {
                fallback: false,
                port: false,
            },
        ),
    ];
    let syn = tcp("10.128.0.1:16384", VIP4, TcpFlags::SYN);
    let mut rows = Vec::new();
    for (name, kind) in kinds {
        let mut three: Option<Sample> = None;
        for reals in [3, 32, 1000] {
            let mut director = Director::with(CAPACITY);
            let weights: Vec<u32> = (0..reals).map(|number| 1 + number % 3).collect();
            director.service(&format!("tcp://{VIP4}"), kind, &weights);
            let flows = Flows {
                count: MANY,
                first: 0,
                shuffled: true,
            };
            let (fd, bytes) = (fd(&mut director), bytes(&syn));
            let repeat = if name == "wlc" && reals == 1000 {
                OPENED / 64
            } else {
                OPENED
            };
            let sample = bench.measure(&fd, &bytes, &bytes, flows, repeat, |_| {
                director.private.data_plane().forget_connections()
            });
            let row = Row::against(
                format!("{name}, {reals} real servers"),
                sample,
                three.unwrap_or(sample),
            );
            println!(
                "<!-- {name} {reals}: {:.0} connections per second -->",
                1e9 / sample.net
            );
            three.get_or_insert(sample);
            rows.push(row);
        }
    }
    rows
}

pub(crate) fn not_ours(bench: &mut Bench) -> Vec<Row> {
    let mut director = director();
    let elsewhere = "10.0.0.7:22";
    [
        (
            "TCP, no SYN",
            tcp("10.128.0.1:16384", elsewhere, TcpFlags::ACK),
        ),
        ("TCP SYN", tcp("10.128.0.1:16384", elsewhere, TcpFlags::SYN)),
        ("UDP", udp("10.128.0.1:16384", elsewhere)),
        (
            "ICMP",
            Frame::icmp([10, 128, 0, 1].into(), [10, 0, 0, 100].into(), 8, 0, [0; 4])
                .payload(&[0; 60]),
        ),
    ]
    .into_iter()
    .map(|(name, frame)| Row::new(name, of(bench, &mut director, &frame, Flows::ONE, ONE_FLOW)))
    .collect()
}

/// Kernel memory of the connection tables.
pub(crate) fn memory() {
    let mut director = Director::with(CAPACITY);
    let plane = director.private.data_plane();
    let (ipv4, ipv6) = plane.table_bytes();
    let each = |bytes: u64| bytes as f64 / plane.max_connections() as f64;
    println!("## Kernel memory for each connection that the table is made for\n");
    println!("| | bytes |\n|---|---:|");
    println!("| IPv4 | {:.1} |\n| IPv6 | {:.1} |", each(ipv4), each(ipv6));
}

/// One service of each family and protocol, with three real servers.
fn director() -> Director {
    let mut director = Director::with(CAPACITY);
    for service in [VIP4, VIP6] {
        director.service(&format!("tcp://{service}"), Kind::RoundRobin, &[1; 3]);
        director.service(&format!("udp://{service}"), Kind::RoundRobin, &[1; 3]);
    }
    director
}

/// Opens the connections that the frame's flows belong to.
fn open_flows(bench: &mut Bench, director: &mut Director, frame: &Frame, flows: Flows) {
    let fd = fd(director);
    bench.run(
        &fd,
        &bytes(&frame.clone().flags_if_tcp(TcpFlags::SYN)),
        flows,
        flows.count,
    );
    bench.run(&fd, &bytes(frame), flows, flows.count);
}

fn of(
    bench: &mut Bench,
    director: &mut Director,
    frame: &Frame,
    flows: Flows,
    repeat: u32,
) -> Sample {
    let fd = fd(director);
    let unit = bytes(&tcp("10.128.0.1:16384", VIP4, TcpFlags::ACK));
    bench.measure(&fd, &bytes(frame), &unit, flows, repeat, |_| ())
}

fn fd(director: &mut Director) -> ProgramFd {
    director
        .private
        .director()
        .fd()
        .expect("a loaded program")
        .try_clone()
        .expect("a handle")
}

/// At least 100 bytes, so that every header and the wrapper's window fit.
fn bytes(frame: &Frame) -> Vec<u8> {
    let mut bytes = frame.clone().macs(ROUTER, OWN).bytes();
    bytes.resize(bytes.len().max(100), 0);
    bytes
}

trait FlagsIfTcp {
    fn flags_if_tcp(self, flags: TcpFlags) -> Self;
}

impl FlagsIfTcp for Frame {
    fn flags_if_tcp(self, flags: TcpFlags) -> Self {
        // Of the benchmark's frames, those of TCP have an ACK in byte 13 of their transport header.
        let at = self.transport_offset();
        let is_tcp = self.bytes().get(at + 13) == Some(&0x10);
        if is_tcp { self.flags(flags) } else { self }
    }
}
