//! Choices of a real kernel: Linux 6.1.176 with IPVS, driven by `ipvsadm` 1.31 and by packets, wrote `recordings/*.json`.
//!
//! A recording has a service with its real servers in the order of their addition, and steps: packets, with the real server
//! they went to, and commands. Dumps of tables are passed over here.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use dray_sched::{Entry, Flow, Kind};
use serde::Deserialize;
use serde_json::Value;

use crate::arena::load;
use crate::service::{Service, client, fold};

#[derive(Deserialize)]
struct Recording {
    scenario: String,
    services: [Virtual; 1],
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Virtual {
    service: String,
    scheduler: String,
    flags: Option<String>,
    reals: Vec<Real>,
}

#[derive(Deserialize)]
struct Real {
    real: SocketAddr,
    weight: u32,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Packet {
        pkt: String,
        src: SocketAddr,
        expect: String,
    },
    Command {
        ipvsadm: String,
    },
    #[expect(dead_code, reason = "says what else a step can be")]
    Dump {
        dump: Value,
    },
}

#[test]
fn every_choice_is_the_kernels() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/choices/recordings");
    let mut packets = 0;
    for file in folder.read_dir().unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let recording: Recording = serde_json::from_str(&text).unwrap();
        packets += Replay::of(&recording.services[0]).play(&recording);
    }
    assert!(packets > 4000, "only {packets} packets were played");
}

struct Replay {
    service: Service,
    numbers: HashMap<IpAddr, u32>,
    connections: HashMap<SocketAddr, Connection>,
}

struct Connection {
    destination: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    HalfOpen,
    Established,
    Inactive,
}

impl Replay {
    fn of(service: &Virtual) -> Self {
        let mut replay = Self {
            service: Service::new(kind(service)),
            numbers: HashMap::new(),
            connections: HashMap::new(),
        };
        for Real { real, weight } in &service.reals {
            replay.add(*real, *weight);
        }
        replay
    }

    fn play(mut self, recording: &Recording) -> usize {
        let scenario = &recording.scenario;
        let tcp = recording.services[0].service.starts_with("tcp");
        let mut packets = 0;
        for (number, step) in recording.steps.iter().enumerate() {
            match step {
                Step::Packet { pkt, src, expect } => {
                    packets += 1;
                    if self.connections.contains_key(src) {
                        self.follow(pkt, *src);
                    } else {
                        let picked = self.connect(*src, tcp);
                        assert_eq!(
                            picked,
                            expect.parse().ok(),
                            "{scenario}, step {number}: {src}"
                        );
                    }
                }
                Step::Command { ipvsadm } => self.command(ipvsadm),
                Step::Dump { .. } => {}
            }
        }
        packets
    }

    /// Places a new connection. What is no address in a recording is a refusal.
    fn connect(&mut self, src: SocketAddr, tcp: bool) -> Option<IpAddr> {
        self.count();
        let destination = self.service.pick(&Flow {
            client: fold(src.ip()),
            ..client("0.0.0.0", src.port())
        })?;
        let state = if tcp {
            State::HalfOpen
        } else {
            State::Inactive
        };
        let connection = Connection { destination, state };
        self.connections.insert(src, connection);
        let picked = |(_, number): &(&IpAddr, &u32)| **number == destination;
        self.numbers
            .iter()
            .find(picked)
            .map(|(address, _)| *address)
    }

    /// What a later packet does to the state of a connection, as far as it matters here.
    fn follow(&mut self, packet: &str, src: SocketAddr) {
        let state = &mut self.connections.get_mut(&src).unwrap().state;
        let flags = packet.strip_prefix("tcp ").unwrap_or_default();
        *state = match *state {
            State::HalfOpen if flags.contains('R') => State::HalfOpen,
            _ if flags.contains(['R', 'F']) => State::Inactive,
            State::HalfOpen if flags.contains('A') => State::Established,
            state => state,
        };
    }

    /// Counts every destination's connections.
    fn count(&mut self) {
        let live = &mut self.service.arena.live;
        *live = vec![load((0, 0)); self.numbers.len() + 1];
        for Connection { destination, state } in self.connections.values() {
            let load = &mut live[*destination as usize];
            match state {
                State::HalfOpen | State::Established => load.active += 1,
                State::Inactive => load.inactive += 1,
            }
        }
    }

    /// `-a -t VIRTUAL -r REAL -g -w WEIGHT`, and the like.
    fn command(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let after = |option| {
            let place = words.iter().position(|word| *word == option)?;
            words.get(place + 1)
        };
        let real: SocketAddr = after("-r").unwrap().parse().unwrap();
        let weight = after("-w").map_or(1, |weight| weight.parse().unwrap());
        match words[0] {
            "-a" => self.add(real, weight),
            "-e" => self
                .service
                .edit(self.numbers[&real.ip()], |entry| entry.weight = weight),
            "-d" => self.service.delete(self.numbers[&real.ip()]),
            option => panic!("no recording has {option}"),
        }
    }

    fn add(&mut self, real: SocketAddr, weight: u32) {
        let next = self.numbers.len() as u32 + 1;
        let destination = *self.numbers.entry(real.ip()).or_insert(next);
        self.service.add(Entry {
            destination,
            weight,
            eligible: true,
            limited: false,
            address: real.ip(),
            port: real.port(),
        });
    }
}

fn kind(service: &Virtual) -> Kind {
    let flags = service.flags.as_deref().unwrap_or_default();
    let fallback = flags.contains("fallback");
    let port = flags.contains("port");
    match service.scheduler.as_str() {
        "rr" => Kind::RoundRobin,
        "wrr" => Kind::WeightedRoundRobin,
        "wlc" => Kind::WeightedLeastConnection,
        "sh" => Kind::SourceHash { fallback, port },
        "mh" => Kind::MaglevHash { fallback, port },
        name => panic!("no recording has {name}"),
    }
}
