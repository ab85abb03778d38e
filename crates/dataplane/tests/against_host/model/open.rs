//! A packet without a connection: its service, its real server, its connection.

use dray_abi::{Reason, ServiceKey};
use dray_model::{Family, MarkRule};
use dray_packet::{TransportProtocol, sctp, state::State, tcp};

use super::{
    Connection, INPUT, INPUT_ONLY, Model, OUTPUT, Sense, forward::Seat, is_established, seconds,
};
use crate::packet::{Key, Packet};

const FTP: u16 = 21;
const FTP_DATA: u16 = 20;
const UNPRIVILEGED: u16 = 1024;
/// How long a connection lasts that began with an ICMP error, in seconds.
const NO_PACKET_YET: u64 = 3;

/// How a service was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) service: usize,
    pub(super) mark: u32,
    pub(super) port: Port,
}

/// Whose port the service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Own,
    Ftp,
    Any,
}

impl Way {
    fn refusal(&self) -> Reason {
        match self.port {
            Port::Ftp => Reason::NotAService,
            Port::Own | Port::Any => Reason::NoDestination,
        }
    }
}

impl Model {
    /// The connection of that key, unless its time is over.
    pub(super) fn connection(&self, key: &Key) -> Option<Connection> {
        let one = self.connections.get(key)?;
        (one.over >= self.now).then_some(*one)
    }

    /// What there is for packets of a real server's whose addresses are changed.
    pub(super) fn returning(&self, key: &Key) -> Option<Seat> {
        let number = *self.returns.get(key)?;
        let mut connections = self.connections.values();
        let one = connections.find(|one| one.translation == Some(number))?;
        Some((one.destination, Sense::Reply(number)))
    }

    /// Gives a packet a destination, and if it can have one a connection. `ended` is one of the same key that is no more for it.
    pub(super) fn seat(
        &mut self,
        packet: &Packet,
        ended: Option<Connection>,
        port: usize,
    ) -> Result<Seat, Reason> {
        let key = packet.key();
        if ended.is_some() {
            self.connections.remove(&key);
        }
        let result = if self.may_open(packet) {
            self.place(&key, Some(packet), port)
        } else {
            Err(Refused::AtTheDoor(Reason::NoConnection))
        };
        // What stopped at the door may be a reply; what found its service is none.
        let result = match result {
            Err(Refused::AtTheDoor(reason)) if self.is_reply(packet, reason) => Err(Reason::Reply),
            other => other.map_err(Refused::reason),
        };
        if let Some(ended) = ended {
            self.end_connection(&ended);
        }
        self.take(&key, Some(packet), result?)
    }

    /// The same for an ICMP error, which is none of the connection's packets.
    pub(super) fn seat_error(&mut self, error: &Packet, port: usize) -> Result<Seat, Reason> {
        let key = error.key();
        let placed = self.place(&key, None, port).map_err(Refused::reason)?;
        self.take(&key, None, placed)
    }

    fn may_open(&self, packet: &Packet) -> bool {
        let ipvs = &self.policy.ipvs;
        match packet.protocol() {
            TransportProtocol::Tcp => tcp::opens(packet.flags(), ipvs.sloppy_tcp),
            TransportProtocol::Sctp => sctp::opens(packet.flags(), ipvs.sloppy_sctp),
            TransportProtocol::Udp => true,
        }
    }

    fn place(
        &mut self,
        key: &Key,
        packet: Option<&Packet>,
        port: usize,
    ) -> Result<Placed, Refused> {
        let way = self.enter(key, port).map_err(Refused::AtTheDoor)?;
        let options = self.services[way.service].options;
        let one_packet = options.one_packet && key.protocol == TransportProtocol::Udp.number();
        let (destination, template) = self
            .choose(key, &way, options, packet.is_none())
            .ok_or(Refused::Inside(way.refusal()))?;
        let placed = Placed {
            way,
            destination,
            template,
            one_packet,
        };
        if one_packet {
            let state = State::Udp as u8;
            self.begin(destination, state);
            self.end(destination, state);
            self.leave(template);
        } else if !self.is_translated(destination) {
            self.begin_connection(key, packet, &placed, None);
        }
        Ok(placed)
    }

    /// Makes a connection whose addresses are changed, after the one in whose place it comes has ended.
    fn take(&mut self, key: &Key, packet: Option<&Packet>, placed: Placed) -> Result<Seat, Reason> {
        let Placed {
            way,
            destination,
            template,
            one_packet,
        } = placed;
        if !self.is_translated(destination) {
            return Ok((destination, Sense::Plain));
        }
        let made = self.translate(key, &way, destination, one_packet);
        match made {
            Ok(Sense::Forward(translation)) => {
                self.begin_connection(key, packet, &placed, Some(translation));
            }
            Err(_) if !one_packet => self.leave(template),
            _ => {}
        }
        Ok((destination, made?))
    }

    fn begin_connection(
        &mut self,
        key: &Key,
        packet: Option<&Packet>,
        placed: &Placed,
        translation: Option<u32>,
    ) {
        let Placed {
            destination,
            template,
            ..
        } = *placed;
        let protocol = TransportProtocol::from_number(key.protocol).expect("one of the three");
        let first = State::first(protocol) as u8;
        // Of one whose addresses are changed both directions are seen.
        let replied = translation.is_some();
        let (state, over) = match packet {
            Some(packet) => {
                let direction = if replied { INPUT } else { INPUT_ONLY };
                let state = self.after(packet, direction, first);
                (state, self.over(state))
            }
            None => (first, self.now + seconds(NO_PACKET_YET)),
        };
        let one = Connection {
            over,
            destination,
            state,
            replied,
            template,
            translation,
        };
        self.connections.insert(*key, one);
        self.begin(destination, state);
        if is_established(state) {
            self.assure(template);
        }
    }

    /// The service of a packet that is one to be scheduled.
    fn enter(&mut self, key: &Key, port: usize) -> Result<Way, Reason> {
        let way = self.service_of(key, port).ok_or(Reason::NotAService)?;
        if self.is_to_be_dropped() {
            return Err(Reason::DropPacket);
        }
        if key.client_port == FTP_DATA {
            return Err(Reason::FtpDataPort);
        }
        let persistent = self.services[way.service].options.persistence.is_some();
        if !persistent && way.mark == 0 && way.port != Port::Own {
            return Err(way.refusal());
        }
        Ok(way)
    }

    fn service_of(&self, key: &Key, port: usize) -> Option<Way> {
        if let Some(rule) = self.rules.iter().find(|rule| fits(rule, key, port))
            && let Some(service) = self
                .index
                .get(&ServiceKey::of_mark(rule.mark.get(), key.family))
        {
            return Some(Way {
                service: *service,
                mark: rule.mark.get(),
                port: Port::Any,
            });
        }
        let at = |service_port: u16, port| {
            let key = ServiceKey {
                vip: key.vip,
                port: service_port.to_be_bytes(),
                protocol: key.protocol,
                mark_family: 0,
            };
            let mark = 0;
            let service = *self.index.get(&key)?;
            Some(Way {
                service,
                mark,
                port,
            })
        };
        let may_be_ftp = key.protocol == TransportProtocol::Tcp.number()
            && (key.port == FTP_DATA || key.port >= UNPRIVILEGED);
        at(key.port, Port::Own)
            .or_else(|| at(FTP, Port::Ftp).filter(|_| may_be_ftp))
            .or_else(|| at(0, Port::Any))
    }

    pub(super) fn has_vip(&self, vip: [u8; 16]) -> bool {
        let mut keys = self.index.keys();
        keys.any(|key| key.mark_family == 0 && key.vip == vip)
    }

    /// The connection of that key, if replies that the host routes are noted in it: others' come from elsewhere.
    pub(super) fn noting(&self, key: &Key) -> Option<Connection> {
        let one = self.connection(key);
        one.filter(|one| one.translation.is_none())
    }

    /// Whether a packet that is turned away is a reply of a connection that is known, in which it is noted then.
    fn is_reply(&mut self, packet: &Packet, reason: Reason) -> bool {
        if !matches!(reason, Reason::NoConnection | Reason::NotAService) {
            return false;
        }
        // The host does not route it on.
        if packet.hops_left() <= 1 {
            return false;
        }
        let key = packet.key().reversed();
        let Some(one) = self.noting(&key) else {
            return false;
        };
        self.count_reply(one.destination, packet);
        let state = self.after(packet, OUTPUT, one.state);
        self.refresh(&key, state, true);
        if state == State::Udp as u8 {
            self.assure(one.template);
        }
        true
    }
}

impl Connection {
    pub(super) fn seat(&self) -> Seat {
        let sense = self.translation.map_or(Sense::Plain, Sense::Forward);
        (self.destination, sense)
    }
}

/// A packet's place, but for what becomes of its addresses.
struct Placed {
    way: Way,
    destination: u32,
    template: Option<u32>,
    one_packet: bool,
}

/// Where a packet was turned away.
enum Refused {
    /// Before a service took it for its own.
    AtTheDoor(Reason),
    Inside(Reason),
}

impl Refused {
    fn reason(self) -> Reason {
        match self {
            Self::AtTheDoor(reason) | Self::Inside(reason) => reason,
        }
    }
}

fn fits(rule: &MarkRule, key: &Key, port: usize) -> bool {
    let family = if key.family == 4 {
        Family::Ipv4
    } else {
        Family::Ipv6
    };
    rule.family == family
        && rule
            .protocol
            .is_none_or(|protocol| protocol.number() == key.protocol)
        && rule
            .ports
            .as_ref()
            .is_none_or(|ports| ports.contains(&key.port))
        && rule
            .source_ports
            .as_ref()
            .is_none_or(|ports| ports.contains(&key.client_port))
        && rule
            .interface
            .as_ref()
            .is_none_or(|name| *name == format!("port{port}"))
}
