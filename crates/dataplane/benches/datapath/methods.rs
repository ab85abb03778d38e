//! What each forwarding method costs.

use dray_dataplane::Capacity;
use dray_model::{DataPlane as _, ServiceOptions, Tunnel, TunnelChecksum};
use dray_sched::Kind;
use dray_testkit::frames::{Frame, TcpFlags};

use crate::{
    common::{Director, Real, tcp},
    measure::{Bench, Contender, FlowAt, Flows, Row, handle},
    scenes::{CLIENT4, CLIENT6, HOT, bytes, capacity, contender},
};

const ROOM: Capacity = Capacity {
    translations: 1 << 16,
    ..capacity(1 << 16)
};

/// A way to a real server, and the packets that are measured on it.
struct Method {
    name: &'static str,
    vip: &'static str,
    real: Real,
    replies: bool,
}

/// Later packets of one connection by each method.
pub(crate) fn established(bench: &mut Bench) -> Vec<Row> {
    // The first line of each is of a director that has nothing else.
    let mut alone = Director::with(ROOM);
    let mut tunnelled = Director::with(ROOM);
    let mut all = Director::with(ROOM);
    let direct4 = Real::direct([10, 1, 0, 1].into(), 80);
    add(&mut alone, "10.0.0.100:80", direct4);
    add(
        &mut tunnelled,
        "10.0.0.100:80",
        Real::tunnel("10.1.0.2", "10.0.0.1", Tunnel::IpIp, 20),
    );
    let methods = methods();
    for method in &methods {
        add(&mut all, method.vip, method.real);
    }
    let mut contenders = vec![
        forward(bench, &mut alone, "DR, IPv4", "10.0.0.100:80"),
        forward(bench, &mut tunnelled, "IPIP, IPv4", "10.0.0.100:80"),
    ];
    for method in &methods {
        contenders.push(forward(bench, &mut all, method.name, method.vip));
        if method.replies {
            contenders.push(reply(&mut all, method));
        }
    }
    bench.measure(9, &mut contenders)
}

fn methods() -> Vec<Method> {
    let gre = Tunnel::Gre {
        checksum: TunnelChecksum::None,
    };
    let gue = Tunnel::Gue {
        port: 6080.try_into().expect("a port"),
        checksum: TunnelChecksum::None,
    };
    let one_way = |name, vip, real| Method {
        name,
        vip,
        real,
        replies: false,
    };
    let both_ways = |name, vip, real| Method {
        name,
        vip,
        real,
        replies: true,
    };
    let direct4 = Real::direct([10, 1, 0, 1].into(), 80);
    let direct6 = Real::direct("fd00:1::1".parse().expect("an address"), 80);
    let tunnel = |kind, overhead| Real::tunnel("10.1.0.2", "10.0.0.1", kind, overhead);
    vec![
        one_way("DR, IPv4, beside the others", "10.0.0.100:80", direct4),
        one_way(
            "IPIP, IPv4, beside the others",
            "10.0.0.101:80",
            tunnel(Tunnel::IpIp, 20),
        ),
        one_way("GRE, IPv4", "10.0.0.102:80", tunnel(gre, 24)),
        one_way("GUE, IPv4", "10.0.0.103:80", tunnel(gue, 32)),
        both_ways("NAT, IPv4", "10.0.0.104:80", Real::nat("10.1.0.4:8080")),
        both_ways(
            "FULLNAT, IPv4",
            "10.0.0.105:80",
            Real::fullnat("10.1.0.5:8080"),
        ),
        one_way("DR, IPv6", "[fd00::100]:80", direct6),
        both_ways("NAT, IPv6", "[fd00::104]:80", Real::nat("[fd00:1::4]:8080")),
    ]
}

fn add(director: &mut Director, vip: &str, real: Real) {
    let service = format!("tcp://{vip}");
    director.service_to(
        &service,
        Kind::RoundRobin,
        ServiceOptions::default(),
        &[real],
    );
    director.locals(&["10.2.0.1"], 1024..=65_535);
}

/// Packets of a client's, whose connection is opened.
fn forward(
    bench: &mut Bench,
    director: &mut Director,
    name: &str,
    vip: &str,
) -> Contender<'static> {
    let client = if vip.starts_with('[') {
        CLIENT6
    } else {
        CLIENT4
    };
    let [first, next] = [TcpFlags::SYN, TcpFlags::ACK].map(|flags| tcp(client, vip, flags));
    let contender = contender(director, name, &next, Flows::ONE, HOT);
    bench.run_frame(
        &contender.program,
        &bytes(&first),
        (Flows::ONE, FlowAt::Source),
        1,
    );
    contender
}

/// Packets of the real server's in that connection.
fn reply(director: &mut Director, method: &Method) -> Contender<'static> {
    let is_of_it = |vip: &str| vip.ends_with(method.vip);
    let connections = director
        .private
        .data_plane()
        .connections(&|connection| is_of_it(&connection.service.to_string()), 1);
    let connection = connections.first().expect("the client's packets opened it");
    let to = connection.local.unwrap_or(connection.client);
    let from = (method.real.address, method.real.port).into();
    let flow_at = if connection.local.is_some() {
        FlowAt::Nowhere
    } else {
        FlowAt::Destination
    };
    Contender {
        name: format!("{}, replies", method.name),
        program: handle(director.private.director().expect("the program loads")),
        frame: bytes(&Frame::tcp(from, to).flags(TcpFlags::ACK)),
        flows: Flows::ONE,
        flow_at,
        repeat: HOT,
        prepare: Box::new(|| ()),
    }
}
