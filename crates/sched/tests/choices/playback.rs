//! What a recording is played on: services under test, and the connections that count towards their destinations.

use std::collections::HashMap;
use std::net::SocketAddr;

use dray_sched::{Entry, Flow, Kind};

use crate::recordings::{Real, Virtual};
use crate::service::{Service, client, fold};

pub(crate) struct Playback {
    services: Vec<Played>,
    /// Seconds.
    now: f64,
    udp_timeout: f64,
}

/// A virtual service.
struct Played {
    /// "tcp 10.0.0.1:80"; that of a mark takes every packet.
    name: String,
    service: Service,
    one_packet: bool,
    /// In the order of their first addition; numbers of destinations begin at 1.
    reals: Vec<Real>,
    connections: HashMap<(String, SocketAddr, SocketAddr), Connection>,
}

struct Connection {
    destination: u32,
    state: State,
    /// When it ends, if it does within a recording.
    end: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    HalfOpen,
    Established,
    Inactive,
}

impl Playback {
    pub(crate) fn new(services: &[Virtual], udp_timeout: f64) -> Self {
        Self {
            services: services.iter().map(Played::new).collect(),
            now: 0.0,
            udp_timeout,
        }
    }

    pub(crate) fn wait(&mut self, seconds: f64) {
        self.now += seconds;
        for played in &mut self.services {
            played.end_connections(self.now);
        }
    }

    /// Where the packet goes: a real server, with its port if that is another than the service's, or "refused".
    pub(crate) fn packet(&mut self, packet: &str, src: SocketAddr, dst: SocketAddr) -> String {
        let protocol = packet.split(' ').next().unwrap();
        let name = format!("{protocol} {dst}");
        let takes = |played: &&mut Played| played.name == name || played.name.starts_with("fwmark");
        let played = self.services.iter_mut().find(takes).unwrap();
        let end = (protocol == "udp").then_some(self.now + self.udp_timeout);
        let key = (protocol.to_owned(), src, dst);
        if played.lost_its_real(&key) {
            return "refused".to_owned();
        }
        let opens = packet == "udp" || packet.contains('S') && !packet.contains('R');
        let connected =
            played.follow(packet, &key, end) || opens && played.connect(key.clone(), end);
        if !connected {
            return "refused".to_owned();
        }
        played.answer(&key, dst)
    }

    /// `-a -t VIRTUAL -r REAL -g -w WEIGHT`, and the like.
    pub(crate) fn command(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let after = |option| {
            let place = words.iter().position(|word| *word == option)?;
            words.get(place + 1).copied()
        };
        let number = |option, otherwise| after(option).map_or(otherwise, |n| n.parse().unwrap());
        let real = Real {
            real: after("-r").unwrap().parse().unwrap(),
            weight: number("-w", 1),
            upper: number("-x", 0),
            lower: number("-y", 0),
        };
        let [played] = &mut self.services[..] else {
            panic!("no recording of two services has commands");
        };
        match words[0] {
            "-a" => played.add(real),
            "-e" => played.edit(real),
            "-d" => played.delete(real.real),
            option => panic!("no recording has {option}"),
        }
    }
}

impl Played {
    fn new(recorded: &Virtual) -> Self {
        let mut played = Self {
            name: recorded.service.clone(),
            service: Service::new(kind(recorded)),
            one_packet: recorded.ops,
            reals: Vec::new(),
            connections: HashMap::new(),
        };
        played.service.arena.live.resize(1, Default::default());
        for real in &recorded.reals {
            played.add(*real);
        }
        played
    }

    /// Places a new connection.
    fn connect(&mut self, key: (String, SocketAddr, SocketAddr), end: Option<f64>) -> bool {
        let (protocol, src, dst) = &key;
        let vip = fold(dst.ip());
        let flow = Flow {
            client: fold(src.ip()),
            vip,
            vip_words: [0, u64::from(vip)],
            ..client("0.0.0.0", src.port())
        };
        let Some(destination) = self.service.pick(&flow) else {
            return false;
        };
        self.service.arena.live[destination as usize].inactive += 1;
        self.mark_overload(destination);
        let tcp = protocol == "tcp";
        let state = if tcp {
            State::HalfOpen
        } else {
            State::Inactive
        };
        if tcp {
            self.activate(destination, true);
        }
        let connection = Connection {
            destination,
            state,
            end,
        };
        self.connections.insert(key, connection);
        true
    }

    /// Whether the packet is of a connection whose real server was taken out: such packets are dropped.
    fn lost_its_real(&self, key: &(String, SocketAddr, SocketAddr)) -> bool {
        self.connections.get(key).is_some_and(|connection| {
            let mut list = self.service.list.iter();
            !list.any(|entry| entry.destination == connection.destination)
        })
    }

    /// What a later packet does to its connection, as far as it matters here; whether there is one.
    fn follow(
        &mut self,
        packet: &str,
        key: &(String, SocketAddr, SocketAddr),
        end: Option<f64>,
    ) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        connection.end = end;
        let before = connection.state;
        let flags = packet.strip_prefix("tcp ").unwrap_or_default();
        connection.state = match before {
            State::HalfOpen if flags.contains('R') => State::HalfOpen,
            _ if flags.contains(['R', 'F']) => State::Inactive,
            State::HalfOpen if flags.contains('A') => State::Established,
            state => state,
        };
        let ends = connection.state == State::Inactive && before != State::Inactive;
        let destination = connection.destination;
        if ends {
            self.activate(destination, false);
        }
        true
    }

    /// Where the connection's packets go. A connection of one packet ends there.
    fn answer(&mut self, key: &(String, SocketAddr, SocketAddr), dst: SocketAddr) -> String {
        let destination = self.connections[key].destination;
        if self.one_packet && key.0 == "udp" {
            self.connections.remove(key);
            self.count_off(destination, State::Inactive);
        }
        let real = self.reals[destination as usize - 1].real;
        if real.port() == dst.port() || real.port() == 0 {
            real.ip().to_string()
        } else {
            real.to_string()
        }
    }

    fn end_connections(&mut self, now: f64) {
        let is_over = |connection: &Connection| connection.end.is_some_and(|end| end <= now);
        let over: Vec<_> = self
            .connections
            .extract_if(|_, connection| is_over(connection))
            .collect();
        for (_, connection) in over {
            self.count_off(connection.destination, connection.state);
        }
    }

    /// Moves a connection between active and inactive ones.
    fn activate(&mut self, destination: u32, active: bool) {
        let load = &mut self.service.arena.live[destination as usize];
        if active {
            load.active += 1;
            load.inactive -= 1;
        } else {
            load.active -= 1;
            load.inactive += 1;
        }
    }

    fn mark_overload(&mut self, destination: u32) {
        let Real { upper, .. } = self.reals[destination as usize - 1];
        let load = &mut self.service.arena.live[destination as usize];
        if upper != 0 && load.active + load.inactive >= upper {
            load.overloaded = true;
        }
    }

    fn count_off(&mut self, destination: u32, state: State) {
        let Real { upper, lower, .. } = self.reals[destination as usize - 1];
        let load = &mut self.service.arena.live[destination as usize];
        match state {
            State::HalfOpen | State::Established => load.active -= 1,
            State::Inactive => load.inactive -= 1,
        }
        let total = load.active + load.inactive;
        let relieved = if lower != 0 {
            total < lower
        } else {
            upper == 0 || 4 * total < 3 * upper
        };
        if relieved {
            load.overloaded = false;
        }
    }

    fn add(&mut self, real: Real) {
        let destination = match self.number(real.real) {
            Some(number) => number,
            None => {
                self.reals.push(real);
                self.service.arena.live.push(Default::default());
                self.reals.len() as u32
            }
        };
        self.limit(destination, real);
        self.service.add(Entry {
            destination,
            weight: real.weight,
            eligible: true,
            limited: real.upper != 0,
            address: real.real.ip(),
            port: real.real.port(),
        });
    }

    fn edit(&mut self, real: Real) {
        let destination = self.number(real.real).unwrap();
        self.limit(destination, real);
        self.service.edit(destination, |entry| {
            entry.weight = real.weight;
            entry.limited = real.upper != 0;
        });
    }

    fn delete(&mut self, real: SocketAddr) {
        let destination = self.number(real).unwrap();
        self.service.delete(destination);
    }

    /// A lower upper threshold overloads nothing by itself.
    fn limit(&mut self, destination: u32, real: Real) {
        let known = &mut self.reals[destination as usize - 1];
        if real.upper == 0 || real.upper > known.upper {
            self.service.arena.live[destination as usize].overloaded = false;
        }
        *known = real;
    }

    fn number(&self, real: SocketAddr) -> Option<u32> {
        let place = self.reals.iter().position(|known| known.real == real)?;
        Some(place as u32 + 1)
    }
}

fn kind(service: &Virtual) -> Kind {
    let flags = service.flags.as_deref().unwrap_or_default();
    let fallback = flags.contains("fallback");
    let port = flags.contains("port");
    match service.scheduler.as_str() {
        "rr" => Kind::RoundRobin,
        "wrr" => Kind::WeightedRoundRobin,
        "lc" => Kind::LeastConnection,
        "wlc" => Kind::WeightedLeastConnection,
        "sed" => Kind::ShortestExpectedDelay,
        "nq" => Kind::NeverQueue,
        "lblc" => Kind::LocalityBased,
        "lblcr" => Kind::LocalityBasedReplicated,
        "dh" => Kind::DestinationHash,
        "sh" => Kind::SourceHash { fallback, port },
        "mh" => Kind::MaglevHash { fallback, port },
        "fo" => Kind::Failover,
        "ovf" => Kind::Overflow,
        "twos" => Kind::PowerOfTwo,
        name => panic!("no recording has {name}"),
    }
}
