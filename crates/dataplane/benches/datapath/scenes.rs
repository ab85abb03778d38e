//! What is measured.

use dray_dataplane::{Capacity, TableBytes};
use dray_model::Family;
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

use crate::{
    common::{Director, OWN, ROUTER, persistent, tcp, udp},
    measure::{Bench, Contender, FlowAt, Flows, Row, handle},
};

/// Packets of a round with one flow: about 20 ms.
pub(crate) const HOT: u32 = 300_000;
/// Flows of the cold tables, and packets of a round there.
const COLD: u32 = 1 << 20;
/// Connections opened in a round.
const OPENED: u32 = 1 << 17;

const VIP4: &str = "10.0.0.100:80";
const VIP6: &str = "[fd00::100]:80";

pub(crate) fn established(bench: &mut Bench) -> Vec<Row> {
    let mut director = director(1 << 16);
    let mut contenders = Vec::new();
    for (name, first, next) in established_frames() {
        let contender = contender(&mut director, name, &next, Flows::ONE, HOT);
        open(bench, &contender, &first);
        contenders.push(contender);
    }
    bench.measure(9, &mut contenders)
}

/// What persistence costs: connections of clients that are known, and their packets.
pub(crate) fn persistence(bench: &mut Bench) -> Vec<Row> {
    let mut director = Director::with(capacity(OPENED));
    let plain = "10.0.0.101:80";
    let options = persistent(360, Family::Ipv4);
    director.service(&format!("tcp://{plain}"), Kind::RoundRobin, &[1; 3]);
    director.service_with(&format!("tcp://{VIP4}"), Kind::RoundRobin, options, &[1; 3]);
    let mut contenders = Vec::new();
    for (name, vip) in [("not persistent", plain), ("persistent", VIP4)] {
        let [first, next] = [TcpFlags::SYN, TcpFlags::ACK].map(|flags| tcp(CLIENT4, vip, flags));
        let contender = contender(&mut director, name, &next, Flows::ONE, HOT);
        open(bench, &contender, &first);
        contenders.push(contender);
    }
    bench.measure(9, &mut contenders)
}

pub(crate) fn cold(bench: &mut Bench) -> Vec<Row> {
    let flows = Flows {
        count: COLD,
        shuffled: true,
    };
    let mut director = director(2 * COLD);
    let mut contenders = Vec::new();
    for (name, first, next) in established_frames().into_iter().step_by(2) {
        let contender = contender(&mut director, name, &next, flows, COLD);
        open(bench, &contender, &first);
        contenders.push(contender);
    }
    bench.measure(3, &mut contenders)
}

pub(crate) fn services(bench: &mut Bench) -> Vec<Row> {
    let mut contenders = Vec::new();
    let mut directors = Vec::new();
    for count in [1u32, 100, 10_000] {
        let mut director = director(1 << 16);
        for number in 1..count {
            let [_, _, high, low] = number.to_be_bytes();
            director.service(
                &format!("tcp://10.9.{high}.{low}:80"),
                Kind::RoundRobin,
                &[1; 10],
            );
        }
        let [first, next] = [TcpFlags::SYN, TcpFlags::ACK].map(|flags| tcp(CLIENT4, VIP4, flags));
        let name = format!("{count} services");
        let contender = contender(&mut director, &name, &next, Flows::ONE, HOT);
        open(bench, &contender, &first);
        contenders.push(contender);
        directors.push(director);
    }
    bench.measure(9, &mut contenders)
}

/// Every scheduler, by its name.
const KINDS: [(&str, Kind); 14] = [
    ("rr", Kind::RoundRobin),
    ("wrr", Kind::WeightedRoundRobin),
    ("lc", Kind::LeastConnection),
    ("wlc", Kind::WeightedLeastConnection),
    ("sed", Kind::ShortestExpectedDelay),
    ("nq", Kind::NeverQueue),
    ("lblc", Kind::LocalityBased),
    ("lblcr", Kind::LocalityBasedReplicated),
    ("dh", Kind::DestinationHash),
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
    ("fo", Kind::Failover),
    ("ovf", Kind::Overflow),
    ("twos", Kind::PowerOfTwo),
];

/// Whether the scheduler looks at every real server for a connection.
fn looks_at_all(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::RoundRobin
            | Kind::WeightedRoundRobin
            | Kind::DestinationHash
            | Kind::SourceHash { .. }
            | Kind::MaglevHash { .. }
    )
}

pub(crate) fn new_connections(bench: &mut Bench) -> Vec<Row> {
    let flows = Flows {
        count: OPENED,
        shuffled: true,
    };
    let syn = tcp(CLIENT4, VIP4, TcpFlags::SYN);
    let mut rows = Vec::new();
    for (name, kind) in KINDS {
        let mut directors: Vec<(u32, Director)> = [3, 32, 1000]
            .map(|reals| {
                let mut director = Director::with(capacity(OPENED));
                let weights: Vec<u32> = (0..reals).map(|number| 1 + number % 3).collect();
                director.service(&format!("tcp://{VIP4}"), kind, &weights);
                (reals, director)
            })
            .into();
        let mut contenders: Vec<Contender<'_>> = directors
            .iter_mut()
            .map(|(reals, director)| {
                let repeat = if looks_at_all(kind) && *reals == 1000 {
                    OPENED / 32
                } else {
                    OPENED
                };
                let mut contender = contender(
                    director,
                    &format!("{name}, {reals} real servers"),
                    &syn,
                    flows,
                    repeat,
                );
                let plane = director.private.data_plane();
                contender.prepare = Box::new(|| plane.forget_connections());
                contender
            })
            .collect();
        rows.extend(bench.measure(3, &mut contenders));
    }
    rows
}

pub(crate) fn not_ours(bench: &mut Bench) -> Vec<Row> {
    let mut director = director(1 << 16);
    let elsewhere = "10.0.0.7:22";
    let ping = Frame::icmp([10, 128, 0, 1].into(), [10, 0, 0, 100].into(), 8, 0, [0; 4]);
    let frames = [
        ("TCP without SYN", tcp(CLIENT4, elsewhere, TcpFlags::ACK)),
        ("TCP SYN", tcp(CLIENT4, elsewhere, TcpFlags::SYN)),
        ("UDP", udp(CLIENT4, elsewhere)),
        ("ICMP", ping.payload(&[0; 60])),
    ];
    let mut contenders =
        frames.map(|(name, frame)| contender(&mut director, name, &frame, Flows::ONE, HOT));
    bench.measure(5, &mut contenders)
}

/// Kernel memory of the connection tables.
pub(crate) fn memory(title: &str) {
    let mut director = Director::with(capacity(COLD));
    let plane = director.private.data_plane();
    let TableBytes {
        ipv4,
        ipv6,
        templates,
        translations,
    } = plane.table_bytes();
    let each = |bytes: u64| bytes as f64 / f64::from(COLD);
    println!("## {title}\n");
    println!("| | bytes |\n|---|---:|");
    for (name, bytes) in [
        ("IPv4", ipv4),
        ("IPv6", ipv6),
        ("templates", templates),
        ("translations", translations),
    ] {
        println!("| {name} | {:.1} |", each(bytes));
    }
}

/// What the bare lookup is given.
pub(crate) fn unit_frame() -> Vec<u8> {
    bytes(&tcp(CLIENT4, VIP4, TcpFlags::ACK))
}

pub(crate) const CLIENT4: &str = "10.128.0.1:16384";
pub(crate) const CLIENT6: &str = "[fd00::a80:1]:16384";

/// Name, a connection's first frame, and one of its later ones.
fn established_frames() -> [(&'static str, Frame, Frame); 4] {
    let both = |client, vip| [TcpFlags::SYN, TcpFlags::ACK].map(|flags| tcp(client, vip, flags));
    let ([syn4, ack4], [syn6, ack6]) = (both(CLIENT4, VIP4), both(CLIENT6, VIP6));
    [
        ("IPv4 TCP", syn4, ack4),
        ("IPv4 UDP", udp(CLIENT4, VIP4), udp(CLIENT4, VIP4)),
        ("IPv6 TCP", syn6, ack6),
        ("IPv6 UDP", udp(CLIENT6, VIP6), udp(CLIENT6, VIP6)),
    ]
}

pub(crate) const fn capacity(connections: u32) -> Capacity {
    Capacity {
        connections,
        translations: connections,
        services: 16_384,
        destinations: 131_072,
        words: 1 << 22,
        hops: 131_072,
    }
}

/// One service of each family and protocol, with three real servers.
fn director(connections: u32) -> Director {
    let mut director = Director::with(capacity(connections));
    for service in [VIP4, VIP6] {
        director.service(&format!("tcp://{service}"), Kind::RoundRobin, &[1; 3]);
        director.service(&format!("udp://{service}"), Kind::RoundRobin, &[1; 3]);
    }
    director
}

/// Opens the connections of the contender's flows.
fn open(bench: &mut Bench, contender: &Contender<'_>, first: &Frame) {
    let Contender {
        program,
        frame,
        flows,
        flow_at,
        ..
    } = contender;
    for frame in [&bytes(first), frame] {
        bench.run_frame(program, frame, (*flows, *flow_at), flows.count);
    }
}

pub(crate) fn contender<'a>(
    director: &mut Director,
    name: &str,
    frame: &Frame,
    flows: Flows,
    repeat: u32,
) -> Contender<'a> {
    Contender {
        name: name.to_owned(),
        program: handle(director.private.director().expect("the program loads")),
        frame: bytes(frame),
        flows,
        flow_at: FlowAt::Source,
        repeat,
        prepare: Box::new(|| ()),
    }
}

/// At least 100 bytes, so that every header and the wrapper's window fit.
pub(crate) fn bytes(frame: &Frame) -> Vec<u8> {
    let mut bytes = frame.clone().macs(ROUTER, OWN).bytes();
    bytes.resize(bytes.len().max(100), 0);
    bytes
}
