//! The schedulers as the kernel runs them: the choices of IPVS, packet by packet.

mod against_host;
#[path = "../common/mod.rs"]
mod common;
mod host;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use common::*;
use dray_dataplane::Capacity;
use dray_model::ServiceOptions;
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;
use host::{Host, flow, stranger};

const RR: Kind = Kind::RoundRobin;
const WRR: Kind = Kind::WeightedRoundRobin;
const WLC: Kind = Kind::WeightedLeastConnection;
const SH: Kind = Kind::SourceHash {
    fallback: false,
    port: false,
};
const SH_PORT: Kind = Kind::SourceHash {
    fallback: false,
    port: true,
};
const SH_FALLBACK: Kind = Kind::SourceHash {
    fallback: true,
    port: false,
};
const MH: Kind = Kind::MaglevHash {
    fallback: false,
    port: false,
};
const MH_PORT: Kind = Kind::MaglevHash {
    fallback: false,
    port: true,
};
const MH_FALLBACK: Kind = Kind::MaglevHash {
    fallback: true,
    port: false,
};

/// One service of a director. Its destinations are called A, B, C and so on, in the order they were added.
struct Service {
    /// Its number.
    index: usize,
    /// VIP and port.
    address: String,
    kind: Kind,
    members: Vec<u32>,
    /// Number of the next client.
    client: u32,
}

#[derive(Clone, Copy, Debug)]
enum Family {
    V4,
    V6,
}

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

impl Service {
    /// Adds a service of its own to the director.
    fn new(director: &mut Director, family: Family, kind: Kind, weights: &[u32]) -> Self {
        let index = director.services();
        let address = match family {
            Family::V4 => format!("10.0.1.{index}:80"),
            Family::V6 => format!("[fd00:100::{index:x}]:80"),
        };
        let members = director.service(&format!("tcp://{address}"), kind, weights);
        Self {
            index,
            address,
            kind,
            members,
            client: 0,
        }
    }

    /// The destination that a new connection of this client gets.
    fn pick(&self, director: &mut Director, client: &str) -> u32 {
        director.forwarded(&tcp(client, &self.address, TcpFlags::SYN))
    }

    fn named(&self, destination: u32) -> char {
        let position = self
            .members
            .iter()
            .position(|member| *member == destination);
        char::from(b'A' + position.expect("a destination of this service") as u8)
    }

    /// A client that was not there before.
    fn next_client(&mut self) -> String {
        let (host, port) = (1 + self.client / 1000, 10_000 + self.client % 1000);
        self.client += 1;
        if self.address.starts_with('[') {
            format!("[2001:db8::{host:x}]:{port}")
        } else {
            format!("192.0.2.{host}:{port}")
        }
    }

    /// The destinations of so many new connections, by name.
    fn picks(&mut self, director: &mut Director, count: usize) -> String {
        (0..count)
            .map(|_| {
                let client = self.next_client();
                let destination = self.pick(director, &client);
                self.named(destination)
            })
            .collect()
    }

    fn add(&mut self, director: &mut Director, weight: u32) {
        self.members
            .push(director.add(self.index, self.kind, weight));
    }

    fn remove(&mut self, director: &mut Director, name: char) {
        let gone = self.number(name);
        director.edit(self.index, self.kind, |list| {
            list.retain(|entry| entry.destination != gone);
        });
    }

    fn weigh(&mut self, director: &mut Director, name: char, weight: u32) {
        let number = self.number(name);
        director.edit(self.index, self.kind, |list| {
            let found = list.iter_mut().find(|entry| entry.destination == number);
            found.expect("a destination of this service").weight = weight;
        });
    }

    fn touch(&self, director: &mut Director) {
        director.edit(self.index, self.kind, |_| ());
    }

    fn number(&self, name: char) -> u32 {
        self.members[(name as u8 - b'A') as usize]
    }
}

/// One director for all tests, which have services of their own in it, without connections.
fn director() -> MutexGuard<'static, Director> {
    static SHARED: LazyLock<Mutex<Director>> = LazyLock::new(|| {
        Mutex::new(Director::with(Capacity {
            services: 256,
            destinations: 1 << 15,
            hops: 1 << 15,
            ..CAPACITY
        }))
    });
    let mut director = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    director.private.data_plane().forget_connections();
    director
}

#[test]
fn rr_goes_round_from_the_newest_to_the_oldest() {
    let mut director = director();
    for family in FAMILIES {
        let mut service = Service::new(&mut director, family, RR, &[1, 5, 1]);
        assert_eq!(service.picks(&mut director, 7), "CBACBAC");
    }
}

#[test]
fn rr_goes_on_from_the_last_one_when_the_list_changes() {
    let mut director = director();
    for family in FAMILIES {
        let director = &mut director;
        let mut service = Service::new(director, family, RR, &[1, 1, 1]);
        assert_eq!(service.picks(director, 1), "C");
        service.touch(director);
        assert_eq!(service.picks(director, 1), "B");
        // A new one stands at the head and waits for the next lap.
        service.add(director, 1);
        assert_eq!(service.picks(director, 6), "ADCBAD");
        // The predecessor stands in for one that is taken out: its successor is next.
        service.remove(director, 'D');
        assert_eq!(service.picks(director, 4), "CBAC");
        service.weigh(director, 'B', 0);
        assert_eq!(service.picks(director, 3), "ACA");
        service.weigh(director, 'B', 9);
        assert_eq!(service.picks(director, 3), "CBA");
    }
}

#[test]
fn wrr_interleaves_by_weight() {
    let mut director = director();
    for (weights, picks) in [
        (&[1, 1, 1][..], "CBACBA"),
        (&[3, 2, 1], "CBAABACBAABACB"),
        (&[4, 2], "BAABAA"),
        (&[1, 2, 3], "CBACCBCBACCB"),
        (&[5, 0, 10], "CACCACCAC"),
        (&[10, 4, 6], "CBAAACACBACBAAACACBA"),
    ] {
        for family in FAMILIES {
            let mut service = Service::new(&mut director, family, WRR, weights);
            assert_eq!(
                service.picks(&mut director, picks.len()),
                picks,
                "{weights:?}"
            );
        }
    }
    let mut service = Service::new(&mut director, Family::V4, WRR, &[100, 1]);
    let period = format!("B{}", "A".repeat(100));
    assert_eq!(service.picks(&mut director, 202), period.repeat(2));
}

#[test]
fn wrr_starts_over_after_an_edit_that_changes_nothing() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, WRR, &[3, 1]);
    assert_eq!(service.picks(&mut director, 5), "BAAAB");
    service.touch(&mut director);
    assert_eq!(service.picks(&mut director, 8), "BAAABAAA");
}

#[test]
fn a_service_that_changes_its_scheduler_goes_by_the_new_one_at_once() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, RR, &[3, 2, 1]);
    assert_eq!(service.picks(&mut director, 4), "CBAC");
    service.kind = WRR;
    service.touch(&mut director);
    assert_eq!(service.picks(&mut director, 6), "ABACBA");
    service.kind = WLC;
    service.touch(&mut director);
    // A has 4 connections for a weight of 3, B 3 for 2, C 3 for 1.
    assert_eq!(service.picks(&mut director, 3), "ABA");
}

#[test]
fn services_do_not_share_their_turns() {
    let mut director = director();
    let mut one = Service::new(&mut director, Family::V4, RR, &[1, 1, 1]);
    let mut two = Service::new(&mut director, Family::V4, RR, &[1, 1, 1]);
    for pick in ["C", "B", "A", "C"] {
        assert_eq!(one.picks(&mut director, 1), pick);
        assert_eq!(two.picks(&mut director, 1), pick);
    }
}

#[test]
fn wlc_gives_to_the_least_loaded_for_its_weight_and_the_newest_of_equals() {
    let mut director = director();
    for family in FAMILIES {
        let mut equal = Service::new(&mut director, family, WLC, &[1, 1, 1]);
        assert_eq!(equal.picks(&mut director, 7), "CBACBAC");
        let mut weighted = Service::new(&mut director, family, WLC, &[1, 2, 3]);
        assert_eq!(weighted.picks(&mut director, 12), wlc(&[1, 2, 3], 12));
        let mut quiesced = Service::new(&mut director, family, WLC, &[1, 0, 1]);
        assert_eq!(quiesced.picks(&mut director, 4), "CACA");
    }
}

/// IPVS's own rule: an active connection weighs 256; load by load over weight, compared crosswise; the first in
/// the list, which is the newest, of equals.
fn wlc(weights: &[u64], count: usize) -> String {
    let mut load = vec![0; weights.len()];
    let pick = |load: &mut Vec<u64>| {
        let mut least = weights.len() - 1;
        for candidate in (0..weights.len()).rev() {
            if load[least] * weights[candidate] > load[candidate] * weights[least] {
                least = candidate;
            }
        }
        load[least] += 256;
        char::from(b'A' + least as u8)
    };
    (0..count).map(|_| pick(&mut load)).collect()
}

#[test]
fn wlc_reads_the_connections_that_there_are_now() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, WLC, &[1, 1, 1]);
    let clients: Vec<(String, u32)> = (0..3)
        .map(|_| {
            let client = service.next_client();
            let destination = service.pick(&mut director, &client);
            (client, destination)
        })
        .collect();
    assert_eq!(service.picks(&mut director, 3), "CBA");
    // Every one has two active connections now. One of B's closes, and counts 1 instead of 256.
    let (client, _) = clients
        .iter()
        .find(|(_, destination)| service.named(*destination) == 'B')
        .unwrap();
    for flags in [TcpFlags::ACK, TcpFlags::RST] {
        director.forwarded(&tcp(client, &service.address, flags));
    }
    assert_eq!(service.picks(&mut director, 2), "BC");
    // After a minute all half-open ones are over, and count no more once they are swept.
    director.advance(Duration::from_secs(61));
    director.sweep();
    assert_eq!(service.picks(&mut director, 3), "CBA");
    // UDP is inactive: 1 each.
    let datagrams = director.service("udp://10.0.0.100:53", WLC, &[1, 1]);
    let picks: Vec<u32> = (0..4)
        .map(|port| {
            director.forwarded(&udp(&format!("192.0.2.1:{}", 4000 + port), "10.0.0.100:53"))
        })
        .collect();
    assert_eq!(
        picks,
        [datagrams[1], datagrams[0], datagrams[1], datagrams[0]]
    );
}

#[test]
fn sh_chooses_the_known_destinations() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, SH, &[3, 2, 1]);
    let clients = [
        "192.168.1.100:40000",
        "203.0.113.77:40000",
        "10.0.0.1:40000",
    ];
    let picks = |service: &Service, director: &mut Director| -> String {
        clients
            .iter()
            .map(|client| service.named(service.pick(director, client)))
            .collect()
    };
    assert_eq!(picks(&service, &mut director), "AAA");
    director.private.data_plane().forget_connections();
    service.kind = SH_PORT;
    service.touch(&mut director);
    assert_eq!(picks(&service, &mut director), "BAA");

    let service = Service::new(&mut director, Family::V6, SH, &[1, 1, 1]);
    // Buckets 63, 160 and 130 of C B A C B A and so on.
    for (client, name) in [
        ("[2001:db8::1]:1", 'C'),
        ("[2001:db8::2]:1", 'B'),
        ("[fd00::1:2:3:4]:1", 'B'),
    ] {
        assert_eq!(
            service.named(service.pick(&mut director, client)),
            name,
            "{client}"
        );
    }
}

#[test]
fn sh_keeps_a_client_where_it_is_whatever_its_port() {
    let mut director = director();
    for family in FAMILIES {
        let mut service = Service::new(&mut director, family, SH, &[1, 1, 1, 1]);
        let same_client: BTreeSet<char> = service.picks(&mut director, 50).chars().collect();
        assert_eq!(same_client.len(), 1);
    }
}

#[test]
fn sh_refuses_the_clients_of_a_quiesced_destination_unless_it_falls_back() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, SH, &[1, 1, 1]);
    let syn = |port: u16, service: &Service| {
        tcp(
            &format!("192.168.1.100:{port}"),
            &service.address,
            TcpFlags::SYN,
        )
    };
    assert_eq!(service.named(director.forwarded(&syn(1, &service))), 'A');
    service.weigh(&mut director, 'A', 0);
    let refused = syn(2, &service);
    assert_eq!(
        director.fate_of(&refused),
        Fate::dropped("no-destination", &incoming(&refused))
    );
    // Its bucket is 89. The fallback looks into 178 next, which is B's; 90 would be C's.
    service.kind = SH_FALLBACK;
    service.touch(&mut director);
    assert_eq!(service.named(director.forwarded(&syn(2, &service))), 'B');
    service.weigh(&mut director, 'B', 0);
    assert_eq!(service.named(director.forwarded(&syn(3, &service))), 'C');
}

#[test]
fn mh_chooses_the_known_destinations() {
    let mut director = director();
    let mut service = Service::new(&mut director, Family::V4, MH, &[1, 1, 1]);
    let known = |service: &Service, director: &mut Director| {
        director.edit(service.index, service.kind, |list| {
            for (entry, host) in list.iter_mut().rev().zip(11..) {
                entry.address = [10, 0, 0, host].into();
            }
        });
    };
    known(&service, &mut director);
    let picks = |service: &Service, director: &mut Director| -> String {
        let clients = [
            "192.168.1.100",
            "192.168.1.101",
            "203.0.113.77",
            "10.0.0.1",
            "10.0.0.2",
            "172.16.5.9",
        ];
        let pick = |client| service.named(service.pick(director, &format!("{client}:12345")));
        clients.map(pick).into_iter().collect()
    };
    assert_eq!(picks(&service, &mut director), "BABBCA");
    director.private.data_plane().forget_connections();
    service.kind = MH_PORT;
    known(&service, &mut director);
    assert_eq!(picks(&service, &mut director), "CABCBC");
}

#[test]
fn twos_draws_by_weight() {
    const PACKETS: u32 = 4000;
    let mut director = director();
    let options = ServiceOptions {
        persistence: None,
        one_packet: true,
    };
    let address = format!("10.0.1.{}:53", director.services());
    let weights = [3, 1, 0, 2];
    let name = format!("udp://{address}");
    let members = director.service_with(&name, Kind::PowerOfTwo, options, &weights);
    let mut counts = [0; 4];
    for port in 1024..1024 + PACKETS {
        let picked = director.forwarded(&udp(&format!("192.0.2.1:{port}"), &address));
        let member = members.iter().position(|member| *member == picked);
        counts[member.expect("a destination of this service")] += 1;
    }
    // Without connections it is the first draw: from 0 to 6, both included, so the newest has one number more.
    for (count, numbers) in counts.into_iter().zip([3, 1, 0, 3]) {
        let expected = PACKETS * numbers / 7;
        let apart = f64::from(expected.abs_diff(count));
        assert!(apart < 5.0 * f64::from(PACKETS).sqrt(), "{counts:?}");
    }
    assert_eq!(counts[2], 0, "it is quiesced");
}

#[test]
fn a_service_may_have_a_thousand_real_servers() {
    const COUNT: usize = 1000;
    let mut director = director();
    let weights: Vec<u32> = (0..COUNT as u32).map(|number| 1 + number % 7).collect();
    for kind in [RR, WRR, WLC, SH_PORT, MH_PORT] {
        let mut service = Service::new(&mut director, Family::V4, kind, &weights);
        if kind == RR || kind == WLC {
            let picks: Vec<u32> = (0..COUNT)
                .map(|_| {
                    let client = service.next_client();
                    service.pick(&mut director, &client)
                })
                .collect();
            let newest_first: Vec<u32> = service.members.iter().rev().copied().collect();
            assert_eq!(picks, newest_first, "{kind:?}");
        } else {
            let host = Host::of(director.record(service.index));
            let vip = service.address.parse::<SocketAddr>().unwrap().ip();
            for number in 0..COUNT as u32 {
                let client = stranger(Family::V4, number);
                let wanted = dray_sched::pick(&host, 0, &flow(client, vip, 0));
                assert_eq!(
                    Some(service.pick(&mut director, &client.to_string())),
                    wanted,
                    "{kind:?} {client}"
                );
            }
        }
        director.private.data_plane().forget_connections();
    }
}

#[test]
fn the_last_of_as_many_real_servers_as_a_service_can_have_is_found() {
    let mut director = director();
    let mut weights = vec![0; dray_sched::MAX_LIST];
    weights[0] = 1;
    for kind in [RR, WRR, WLC] {
        let mut service = Service::new(&mut director, Family::V4, kind, &weights);
        assert_eq!(service.picks(&mut director, 3), "AAA", "{kind:?}");
    }
}
