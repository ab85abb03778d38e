//! The program in the kernel against the same parsers and state table run on the host, on random input.

mod common;

use std::{cell::RefCell, net::SocketAddr};

use common::*;
use dray_abi::{TICK_SHIFT, duration_of_ticks};
use dray_dataplane::Capacity;
use dray_packet::{
    Refusal, TransportProtocol, ethernet, ipv4, ipv6,
    tcp::{self, State},
};
use dray_sched::Kind;
use dray_testkit::frames::{Extension, Frame, TcpFlags};
use proptest::{collection::vec, prelude::*, sample::select};

const SMALL: Capacity = Capacity {
    connections: 64,
    services: 8,
    destinations: 16,
    words: 4096,
    hops: 16,
};

/// Ports that have a service, for either protocol and family.
const PORTS: [u16; 2] = [53, 80];

fn director() -> Director {
    let mut director = Director::with(SMALL);
    for address in ["10.0.0.100", "[fd00::100]"] {
        for port in PORTS {
            for protocol in ["tcp", "udp"] {
                director.service(
                    &format!("{protocol}://{address}:{port}"),
                    Kind::RoundRobin,
                    &[1],
                );
            }
        }
    }
    director
}

#[test]
fn whatever_comes_in_the_kernel_does_what_the_host_would() {
    let director = RefCell::new(director());
    proptest!(ProptestConfig::with_cases(6000), |(bytes in input())| {
        let mut director = director.borrow_mut();
        let fate = director.fate(&bytes);
        prop_assert_ne!(fate.verdict, 0, "aborted");
        if fate.verdict == PASS {
            prop_assert_eq!(&fate.frame, &bytes, "a frame that is passed is untouched");
        }
        prop_assert_eq!(&fate, &on_the_host(&bytes, &fate));
        // Every packet is the first one.
        director.private.data_plane().forget_connections();
    });
}

/// What the program should do with a frame for which there is no connection. Which real server it goes to is taken
/// from what it did.
fn on_the_host(bytes: &[u8], did: &Fate) -> Fate {
    let mut copy = bytes.to_vec();
    let frame = dray_packet::Frame::from(&mut copy[..]);
    let Ok(link) = ethernet::parse(&frame) else {
        return Fate::passed("truncated", bytes);
    };
    if bytes[..6] != OWN.0 {
        return Fate::passed("other-host", bytes);
    }
    let offset = link.length();
    let parsed = match link.ether_type {
        ethernet::IPV4 => ipv4::parse(&frame, offset).map(|packet| {
            ipv4::decrement_ttl(&frame, offset, &packet).expect("it was read");
            let to_vip = packet.vip() == [10, 0, 0, 100];
            (
                to_vip,
                packet.protocol(),
                packet.ports(),
                packet.flags,
                packet.ttl,
            )
        }),
        ethernet::IPV6 => ipv6::parse(&frame, offset).map(|packet| {
            ipv6::decrement_hop_limit(&frame, offset, &packet).expect("it was read");
            let to_vip = packet.vip() == [[0xfd, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 0]];
            (
                to_vip,
                packet.protocol(),
                packet.ports(),
                packet.flags,
                packet.hop_limit,
            )
        }),
        _ => return Fate::passed("not-ip", bytes),
    };
    let (to_vip, protocol, ports, flags, hops_left) = match parsed {
        Ok(parsed) => parsed,
        Err(Refusal::Truncated) => return Fate::passed("truncated", bytes),
        Err(Refusal::Fragment) => return Fate::passed("fragment", bytes),
        Err(Refusal::OtherProtocol) => return Fate::passed("other-protocol", bytes),
    };
    let [client_port, service_port] = ports.map(u16::from_be_bytes);
    if protocol == TransportProtocol::Tcp && !tcp::opens(flags) {
        Fate::passed("no-connection", bytes)
    } else if !to_vip || !PORTS.contains(&service_port) {
        Fate::passed("not-a-service", bytes)
    } else if client_port == 20 {
        Fate::passed("client-port-20", bytes)
    } else if hops_left <= 1 {
        Fate::dropped("time-to-live", bytes)
    } else {
        let mut out = did.frame.get(..6).unwrap_or_default().to_vec();
        out.extend(OWN.0);
        out.extend(link.ether_type);
        out.extend(&copy[offset..]);
        Fate::sent(&out)
    }
}

/// Frames: well-formed, damaged, cut short, and no frames at all.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let damage = (0..120_usize, any::<u8>());
    let damaged = (frame(), vec(damage, 1..4)).prop_map(|(mut bytes, damages)| {
        for (at, value) in damages {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes
    });
    let cut = (frame(), any::<prop::sample::Index>()).prop_map(|(mut bytes, length)| {
        // The kernel takes no frame shorter than an Ethernet header.
        bytes.truncate(14 + length.index(bytes.len() - 13));
        bytes
    });
    let noise = (vec(any::<u8>(), 14..200), any::<bool>()).prop_map(|(mut bytes, to_us)| {
        if to_us {
            bytes[..6].copy_from_slice(&OWN.0);
        }
        bytes
    });
    prop_oneof![3 => frame(), 4 => damaged, 2 => cut, 1 => noise]
}

/// A well-formed frame, mostly for a service.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let port = || prop_oneof![select(vec![20_u16, 53, 80]), any::<u16>()];
    let ttl = prop_oneof![select(vec![0_u8, 1, 2, 64]), any::<u8>()];
    let form = (any::<bool>(), any::<bool>(), port(), port(), flags(), ttl);
    let link = select(vec![&[][..], &[0], &[7], &[7, 8], &[7, 8, 9]]);
    let more = (
        link,
        vec(any::<u8>(), 0..=40),
        vec(extension(), 0..4),
        vec(any::<u8>(), 0..40),
        0..40_u8,
    );
    (form, more).prop_map(
        |((v6, udp, from, to, flags, ttl), (tags, options, extensions, payload, other))| {
            let client = if v6 {
                format!("[2001:db8::1]:{from}")
            } else {
                format!("192.0.2.1:{from}")
            };
            let service = if v6 {
                format!("[fd00::100]:{to}")
            } else {
                format!("10.0.0.100:{to}")
            };
            let client: SocketAddr = client.parse().unwrap();
            let service: SocketAddr = service.parse().unwrap();
            let frame = match (other, udp) {
                (0..3, _) => Frame::other(client.ip(), service.ip(), other),
                (_, true) => Frame::udp(client, service),
                (_, false) => Frame::tcp(client, service).flags(flags),
            };
            let frame = if v6 {
                extensions.into_iter().fold(frame, Frame::extension)
            } else if options.len() % 2 == 0 {
                frame.ipv4_options(&options)
            } else {
                frame
            };
            let frame = tags.iter().fold(frame, |frame, tag| frame.vlan(*tag));
            incoming(&frame.ttl(ttl).payload(&payload))
        },
    )
}

fn extension() -> impl Strategy<Value = Extension> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..60).prop_map(Extension::HopByHop),
        4 => vec(any::<u8>(), 0..60).prop_map(Extension::DestinationOptions),
        4 => Just(Extension::Routing),
        1 => Just(Extension::AtomicFragment),
    ]
}

/// Any of the flags together, those of ordinary segments more often.
fn flags() -> impl Strategy<Value = TcpFlags> {
    const ALL: [TcpFlags; 6] = [
        TcpFlags::FIN,
        TcpFlags::SYN,
        TcpFlags::RST,
        TcpFlags::PSH,
        TcpFlags::ACK,
        TcpFlags::URG,
    ];
    let ordinary = select(vec![
        TcpFlags::SYN,
        TcpFlags::ACK,
        TcpFlags::FIN | TcpFlags::ACK,
        TcpFlags::RST,
        TcpFlags::SYN | TcpFlags::ACK,
    ]);
    let any = prop::sample::subsequence(&ALL[..], 0..=6).prop_map(|flags| {
        flags
            .into_iter()
            .fold(TcpFlags::NONE, std::ops::BitOr::bitor)
    });
    prop_oneof![2 => ordinary, 1 => any]
}

#[test]
fn every_life_of_a_connection_goes_as_the_state_table_says() {
    let director = RefCell::new(Lives::new());
    proptest!(ProptestConfig::with_cases(400), |(events in vec(event(), 1..30))| {
        let mut lives = director.borrow_mut();
        for event in events {
            lives.live(event)?;
        }
        lives.forget();
    });
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Segment(TcpFlags),
    /// Time passes, in ticks.
    Pass(u32),
    Sweep,
}

fn event() -> impl Strategy<Value = Event> {
    // Just too short and just long enough for every timeout.
    let seconds = [1, 9, 10, 11, 59, 60, 61, 119, 121, 899, 901];
    let ticks = seconds.map(|seconds| ((seconds * 1_000_000_000_u64) >> TICK_SHIFT) as u32);
    let pass =
        (select(ticks.to_vec()), 0..2_u32).prop_map(|(ticks, more)| Event::Pass(ticks + more));
    prop_oneof![6 => flags().prop_map(Event::Segment), 2 => pass, 1 => Just(Event::Sweep)]
}

/// One client's connections to a service, one after the other, and what should become of them.
struct Lives {
    director: Director,
    /// The connection in the table, whether or not its time is over.
    present: Option<Present>,
    now: u32,
    /// New connections so far: `rr` gives them to 3, 2, 1 and so on.
    opened: u32,
}

#[derive(Clone, Copy)]
struct Present {
    state: u8,
    tick: u32,
    destination: u32,
}

impl Present {
    /// IPVS's timeouts, in seconds by state.
    const TIMEOUTS: [u64; 11] = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120];

    fn is_over(self, now: u32) -> bool {
        let timeout = (Self::TIMEOUTS[usize::from(self.state)] * 1_000_000_000) >> TICK_SHIFT;
        u64::from(now - self.tick) > timeout
    }

    fn is_closed(self) -> bool {
        self.state == State::TimeWait as u8 || self.state == State::Close as u8
    }
}

impl Lives {
    fn new() -> Self {
        let mut director = Director::with(SMALL);
        director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
        Self {
            director,
            present: None,
            now: 1,
            opened: 0,
        }
    }

    fn live(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Pass(ticks) => {
                self.now += ticks;
                self.director.private.pass_time(duration_of_ticks(ticks));
            }
            Event::Sweep => {
                self.director.sweep();
                self.present = self.present.filter(|present| !present.is_over(self.now));
            }
            Event::Segment(flags) => self.segment(flags)?,
        }
        self.compare()
    }

    fn segment(&mut self, flags: TcpFlags) -> Result<(), TestCaseError> {
        let frame = tcp("192.0.2.1:4000", "10.0.0.100:80", flags);
        let bytes = incoming(&frame);
        // The byte of the flags in a TCP header behind Ethernet's and IPv4's.
        let flags = bytes[14 + 20 + 13];
        let syn = flags & tcp::SYN != 0;
        let found = self
            .present
            .filter(|present| !present.is_over(self.now) && (!syn || !present.is_closed()));
        let next = match found {
            Some(found) => Some(Present {
                state: tcp::after_input(found.state, flags),
                tick: self.now,
                ..found
            }),
            None if tcp::opens(flags) => {
                self.opened += 1;
                let state = tcp::after_input(State::None as u8, flags);
                Some(Present {
                    state,
                    tick: self.now,
                    destination: 3 - (self.opened - 1) % 3,
                })
            }
            None => None,
        };
        let fate = self.director.fate(&bytes);
        let Some(next) = next else {
            prop_assert_eq!(fate, Fate::passed("no-connection", &bytes));
            return Ok(());
        };
        let wanted = frame.ttl(63).macs(OWN, mac_of(next.destination));
        prop_assert_eq!(fate, Fate::sent(&wanted.bytes()));
        self.present = Some(next);
        Ok(())
    }

    /// The table and the counts say the same as `present`.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let listed: Vec<_> = self
            .director
            .list()
            .into_iter()
            .map(|one| (one.state, one.destination.0))
            .collect();
        let name = |present: Present| State::from_number(present.state).map_or("", State::name);
        let wanted: Vec<_> = self
            .present
            .iter()
            .map(|present| (name(*present), present.destination))
            .collect();
        prop_assert_eq!(listed, wanted);
        for destination in 1..=3 {
            let wanted = match self
                .present
                .filter(|present| present.destination == destination)
            {
                Some(present) if tcp::is_active(present.state) => (1, 0),
                Some(_) => (0, 1),
                None => (0, 0),
            };
            prop_assert_eq!(self.director.live(destination), wanted);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.director.private.data_plane().forget_connections();
        self.present = None;
    }
}
