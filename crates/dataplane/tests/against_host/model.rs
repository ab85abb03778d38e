//! A data plane over plain tables: the same parsers, state tables, answers and schedulers as the program in the kernel, the
//! decisions written a second time, in the same order, and without anything that a kernel asks for.
//!
//! ```text
//! forward ─▶ find ─┬─ connection ──────────────────┐
//!                  ├─ open ─▶ template, tables ────┼─▶ send, or
//!                  └─ stray (fragments, errors) ───┘   translate ─▶ rewrite, segment
//! ```
//!
//! What packets become whose addresses change has nothing of the program's: it is computed from scratch.

mod forward;
mod open;
mod rewrite;
mod segment;
mod stray;
mod tables;
mod target;
mod template;
mod translate;

use std::{cell::Cell, collections::HashMap, net::SocketAddr, num::NonZeroU32, time::Duration};

use dray_abi::{Reason, ServiceKey, TICK_SHIFT, Verdict, duration_of_ticks};
use dray_model::{KernelRules, Mac, MarkRule, NoDestination, Policy, Removed, ServiceOptions};
use dray_packet::{
    TransportProtocol, sctp,
    state::{State, TIMEOUTS},
    tcp,
};

use crate::{
    common::{DROP, Fate, PASS, REDIRECT, TX},
    packet::{Key, Packet},
};
use template::{Template, TemplateKey};
use translate::{Sense, Translation};

pub(crate) use target::{Forwarding, Target};

/// Time in ticks.
pub(crate) type Tick = u64;

/// The tick at which a private instance's clock begins: 2^20 s.
const BEGINNING: Tick = (1_000_000_000 << 20) >> TICK_SHIFT;

/// Row of the state tables: the client's packets, while no reply was seen.
const INPUT_ONLY: usize = 0;
/// The client's packets, once a reply was seen.
const INPUT: usize = 1;
/// The real server's packets.
const OUTPUT: usize = 2;

pub(crate) struct Model {
    pub(crate) policy: Policy,
    pub(crate) ports: Vec<Mac>,
    pub(crate) rules: Vec<MarkRule>,
    pub(crate) destinations: HashMap<u32, Target>,
    services: Vec<Service>,
    /// By key, the number of a service.
    index: HashMap<ServiceKey, usize>,
    connections: HashMap<Key, Connection>,
    /// FULLNAT's pairs of address and port.
    pub(crate) pool: Vec<SocketAddr>,
    /// Those that the director has given to connections: it draws them by a secret.
    pub(crate) drawn: HashMap<Key, SocketAddr>,
    /// Whether the program has the parts that change addresses.
    pub(crate) translates: bool,
    /// Those of connections that have ended, too.
    translations: HashMap<u32, Translation>,
    next_translation: u32,
    /// By the key of a real server's packets, the number of the translation that they are for.
    returns: HashMap<Key, u32>,
    /// The packet at hand is a fragment of one that came while its connection lived.
    pub(crate) follows_the_dead: bool,
    templates: HashMap<u32, Template>,
    /// Those that packets may find.
    found_by: HashMap<TemplateKey, u32>,
    next_template: u32,
    fragments: HashMap<[u64; 5], (u32, Sense, Tick)>,
    locality: Vec<Cell<u64>>,
    now: Tick,
    /// Packets that `drop_packet` still lets by, and one.
    passed: i64,
    reasons: Vec<Reason>,
}

/// A service.
struct Service {
    options: ServiceOptions,
    record: Vec<Cell<u64>>,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    over: Tick,
    destination: u32,
    state: u8,
    replied: bool,
    template: Option<u32>,
    translation: Option<u32>,
}

/// A connection as the data plane lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    pub(crate) client: SocketAddr,
    pub(crate) service: SocketAddr,
    pub(crate) protocol: u8,
    pub(crate) destination: u32,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) state: &'static str,
    pub(crate) expires: Duration,
}

impl Model {
    pub(crate) fn new(policy: Policy, ports: Vec<Mac>) -> Self {
        Self {
            policy,
            ports,
            rules: Vec::new(),
            destinations: HashMap::new(),
            services: Vec::new(),
            index: HashMap::new(),
            connections: HashMap::new(),
            pool: Vec::new(),
            drawn: HashMap::new(),
            translates: false,
            translations: HashMap::new(),
            next_translation: 1,
            returns: HashMap::new(),
            follows_the_dead: false,
            templates: HashMap::new(),
            found_by: HashMap::new(),
            next_template: 1,
            fragments: HashMap::new(),
            locality: tables::no_locality(),
            now: BEGINNING,
            passed: 0,
            reasons: Vec::new(),
        }
    }

    /// Adds a service, by its next number.
    pub(crate) fn add_service(&mut self, key: ServiceKey, options: ServiceOptions, record: &[u64]) {
        self.index.insert(key, self.services.len());
        self.services.push(Service {
            options,
            record: Vec::new(),
        });
        self.publish(self.services.len() - 1, record);
    }

    /// Gives a service another record.
    pub(crate) fn publish(&mut self, service: usize, record: &[u64]) {
        self.services[service].record = record.iter().copied().map(Cell::new).collect();
    }

    /// What becomes of a frame that comes in by this port.
    pub(crate) fn packet(&mut self, port: usize, bytes: &[u8]) -> Fate {
        self.reasons.clear();
        self.follows_the_dead = false;
        let mut frame = bytes.to_vec();
        let verdict = match self.forward(&mut frame, port) {
            Ok(egress) if egress == port => TX,
            Ok(_) => REDIRECT,
            Err(reason) => {
                self.reasons.push(reason);
                match reason.verdict() {
                    Verdict::Pass => PASS,
                    Verdict::Forward => TX,
                    Verdict::Drop => DROP,
                }
            }
        };
        self.reasons.sort();
        Fate {
            verdict,
            reasons: self.reasons.iter().map(|reason| reason.name()).collect(),
            frame,
        }
    }

    /// Lets ticks pass, and ends what is over.
    pub(crate) fn pass(&mut self, ticks: u32) {
        self.now += Tick::from(ticks);
        self.sweep();
    }

    /// Ends what is over, or has no real server any more if the policy wants that.
    pub(crate) fn sweep(&mut self) {
        let ended: Vec<Key> = self
            .connections
            .iter()
            .filter(|(_, one)| one.over < self.now || self.is_to_go(one.destination))
            .map(|(key, _)| *key)
            .collect();
        for key in ended {
            let one = self.connections.remove(&key).expect("it was there");
            self.end_connection(&one);
            if one.over >= self.now {
                self.end_fruitless(one.template);
            }
        }
        self.sweep_templates();
    }

    fn is_to_go(&self, destination: u32) -> bool {
        self.policy.ipvs.expire_nodest_conn && !self.destinations[&destination].available
    }

    /// Every connection, in any order.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let name = |number| State::from_number(number).map_or("", State::name);
        let listed = self.connections.iter();
        listed
            .map(|(key, one)| Listed {
                client: key.source(),
                service: key.destination(),
                protocol: key.protocol,
                destination: one.destination,
                local: self.local(one),
                state: name(one.state),
                expires: duration_of_ticks((one.over - self.now) as u32),
            })
            .collect()
    }

    /// How many templates there are, and how many of them name that destination.
    pub(crate) fn templates(&self, destination: u32) -> (usize, usize) {
        let named = self.templates.values();
        let named = named.filter(|template| template.names(destination));
        (self.templates.len(), named.count())
    }

    fn has_old_rules(&self) -> bool {
        self.policy.ipvs.rules == KernelRules::V6_1_176
    }

    fn keeps_removed(&self) -> bool {
        self.policy.ipvs.removed == Removed::Finish
    }

    /// When the time of a connection in this state is over.
    fn over(&self, state: u8) -> Tick {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let set = &self.policy.timeouts;
        let time = match State::from_number(state) {
            Some(State::Established) => set.tcp,
            Some(State::FinWait) => set.tcp_fin,
            Some(State::Udp) => set.udp,
            _ => seconds(TIMEOUTS[usize::from(state)]),
        };
        self.now + timeout(time)
    }

    /// The state after a packet.
    fn after(&self, packet: &Packet, direction: usize, state: u8) -> u8 {
        let ipvs = &self.policy.ipvs;
        match packet.protocol() {
            TransportProtocol::Tcp => {
                let tables = tcp::tables(self.policy.secure_tcp, ipvs.null_segments_close);
                tcp::after(tables[direction][tcp::event(packet.flags())], state)
            }
            TransportProtocol::Udp => State::Udp as u8,
            TransportProtocol::Sctp => sctp::after(direction, packet.flags(), state),
        }
    }

    /// Notes a packet that leaves the connection in `state`.
    fn refresh(&mut self, key: &Key, state: u8, replied: bool) {
        let over = self.over(state);
        let one = self.connections.get_mut(key).expect("it was found");
        let before = one.state;
        *one = Connection {
            over,
            state,
            replied,
            ..*one
        };
        let Connection {
            destination,
            template,
            ..
        } = *one;
        if before != state {
            let target = self.target(destination);
            *target.count(before) -= 1;
            *target.count(state) += 1;
            if is_established(state) {
                self.assure(template);
            }
        }
    }

    /// Ends a connection that is no longer in the table.
    fn end_connection(&mut self, one: &Connection) {
        self.end_translation(one);
        self.end(one.destination, one.state);
        self.leave(one.template);
    }

    /// Whether it is this packet's turn to be dropped by `drop_packet`.
    fn is_to_be_dropped(&mut self) -> bool {
        let Some(rate) = self.policy.drop_rate.map(NonZeroU32::get) else {
            return false;
        };
        self.passed -= 1;
        if self.passed > 0 {
            return false;
        }
        self.passed = rate.into();
        true
    }

    fn refuses_silently(&self) -> bool {
        self.policy.ipvs.no_destination == NoDestination::Drop
    }
}

fn is_established(state: u8) -> bool {
    state == State::Established as u8 || state == State::SctpEstablished as u8
}

/// A timeout that can be set, in ticks: rounded up.
fn timeout(time: Duration) -> Tick {
    time.as_nanos().div_ceil(1 << TICK_SHIFT) as Tick
}

/// So many seconds, in ticks.
fn seconds(seconds: u64) -> Tick {
    (seconds * 1_000_000_000) >> TICK_SHIFT
}
