//! FULLNAT: packets get an address of the director's as their source, too, so that replies come back from anywhere.

mod common;

use std::{collections::BTreeSet, net::SocketAddr, num::NonZeroU16};

use common::*;
use dray_model::{Rewrite, ServiceOptions};
use dray_sched::Kind;
use dray_testkit::frames::{ChunkType, Frame, IcmpError, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const PSH: TcpFlags = TcpFlags::PSH;

/// A client, a service, a real server and a local address of one family.
#[derive(Clone, Copy)]
struct Ends {
    client: &'static str,
    service: &'static str,
    real: &'static str,
    local: &'static str,
}

const V4: Ends = Ends {
    client: "192.0.2.1:4000",
    service: "10.0.0.100:80",
    real: "10.1.0.7:8080",
    local: "10.9.0.1",
};
const V6: Ends = Ends {
    client: "[2001:db8::1]:4000",
    service: "[fd00::100]:80",
    real: "[fd00:1::7]:8080",
    local: "fd00:9::1",
};
const BOTH: [Ends; 2] = [V4, V6];

/// A director with this real server for TCP, UDP and SCTP, and one local address with these ports.
fn director(ends: Ends, real: Real, ports: std::ops::RangeInclusive<u16>) -> Director {
    let mut director = Director::new();
    for protocol in ["tcp", "udp", "sctp"] {
        let identity = format!("{protocol}://{}", ends.service);
        director.service_to(
            &identity,
            Kind::RoundRobin,
            ServiceOptions::default(),
            &[real],
        );
    }
    director.locals(&[ends.local], ports);
    director
}

fn one_port(ends: Ends) -> Director {
    director(ends, Real::fullnat(ends.real), 5000..=5000)
}

/// A local address with the only port.
fn local(ends: Ends) -> String {
    SocketAddr::new(ends.local.parse().unwrap(), 5000).to_string()
}

fn to_real(frame: &Frame, destination: u32) -> Fate {
    Fate::sent(&frame.clone().ttl(63).macs(OWN, mac_of(destination)).bytes())
}

fn to_client(frame: &Frame) -> Fate {
    Fate::redirected(&frame.clone().ttl(63).macs(OWN, ROUTER).bytes())
}

/// Whether nothing is left of any connection.
fn assert_empty(director: &mut Director) {
    director.advance(seconds(100_000));
    director.sweep();
    let sweep = director.sweep();
    assert_eq!((sweep.alive, sweep.ended, sweep.translated), (0, 0, 0));
}

/// The source port of a frame without VLAN tags.
fn source_port(frame: &[u8]) -> u16 {
    let at = if frame[14] >> 4 == 6 { 54 } else { 34 };
    u16::from_be_bytes([frame[at], frame[at + 1]])
}

#[test]
fn a_connection_runs_both_ways_between_the_local_address_and_the_real_server() {
    for ends in BOTH {
        let mut director = one_port(ends);
        let local = &local(ends);
        let syn = director.fate_of(&tcp(ends.client, ends.service, SYN));
        assert_eq!(syn, to_real(&tcp(local, ends.real, SYN), 1));
        let answer = director.reply(&tcp(ends.real, local, SYN | ACK));
        assert_eq!(
            answer,
            to_client(&tcp(ends.service, ends.client, SYN | ACK))
        );
        let data = tcp(ends.client, ends.service, ACK).payload(&[3; 777]);
        let wanted = tcp(local, ends.real, ACK).payload(&[3; 777]);
        assert_eq!(director.fate_of(&data), to_real(&wanted, 1));
        assert_eq!(director.state(), "ESTABLISHED");
        assert_eq!(director.list().len(), 1);
        assert_empty(&mut director);
    }
}

#[test]
fn datagrams_and_sctp_run_both_ways() {
    for ends in BOTH {
        let mut director = one_port(ends);
        let local = &local(ends);
        let asked = director.fate_of(&udp(ends.client, ends.service).payload(b"question"));
        assert_eq!(
            asked,
            to_real(&udp(local, ends.real).payload(b"question"), 2)
        );
        let told = director.reply(&udp(ends.real, local).payload(b"answer"));
        assert_eq!(
            told,
            to_client(&udp(ends.service, ends.client).payload(b"answer"))
        );
        let init = director.fate_of(&sctp(ends.client, ends.service, ChunkType::INIT));
        assert_eq!(init, to_real(&sctp(local, ends.real, ChunkType::INIT), 3));
        let answer = director.reply(&sctp(ends.real, local, ChunkType::INIT_ACK));
        let wanted = sctp(ends.service, ends.client, ChunkType::INIT_ACK);
        assert_eq!(answer, to_client(&wanted));
        assert_empty(&mut director);
    }
}

#[test]
fn a_client_on_the_real_servers_network_or_the_real_server_itself_is_served() {
    let mut director = one_port(V4);
    let fate = director.fate_of(&tcp("10.1.0.7:4000", V4.service, SYN));
    assert_eq!(fate, to_real(&tcp(&local(V4), V4.real, SYN), 1));
}

#[test]
fn a_pool_is_used_up_wholly_and_then_says_so_and_ports_come_free_again() {
    for ends in BOTH {
        let mut director = director(ends, Real::fullnat(ends.real), 7000..=7049);
        let client = |number: u16| {
            let mut client: SocketAddr = ends.client.parse().unwrap();
            client.set_port(10_000 + number);
            client.to_string()
        };
        for round in 0..3 {
            let ports: BTreeSet<u16> = (0..50)
                .map(|number| {
                    let fate = director.fate_of(&tcp(&client(number), ends.service, SYN));
                    assert_eq!(fate.verdict, TX, "{round}: {:?}", fate.reasons);
                    source_port(&fate.frame)
                })
                .collect();
            assert_eq!(ports, (7000..7050).collect(), "no port serves twice");
            let syn = tcp(&client(50), ends.service, SYN);
            let wanted = Fate::dropped("ports-exhausted", &incoming(&syn));
            assert_eq!(director.fate_of(&syn), wanted);
            assert_eq!(director.live(1), (50, 0));
            director.advance(seconds(61));
            director.sweep();
        }
        assert_eq!(director.live(1), (0, 0));
        assert_empty(&mut director);
    }
}

#[test]
fn ports_of_connections_that_are_over_serve_again_though_nobody_sweeps() {
    for ends in BOTH {
        let mut director = one_port(ends);
        let mut client: SocketAddr = ends.client.parse().unwrap();
        for number in 0..20 {
            client.set_port(10_000 + number);
            let fate = director.fate_of(&tcp(&client.to_string(), ends.service, SYN));
            assert_eq!(
                fate,
                to_real(&tcp(&local(ends), ends.real, SYN), 1),
                "{number}"
            );
            director.advance(seconds(61));
        }
        assert_eq!(director.live(1), (1, 0));
        assert_empty(&mut director);
        assert_eq!(director.live(1), (0, 0));
    }
}

#[test]
fn without_a_local_address_nobody_is_served() {
    let mut director = Director::new();
    let real = Real::fullnat(V4.real);
    let options = ServiceOptions::default();
    director.service_to("tcp://10.0.0.100:80", Kind::RoundRobin, options, &[real]);
    let syn = tcp(V4.client, V4.service, SYN);
    assert_eq!(
        director.fate_of(&syn),
        Fate::dropped("ports-exhausted", &incoming(&syn))
    );
    assert!(director.list().is_empty());
}

#[test]
fn many_connections_get_pairs_of_their_own_over_all_addresses() {
    let mut director = director(V4, Real::fullnat(V4.real), 1024..=2023);
    let addresses = ["10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4"];
    director.locals(&addresses, 1024..=2023);
    let pairs: BTreeSet<[u8; 6]> = (0..2000_u16)
        .map(|number| {
            let client = format!("192.0.2.1:{}", 10_000 + number);
            let fate = director.fate_of(&tcp(&client, V4.service, SYN));
            assert_eq!(fate.verdict, TX, "{:?}", fate.reasons);
            let frame = fate.frame;
            [
                frame[26], frame[27], frame[28], frame[29], frame[34], frame[35],
            ]
        })
        .collect();
    assert_eq!(pairs.len(), 2000, "no pair serves twice");
    for last in 1..=4 {
        let share = pairs.iter().filter(|pair| pair[3] == last).count();
        assert!((300..700).contains(&share), "{last}: {share}");
    }
}

#[test]
fn the_same_pair_serves_once_for_each_real_server() {
    let mut director = Director::new();
    let reals = ["10.1.0.7:8080", "10.1.0.8:8080"];
    let list = reals.map(Real::fullnat);
    director.service_to(
        "tcp://10.0.0.100:80",
        Kind::RoundRobin,
        ServiceOptions::default(),
        &list,
    );
    director.locals(&[V4.local], 5000..=5000);
    let mut left = BTreeSet::new();
    for number in 0..2 {
        let client = format!("192.0.2.1:{}", 10_000 + number);
        let fate = director.fate_of(&tcp(&client, V4.service, SYN));
        assert_eq!((fate.verdict, source_port(&fate.frame)), (TX, 5000));
        left.insert(fate.frame[30..34].to_vec());
    }
    assert_eq!(left.len(), 2);
}

#[test]
fn errors_reach_the_other_side_and_hide_who_is_not_to_be_known() {
    let mut director = one_port(V4);
    let local = &local(V4);
    director.fate_of(&tcp(V4.client, V4.service, SYN));
    let address = |text: &str| text.parse::<SocketAddr>().unwrap().ip();
    let router = "203.0.113.1".parse().unwrap();
    let sent = tcp(V4.service, V4.client, ACK);
    let error = Frame::icmp_error(
        router,
        address(V4.service),
        IcmpError::HostUnreachable,
        &sent,
    );
    let inside = director.fate_of(&error);
    assert_eq!((inside.verdict, &inside.reasons[..]), (TX, &[][..]));
    assert_eq!(
        inside.frame[26..30],
        [10, 9, 0, 1],
        "from the local address"
    );
    assert_eq!(inside.frame[30..34], [10, 1, 0, 7], "to the real server");
    assert_eq!(
        inside.frame[42 + 12..42 + 20],
        [10, 1, 0, 7, 10, 9, 0, 1],
        "about its packet"
    );
    let sent = tcp(local, V4.real, ACK);
    let error = Frame::icmp_error(router, address(local), IcmpError::HostUnreachable, &sent);
    let outside = director.reply(&error);
    assert_eq!((outside.verdict, &outside.reasons[..]), (REDIRECT, &[][..]));
    assert_eq!(
        outside.frame[26..34],
        [10, 0, 0, 100, 192, 0, 2, 1],
        "from the VIP to the client"
    );
    assert_eq!(
        outside.frame[42 + 12..42 + 20],
        [192, 0, 2, 1, 10, 0, 0, 100],
        "about its packet"
    );
}

/// A director that tells its real server the client's address.
fn telling(ends: Ends, mtu: u32) -> Director {
    let mut real = Real::fullnat(ends.real);
    if let Rewrite::FullNat { address_option, .. } = &mut real.hop.rewrite {
        *address_option = Some(254);
    }
    real.hop.mtu = mtu;
    director(ends, real, 5000..=5000)
}

/// The option that tells the client's address.
fn option(client: &str) -> Vec<u8> {
    let client: SocketAddr = client.parse().unwrap();
    let mut option = match client.ip() {
        std::net::IpAddr::V4(address) => [&[254, 8, 0, 0][..], &address.octets()].concat(),
        std::net::IpAddr::V6(address) => [&[254, 20, 0, 0][..], &address.octets()].concat(),
    };
    option[2..4].copy_from_slice(&client.port().to_be_bytes());
    option
}

#[test]
fn packets_that_acknowledge_no_data_tell_the_clients_address() {
    for ends in BOTH {
        let mut director = telling(ends, 1500);
        let local = &local(ends);
        director.fate_of(&tcp(ends.client, ends.service, SYN));
        director.reply(&tcp(ends.real, local, SYN | ACK).sequence(u32::MAX));
        let option = option(ends.client);
        for (flags, payload) in [(ACK, &[][..]), (PSH | ACK, b"GET / HTTP/1.1\r\n\r\n")] {
            let sent = tcp(ends.client, ends.service, flags)
                .acknowledgement(0)
                .payload(payload);
            let wanted = tcp(local, ends.real, flags)
                .acknowledgement(0)
                .payload(payload);
            assert_eq!(
                director.fate_of(&sent),
                to_real(&wanted.tcp_options(&option), 1)
            );
        }
        let later = tcp(ends.client, ends.service, ACK).acknowledgement(1000);
        let wanted = tcp(local, ends.real, ACK).acknowledgement(1000);
        assert_eq!(director.fate_of(&later), to_real(&wanted, 1));
    }
}

#[test]
fn own_options_follow_the_address_and_what_has_no_room_goes_without() {
    let mut director = telling(V4, 1500);
    let local = &local(V4);
    director.fate_of(&tcp(V4.client, V4.service, SYN));
    director.reply(&tcp(V4.real, local, SYN | ACK).sequence(9));
    let ack = |options: &[u8], payload: usize| {
        let shaped = |frame: Frame, options: &[u8]| {
            frame
                .acknowledgement(10)
                .tcp_options(options)
                .payload(&vec![5; payload])
        };
        let sent = shaped(tcp(V4.client, V4.service, ACK), options);
        let with = [&option(V4.client)[..], options].concat();
        let told = (with.len() <= 40).then(|| shaped(tcp(local, V4.real, ACK), &with));
        (sent, told, shaped(tcp(local, V4.real, ACK), options))
    };
    let timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    let (sent, told, _) = ack(&timestamps, 0);
    assert_eq!(director.fate_of(&sent), to_real(&told.unwrap(), 1));
    let (sent, told, _) = ack(&timestamps, 1500 - 52 - 8);
    assert_eq!(director.fate_of(&sent), to_real(&told.unwrap(), 1));
    let (sent, _, untold) = ack(&timestamps, 1500 - 52 - 7);
    assert_eq!(
        director.fate_of(&sent),
        to_real(&untold, 1),
        "no room in the packet"
    );
    let (sent, told, untold) = ack(&[1; 36], 0);
    assert!(told.is_none());
    assert_eq!(
        director.fate_of(&sent),
        to_real(&untold, 1),
        "no room in the header"
    );
}

#[test]
fn segments_are_limited_both_ways() {
    let mut real = Real::fullnat(V4.real);
    real.hop.mss = NonZeroU16::new(1300);
    let mut director = director(V4, real, 5000..=5000);
    let local = &local(V4);
    let announcing = |frame: Frame, size: u16| {
        let [high, low] = size.to_be_bytes();
        frame.tcp_options(&[2, 4, high, low])
    };
    let syn = director.fate_of(&announcing(tcp(V4.client, V4.service, SYN), 1460));
    assert_eq!(syn, to_real(&announcing(tcp(local, V4.real, SYN), 1300), 1));
    let answer = director.reply(&announcing(tcp(V4.real, local, SYN | ACK), 1460));
    let wanted = announcing(tcp(V4.service, V4.client, SYN | ACK), 1300);
    assert_eq!(answer, to_client(&wanted));
}
