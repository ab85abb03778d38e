//! NAT: packets get the real server's address, and its replies come back through the director as the VIP's.

mod common;

use common::*;
use dray_model::{Family, Rewrite, ServiceOptions};
use dray_sched::Kind;
use dray_testkit::frames::{ChunkType, Frame, IcmpError, TcpFlags};

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;
const FIN: TcpFlags = TcpFlags::FIN;

/// A client, a service and a real server of one family.
#[derive(Clone, Copy)]
struct Ends {
    client: &'static str,
    service: &'static str,
    real: &'static str,
}

const V4: Ends = Ends {
    client: "192.0.2.1:4000",
    service: "10.0.0.100:80",
    real: "10.1.0.7:8080",
};
const V6: Ends = Ends {
    client: "[2001:db8::1]:4000",
    service: "[fd00::100]:80",
    real: "[fd00:1::7]:8080",
};
const BOTH: [Ends; 2] = [V4, V6];

/// A director with a NAT real server for each protocol.
fn director(ends: Ends) -> Director {
    director_with(ends, ServiceOptions::default())
}

fn director_with(ends: Ends, options: ServiceOptions) -> Director {
    let mut director = Director::new();
    for protocol in ["tcp", "udp", "sctp"] {
        let identity = format!("{protocol}://{}", ends.service);
        let options = if protocol == "udp" {
            options
        } else {
            ServiceOptions {
                one_packet: false,
                ..options
            }
        };
        director.service_to(
            &identity,
            Kind::RoundRobin,
            options,
            &[Real::nat(ends.real)],
        );
    }
    director
}

/// What the client's frame becomes, whose real server is that of this destination.
fn to_real(frame: &Frame, destination: u32) -> Fate {
    Fate::sent(&frame.clone().ttl(63).macs(OWN, mac_of(destination)).bytes())
}

/// What a reply becomes that came in by the second port: it leaves by the first one, to the client's router.
fn to_client(frame: &Frame) -> Fate {
    Fate::redirected(&frame.clone().ttl(63).macs(OWN, ROUTER).bytes())
}

/// Opens a TCP connection.
fn open(director: &mut Director, ends: Ends) {
    let Ends {
        client,
        service,
        real,
    } = ends;
    let syn = director.fate_of(&tcp(client, service, SYN));
    assert_eq!(syn, to_real(&tcp(client, real, SYN), 1));
    let answer = director.reply(&tcp(real, client, SYN | ACK));
    assert_eq!(answer, to_client(&tcp(service, client, SYN | ACK)));
    let ack = director.fate_of(&tcp(client, service, ACK));
    assert_eq!(ack, to_real(&tcp(client, real, ACK), 1));
}

/// Whether nothing is left of any connection.
fn assert_empty(director: &mut Director) {
    director.advance(seconds(100_000));
    director.sweep();
    let sweep = director.sweep();
    assert_eq!((sweep.alive, sweep.ended, sweep.translated), (0, 0, 0));
}

#[test]
fn a_connection_runs_both_ways_through_the_director() {
    for ends in BOTH {
        let mut director = director(ends);
        open(&mut director, ends);
        let data = tcp(ends.service, ends.client, ACK).payload(&[7; 333]);
        let reply = tcp(ends.real, ends.client, ACK).payload(&[7; 333]);
        assert_eq!(director.reply(&reply), to_client(&data));
        let counters = director.counters(1);
        assert_eq!((counters.packets, counters.reply_packets), (2, 2));
        assert_eq!(director.list().len(), 1, "the return slot is none");
        assert_eq!(director.live(1), (1, 0));
        assert_empty(&mut director);
        assert_eq!(director.live(1), (0, 0));
    }
}

#[test]
fn the_state_follows_both_sides() {
    let mut director = director(V4);
    open(&mut director, V4);
    assert_eq!(director.state(), "ESTABLISHED");
    director.fate_of(&tcp(V4.client, V4.service, FIN | ACK));
    assert_eq!(director.state(), "CLOSE_WAIT");
    director.reply(&tcp(V4.real, V4.client, FIN | ACK));
    assert_eq!(director.state(), "TIME_WAIT");
    assert_eq!(director.live(1), (0, 1));
}

#[test]
fn datagrams_run_both_ways() {
    for ends in BOTH {
        let mut director = director(ends);
        let asked = director.fate_of(&udp(ends.client, ends.service).payload(b"question"));
        assert_eq!(
            asked,
            to_real(&udp(ends.client, ends.real).payload(b"question"), 2)
        );
        let told = director.reply(&udp(ends.real, ends.client).payload(b"answer"));
        assert_eq!(
            told,
            to_client(&udp(ends.service, ends.client).payload(b"answer"))
        );
        assert_empty(&mut director);
    }
}

#[test]
fn a_datagram_without_a_checksum_gets_one() {
    let mut director = director(V4);
    for length in 0..40 {
        let payload = vec![0xa5; length];
        let bare = udp(V4.client, V4.service)
            .payload(&payload)
            .without_udp_checksum();
        let whole = udp(V4.client, V4.real).payload(&payload);
        assert_eq!(director.fate_of(&bare), to_real(&whole, 2), "{length}");
    }
}

#[test]
fn sctp_gets_a_right_checksum_for_its_new_port() {
    for ends in BOTH {
        let mut director = director(ends);
        let init = director.fate_of(&sctp(ends.client, ends.service, ChunkType::INIT));
        assert_eq!(
            init,
            to_real(&sctp(ends.client, ends.real, ChunkType::INIT), 3)
        );
        let answer = director.reply(&sctp(ends.real, ends.client, ChunkType::INIT_ACK));
        let wanted = sctp(ends.service, ends.client, ChunkType::INIT_ACK);
        assert_eq!(answer, to_client(&wanted));
    }
}

#[test]
fn replies_follow_the_clients_latest_way() {
    let mut director = director(V4);
    open(&mut director, V4);
    let other = dray_model::Mac([2, 0, 0, 0, 0, 0x55]);
    let tagged = tcp(V4.client, V4.service, ACK).vlan(7).macs(other, OWN);
    director.fate(&tagged.bytes());
    let reply = director.reply(&tcp(V4.real, V4.client, ACK));
    let wanted = tcp(V4.service, V4.client, ACK)
        .ttl(63)
        .vlan(7)
        .macs(OWN, other);
    assert_eq!(reply, Fate::redirected(&wanted.bytes()));
    director.fate_on(
        1,
        &tcp(V4.client, V4.service, ACK)
            .macs(other, OTHER_PORT)
            .bytes(),
    );
    let reply = director.reply(&tcp(V4.real, V4.client, ACK));
    let wanted = tcp(V4.service, V4.client, ACK)
        .ttl(63)
        .macs(OTHER_PORT, other);
    assert_eq!(reply, Fate::sent(&wanted.bytes()));
}

#[test]
fn what_comes_of_a_connection_that_has_ended_is_the_hosts() {
    let mut director = director(V4);
    open(&mut director, V4);
    director.advance(seconds(1000));
    let late = tcp(V4.real, V4.client, ACK);
    let bytes = late.clone().macs(ROUTER, OTHER_PORT).bytes();
    for _ in 0..2 {
        assert_eq!(director.reply(&late), Fate::passed("no-connection", &bytes));
        director.sweep();
    }
}

#[test]
fn a_client_that_the_real_server_would_answer_itself_is_refused() {
    let mut director = Director::new();
    let mut real = Real::nat("192.0.2.200:80");
    if let Rewrite::Nat { shared, .. } = &mut real.hop.rewrite {
        *shared = Some(24);
    }
    director.service_to(
        "tcp://10.0.0.100:80",
        Kind::RoundRobin,
        ServiceOptions::default(),
        &[real],
    );
    let syn = tcp(V4.client, V4.service, SYN);
    assert_eq!(
        director.fate_of(&syn),
        Fate::dropped("hairpin", &incoming(&syn))
    );
    assert_eq!(director.live(1), (0, 0));
    let stranger = director.fate_of(&tcp("192.0.3.1:4000", V4.service, SYN));
    assert_eq!(
        stranger,
        to_real(&tcp("192.0.3.1:4000", "192.0.2.200:80", SYN), 1)
    );
    assert_empty(&mut director);
}

#[test]
fn a_port_that_comes_again_begins_anew_and_leaves_nothing() {
    let mut director = director(V4);
    for _ in 0..100 {
        open(&mut director, V4);
        director.fate_of(&tcp(V4.client, V4.service, FIN | ACK));
        director.reply(&tcp(V4.real, V4.client, FIN | ACK));
        assert_eq!(director.state(), "TIME_WAIT");
    }
    assert_eq!(director.live(1), (0, 1));
    assert_eq!(director.sweep().translated, 1);
    assert_empty(&mut director);
}

#[test]
fn more_connections_one_after_another_than_there_is_room_for_leave_nothing() {
    let mut director = director(V4);
    let slots = director.private.data_plane().translation_slots();
    let rounds = slots as u32 / 2000 + 3;
    for round in 0..rounds {
        for number in 0..2000_u32 {
            let client = format!(
                "192.0.2.{}:{}",
                1 + number / 1000,
                1000 + number % 1000 + round
            );
            let fate = director.fate_of(&tcp(&client, V4.service, SYN));
            assert_eq!(fate, to_real(&tcp(&client, V4.real, SYN), 1));
        }
        director.advance(seconds(61));
    }
    assert_empty(&mut director);
    assert_eq!(director.live(1), (0, 0));
}

#[test]
fn the_newest_connection_gets_the_answers_where_two_have_the_same() {
    let mut director = Director::new();
    let other = "10.0.0.101:80";
    for service in [V4.service, other] {
        let options = ServiceOptions::default();
        director.service_to(
            &format!("tcp://{service}"),
            Kind::RoundRobin,
            options,
            &[Real::nat(V4.real)],
        );
    }
    director.fate_of(&tcp(V4.client, V4.service, SYN));
    director.fate_of(&tcp(V4.client, other, SYN));
    let reply = director.reply(&tcp(V4.real, V4.client, SYN | ACK));
    assert_eq!(reply, to_client(&tcp(other, V4.client, SYN | ACK)));
    assert_empty(&mut director);
}

#[test]
fn templates_count_translated_connections_and_go_with_them() {
    let mut director = director_with(V4, persistent(300, Family::Ipv4));
    open(&mut director, V4);
    assert_eq!(director.templates()[0].state, "ASSURED");
    director.fate_of(&udp(V4.client, V4.service));
    assert_eq!(director.templates().len(), 2);
    assert_empty(&mut director);
    assert!(director.templates().is_empty());
}

#[test]
fn one_packet_scheduling_forwards_and_remembers_nothing() {
    let options = ServiceOptions {
        one_packet: true,
        ..ServiceOptions::default()
    };
    let mut director = director_with(V4, options);
    let asked = director.fate_of(&udp(V4.client, V4.service).payload(b"question"));
    assert_eq!(
        asked,
        to_real(&udp(V4.client, V4.real).payload(b"question"), 2)
    );
    assert!(director.list().is_empty());
    assert_eq!(director.sweep().translated, 0);
    let answer = udp(V4.real, V4.client);
    let bytes = answer.clone().macs(ROUTER, OTHER_PORT).bytes();
    assert_eq!(
        director.reply(&answer),
        Fate::passed("not-a-service", &bytes)
    );
}

#[test]
fn errors_about_either_side_reach_the_other() {
    for ends in BOTH {
        let mut director = director(ends);
        open(&mut director, ends);
        let address = |text: &str| text.parse::<std::net::SocketAddr>().unwrap().ip();
        let (client, vip, real) = (
            address(ends.client),
            address(ends.service),
            address(ends.real),
        );
        let router = if client.is_ipv4() {
            "203.0.113.1"
        } else {
            "2001:db8:9::1"
        };
        let router = router.parse().unwrap();
        for error in [
            IcmpError::HostUnreachable,
            IcmpError::TooBig(1400),
            IcmpError::TimeExceeded,
        ] {
            let sent = tcp(ends.service, ends.client, ACK).payload(&[1; 100]);
            let inside = director.fate_of(&Frame::icmp_error(router, vip, error, &sent));
            assert_eq!((inside.verdict, &inside.reasons[..]), (TX, &[][..]));
            let wanted = Frame::icmp_error(
                router,
                real,
                error,
                &tcp(ends.real, ends.client, ACK).payload(&[1; 100]),
            );
            assert_like(&inside, &to_real(&wanted, 1));

            let sent = tcp(ends.client, ends.real, ACK).payload(&[1; 100]);
            let outside = director.reply(&Frame::icmp_error(router, client, error, &sent));
            assert_eq!((outside.verdict, &outside.reasons[..]), (REDIRECT, &[][..]));
            let wanted = Frame::icmp_error(
                vip,
                client,
                error,
                &tcp(ends.client, ends.service, ACK).payload(&[1; 100]),
            );
            assert_like(&outside, &to_client(&wanted));
        }
    }
}

/// Whether two frames with ICMP errors are the same but for the transport checksum in what they quote, and the message's own, which
/// covers that and must be right.
fn assert_like(fate: &Fate, wanted: &Fate) {
    assert_eq!(fate.verdict, wanted.verdict);
    let (mut left, mut right) = (fate.frame.clone(), wanted.frame.clone());
    let is_ipv6 = left[14] >> 4 == 6;
    let (icmp, inner) = if is_ipv6 { (54, 40) } else { (34, 20) };
    let checksum = icmp + 8 + inner + 16;
    // In one's complement arithmetic the two differences cancel each other: the sum over both is the same.
    let sum = |frame: &[u8]| {
        let word = |at: usize| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
        (word(icmp + 2) + word(checksum)) % 0xffff
    };
    assert_eq!(sum(&left), sum(&right));
    for frame in [&mut left, &mut right] {
        frame[icmp + 2..icmp + 4].fill(0);
        frame[checksum..checksum + 2].fill(0);
    }
    assert_eq!(left, right);
}

#[test]
fn an_error_with_a_wrong_checksum_is_dropped() {
    let mut director = director(V4);
    open(&mut director, V4);
    let sent = tcp(V4.service, V4.client, ACK);
    let (router, vip) = (
        "203.0.113.1".parse().unwrap(),
        "10.0.0.100".parse().unwrap(),
    );
    let mut bytes = incoming(&Frame::icmp_error(
        router,
        vip,
        IcmpError::TimeExceeded,
        &sent,
    ));
    bytes[36] ^= 1;
    assert_eq!(
        director.fate(&bytes),
        Fate::dropped("icmp-checksum", &bytes)
    );
}

#[test]
fn fragments_follow_their_first_one_either_way() {
    for ends in BOTH {
        let mut director = director(ends);
        let payload: Vec<u8> = (0..2000).map(|number| number as u8).collect();
        let framed = |frame: Frame| frame.identification(77).payload(&payload);
        let question = framed(udp(ends.client, ends.service))
            .macs(ROUTER, OWN)
            .fragments(800);
        let wanted = framed(udp(ends.client, ends.real))
            .ttl(63)
            .macs(OWN, mac_of(2))
            .fragments(800);
        for (sent, wanted) in question.iter().zip(&wanted) {
            assert_eq!(director.fate(sent), Fate::sent(wanted));
        }
        let answer = framed(udp(ends.real, ends.client))
            .macs(ROUTER, OTHER_PORT)
            .fragments(800);
        let wanted = framed(udp(ends.service, ends.client))
            .ttl(63)
            .macs(OWN, ROUTER)
            .fragments(800);
        for (sent, wanted) in answer.iter().zip(&wanted) {
            assert_eq!(director.fate_on(1, sent), Fate::redirected(wanted));
        }
        assert!(question.len() > 2);
    }
}

#[test]
fn a_packet_at_the_end_of_its_life_is_answered_either_way() {
    let mut director = director(V4);
    open(&mut director, V4);
    let dead = director.fate_of(&tcp(V4.client, V4.service, ACK).ttl(1));
    assert_eq!((dead.verdict, dead.reasons), (TX, vec!["time-exceeded"]));
    let dead = director.reply(&tcp(V4.real, V4.client, ACK).ttl(1));
    assert_eq!((dead.verdict, dead.reasons), (TX, vec!["time-exceeded"]));
    assert_eq!(dead.frame[..6], ROUTER.0);
}

#[test]
fn a_packet_too_big_for_the_way_is_answered_untouched() {
    let mut director = Director::new();
    let mut real = Real::nat(V4.real);
    real.hop.mtu = 1400;
    director.service_to(
        "tcp://10.0.0.100:80",
        Kind::RoundRobin,
        ServiceOptions::default(),
        &[real],
    );
    open(&mut director, V4);
    let big = director.fate_of(&tcp(V4.client, V4.service, ACK).payload(&[0; 1400]));
    assert_eq!((big.verdict, big.reasons), (TX, vec!["too-big"]));
    assert_eq!(big.frame[34..36], [3, 4]);
    assert_eq!(big.frame[40..42], 1400_u16.to_be_bytes());
    assert_eq!(
        big.frame[42 + 16..42 + 20],
        [10, 0, 0, 100],
        "the VIP is quoted"
    );
}

#[test]
fn a_full_table_drops_what_it_cannot_remember() {
    let capacity = dray_dataplane::Capacity {
        connections: 16,
        ..CAPACITY
    };
    let mut director = Director::with(capacity);
    director.service_to(
        "tcp://10.0.0.100:80",
        Kind::RoundRobin,
        ServiceOptions::default(),
        &[Real::nat(V4.real)],
    );
    let mut full = 0;
    for number in 0..400_u32 {
        let client = format!("192.0.2.1:{}", 1000 + number);
        let syn = tcp(&client, V4.service, SYN);
        let fate = director.fate_of(&syn);
        if fate.verdict == DROP {
            assert_eq!(fate, Fate::dropped("translations-full", &incoming(&syn)));
            full += 1;
        } else {
            assert_eq!(fate.frame, to_real(&tcp(&client, V4.real, SYN), 1).frame);
        }
    }
    assert!(full > 300, "{full}");
    assert_empty(&mut director);
    assert_eq!(director.live(1), (0, 0));
}

#[test]
fn a_reply_too_big_for_the_clients_interface_is_answered_to_the_real_server() {
    // Interface 1, by which the client's packets come, is the loopback interface of a network of the test's own.
    let own_network = std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("a network (root needed)");
        let set = std::process::Command::new("ip")
            .args(["link", "set", "lo", "mtu", "1400"])
            .status();
        assert!(set.expect("iproute2").success());
        for (ends, header) in [(V4, 40), (V6, 60)] {
            let mut director = director(ends);
            open(&mut director, ends);
            let reply =
                |length: usize| tcp(ends.real, ends.client, ACK).payload(&vec![0; length - header]);
            assert_eq!(director.reply(&reply(1400)).verdict, REDIRECT);
            let big = director.reply(&reply(1401));
            assert_eq!((big.verdict, big.reasons), (TX, vec!["too-big"]));
            assert_eq!(big.frame[..6], ROUTER.0, "back to whom it came from");
            // The last two of the four bytes that say what fits.
            let at = if header == 60 { 60 } else { 40 };
            assert_eq!(big.frame[at..at + 2], 1400_u16.to_be_bytes());
        }
    });
    own_network.join().expect("the test in its own network");
}

#[test]
fn a_late_fragment_never_follows_the_connection_that_took_the_place_of_its_own() {
    for (ends, other) in [(V4, "10.1.0.8:8080"), (V6, "[fd00:1::8]:8080")] {
        let mut director = Director::new();
        director.policy(|policy| policy.timeouts.udp = seconds(10));
        director.service_to(
            &format!("udp://{}", ends.service),
            Kind::RoundRobin,
            ServiceOptions::default(),
            &[ends.real, other].map(Real::nat),
        );
        let question = |to: &str, identification| {
            let frame = udp(ends.client, to).identification(identification);
            frame.payload(&[7; 1000])
        };
        let pieces = question(ends.service, 77).macs(ROUTER, OWN).fragments(800);
        let framed = question(other, 77).ttl(63).macs(OWN, mac_of(2));
        let wanted = framed.fragments(800);
        assert_eq!(director.fate(&pieces[0]), Fate::sent(&wanted[0]));
        // The connection ends, and the client's next one goes to the other real server.
        director.advance(seconds(11));
        director.sweep();
        let next = director.fate_of(&question(ends.service, 78));
        assert_eq!(next, to_real(&question(ends.real, 78), 1));
        let late = director.fate(&pieces[1]);
        let lost = Fate::dropped("no-translation", &pieces[1]);
        assert!(
            late == Fate::sent(&wanted[1]) || late == lost,
            "neither where its first one went nor dropped: {late:?}"
        );
    }
}
