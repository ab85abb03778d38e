//! Connections whose addresses are changed (NAT, FULLNAT): how they begin and end, and the way of their packets.

use std::net::{IpAddr, SocketAddr};

use dray_abi::Reason;
use dray_model::{Mac, NextHop};
use dray_packet::{TransportProtocol, ethernet::Ethernet, state::State, tcp};

use super::{
    Connection, Forwarding, Model, OUTPUT,
    forward::{Stop, write_link},
    open::{Port, Way},
    rewrite, segment,
};
use crate::packet::{Key, Packet, mapped};

/// The largest packet that leaves by an interface.
const LARGEST: u32 = u16::MAX as u32;
/// Bytes that an IPv6 header is longer by than an IPv4 one.
const SURPLUS: u32 = 20;

/// What becomes of a packet's addresses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sense {
    /// They stay.
    Plain,
    /// It is a client's, of the translation of that number.
    Forward(u32),
    /// It is a real server's.
    Reply(u32),
    /// It is the only one of its connection, and is to carry this key.
    OnePacket(Key),
}

/// A connection's other side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Translation {
    /// The key of its client's packets: the connection's.
    client: Key,
    /// That of its real server's.
    server: Key,
    last_hop: Option<LastHop>,
    /// What a client acknowledges that has heard of the real server no more than its SYN.
    acknowledged: Option<u32>,
    /// Whether there is a connection still.
    lives: bool,
}

/// Where the client's packets last came from.
#[derive(Clone, Copy, Debug)]
struct LastHop {
    mac: Mac,
    vlan: u16,
    port: usize,
}

impl LastHop {
    fn of(bytes: &[u8], link: &Ethernet, port: usize) -> Self {
        let mac = Mac(bytes[6..12].try_into().expect("six bytes"));
        let vlan = link.vlan;
        Self { mac, vlan, port }
    }
}

impl Model {
    pub(super) fn is_translated(&self, destination: u32) -> bool {
        self.destinations[&destination].forwarding != Forwarding::Direct
    }

    /// The two sides of a new connection to that destination.
    pub(super) fn translate(
        &mut self,
        key: &Key,
        way: &Way,
        destination: u32,
        one_packet: bool,
    ) -> Result<Sense, Reason> {
        let target = &self.destinations[&destination];
        if target.hop.is_none() {
            return Err(target.unsendable());
        }
        let (real, shared) = match target.forwarding {
            Forwarding::Direct => return Ok(Sense::Plain),
            Forwarding::Nat { real, shared } => (real, Some(shared)),
            Forwarding::FullNat { real, .. } => (real, None),
        };
        let persistent = self.services[way.service].options.persistence.is_some();
        let gives_port = real.port() != 0 && (way.port == Port::Own || !persistent);
        let port = if gives_port { real.port() } else { key.port };
        let real = SocketAddr::new(real.ip(), port);
        let server = if let Some(shared) = shared {
            self.answers_of_nat(key, real, shared)?
        } else if one_packet {
            return Err(Reason::NoTranslation);
        } else {
            self.answers_of_fullnat(key, real)?
        };
        if one_packet {
            return Ok(Sense::OnePacket(server.reversed()));
        }
        if self.connection(&server).is_some() {
            return Err(Reason::Hairpin);
        }
        let number = self.next_translation;
        self.next_translation += 1;
        let translation = Translation {
            client: *key,
            server,
            last_hop: None,
            acknowledged: None,
            lives: true,
        };
        self.translations.insert(number, translation);
        // The newest connection gets the answers.
        self.returns.insert(server, number);
        Ok(Sense::Forward(number))
    }

    /// The key of the real server's packets to the client.
    fn answers_of_nat(&self, key: &Key, real: SocketAddr, shared: u8) -> Result<Key, Reason> {
        let client = key.source();
        if client.is_ipv4() != real.is_ipv4() {
            return Err(Reason::OtherFamily);
        }
        if prefix(client.ip(), shared) == prefix(real.ip(), shared) {
            return Err(Reason::Hairpin);
        }
        Ok(Key::between(key.protocol, real, client))
    }

    /// That of its packets to the director, which draws one of its pairs of address and port by a secret: any that is free.
    fn answers_of_fullnat(&self, key: &Key, real: SocketAddr) -> Result<Key, Reason> {
        let mut free = self.pool.iter().filter(|local| {
            let answers = Key::between(key.protocol, real, **local);
            local.is_ipv4() == real.is_ipv4()
                && !self.returns.contains_key(&answers)
                && self.connection(&answers).is_none()
        });
        let drawn = self.drawn.get(key);
        let first = *free.clone().next().ok_or(Reason::PortsExhausted)?;
        let local = free.find(|local| Some(*local) == drawn).copied();
        Ok(Key::between(key.protocol, real, local.unwrap_or(first)))
    }

    /// Ends what belongs to a connection that has ended.
    pub(super) fn end_translation(&mut self, one: &Connection) {
        let Some(number) = one.translation else {
            return;
        };
        let translation = self.translation(number);
        translation.lives = false;
        let server = translation.server;
        if self.returns.get(&server) == Some(&number) {
            self.returns.remove(&server);
        }
    }

    fn translation(&mut self, number: u32) -> &mut Translation {
        self.translations.get_mut(&number).expect("none is lost")
    }

    /// Those of connections that there are: the keys of both sides' packets.
    pub(crate) fn translated(&self) -> Vec<(Key, Key)> {
        let connections = self.connections.values();
        let numbers = connections.filter_map(|one| one.translation);
        let mut translated: Vec<_> = numbers.collect();
        translated.sort_unstable();
        let keys = |number| {
            let Translation { client, server, .. } = self.translations[&number];
            (client, server)
        };
        translated.into_iter().map(keys).collect()
    }

    /// How many slots there are for replies.
    pub(crate) fn returns(&self) -> usize {
        self.returns.len()
    }

    /// The address that the real server sees in place of the client's, if it is another.
    pub(super) fn local(&self, one: &Connection) -> Option<SocketAddr> {
        let Translation { client, server, .. } = self.translations[&one.translation?];
        Some(server.destination()).filter(|local| *local != client.source())
    }

    /// A packet goes to the other side.
    pub(super) fn pass_on(
        &mut self,
        bytes: &mut Vec<u8>,
        port: usize,
        link: &Ethernet,
        packet: &Packet,
        (number, sense): (u32, Sense),
    ) -> Result<usize, Stop> {
        let (new, way) = match sense {
            Sense::Plain => return self.send(bytes, link, packet, number),
            Sense::Reply(translation) => self.reply(packet, translation)?,
            Sense::Forward(_) | Sense::OnePacket(_) => {
                let last_hop = LastHop::of(bytes, link, port);
                self.forward_translated(packet, number, sense, last_hop)?
            }
        };
        let offset = link.length();
        let told = self.tells(bytes, offset, packet, number, sense);
        if new.family == packet.family() {
            rewrite::packet(bytes, offset, packet, &new)?;
        }
        if packet.more_fragments() && !matches!(sense, Sense::OnePacket(_)) {
            self.remember_fragment(packet, number, sense);
        }
        if new.family != packet.family() {
            rewrite::cross(bytes, offset, packet, &new)?;
        }
        if !matches!(sense, Sense::OnePacket(_)) {
            self.clamp(bytes, offset, packet, number);
        }
        if let Some(client) = told {
            segment::tell(bytes, offset, client, way.mtu);
        }
        write_link(bytes, link, &way);
        Ok(way.interface as usize - 1)
    }

    /// The client whose address a packet tells the real server, if it is one that does: it acknowledges the SYN and no data, and
    /// there are no other headers than the two.
    fn tells(
        &mut self,
        bytes: &[u8],
        offset: usize,
        packet: &Packet,
        number: u32,
        sense: Sense,
    ) -> Option<SocketAddr> {
        const SEQUENCE: usize = 4;
        const ACKNOWLEDGEMENT: usize = 8;
        let upper = packet.upper(offset);
        let read = |at: usize| {
            let word = bytes[upper + at..][..4].try_into().expect("four bytes");
            u32::from_be_bytes(word)
        };
        if packet.protocol() != TransportProtocol::Tcp {
            return None;
        }
        match sense {
            Sense::Reply(translation) => {
                if packet.flags() & tcp::SYN != 0 {
                    let next = read(SEQUENCE).wrapping_add(1);
                    self.translation(translation).acknowledged = Some(next);
                }
                None
            }
            Sense::Forward(translation) => {
                let forwarding = self.destinations[&number].forwarding;
                let tells = matches!(forwarding, Forwarding::FullNat { tells: true, .. });
                let plain = if packet.family() == 4 { 20 } else { 40 };
                let is_due = packet.flags() & (tcp::ACK | tcp::SYN | tcp::RST) == tcp::ACK
                    && upper == offset + plain
                    && self.translations[&translation].acknowledged == Some(read(ACKNOWLEDGEMENT));
                (tells && is_due).then(|| packet.key().source())
            }
            Sense::Plain | Sense::OnePacket(_) => None,
        }
    }

    /// What a client's packet is to carry, and its way.
    fn forward_translated(
        &mut self,
        packet: &Packet,
        number: u32,
        sense: Sense,
        last_hop: LastHop,
    ) -> Result<(Key, NextHop), Stop> {
        self.count_packet(number, packet);
        let hop = self.destinations[&number].hop;
        let hop = hop.expect("without one there is no translation");
        let translation = match sense {
            Sense::OnePacket(new) => {
                check(packet, new.family, hop.mtu)?;
                return Ok((new, hop));
            }
            Sense::Forward(translation) => self.translation(translation),
            Sense::Plain | Sense::Reply(_) => unreachable!("it is a client's"),
        };
        let new = translation.server.reversed();
        check(packet, new.family, hop.mtu)?;
        translation.last_hop = Some(last_hop);
        Ok((new, hop))
    }

    /// What a real server's packet is to carry, and its way. It is noted in the connection.
    fn reply(&mut self, packet: &Packet, number: u32) -> Result<(Key, NextHop), Stop> {
        let client = self.translations[&number].client;
        let one = self.connection(&client).expect("it ends with its replies");
        let state = self.after(packet, OUTPUT, one.state);
        self.refresh(&client, state, true);
        if state == State::Udp as u8 {
            self.assure(one.template);
        }
        self.count_reply(one.destination, packet);
        let way = self.way_back(number)?;
        check(packet, client.family, LARGEST)?;
        Ok((client.reversed(), way))
    }

    /// A later fragment, or an ICMP error, goes to the other side.
    pub(super) fn pass_stray(
        &mut self,
        bytes: &mut Vec<u8>,
        port: usize,
        link: &Ethernet,
        (packet, is_error): (&Packet, bool),
        (number, sense): (u32, Sense),
    ) -> Result<usize, Stop> {
        let (translation, is_reply) = match sense {
            Sense::Plain => {
                self.count_packet(number, packet);
                return self.send(bytes, link, packet, number);
            }
            Sense::OnePacket(_) => return Err(Reason::NoTranslation.into()),
            Sense::Forward(translation) => (translation, false),
            Sense::Reply(translation) => (translation, true),
        };
        let Translation {
            client,
            server,
            lives,
            ..
        } = self.translations[&translation];
        self.follows_the_dead = !lives;
        let (new, way) = if is_reply {
            self.count_reply(number, packet);
            (client.reversed(), self.way_back(translation)?)
        } else {
            self.count_packet(number, packet);
            let hop = self.destinations[&number].hop;
            (server.reversed(), hop.expect("as above"))
        };
        if new.family != packet.family() {
            return Err(Reason::OtherFamily.into());
        }
        check(packet, new.family, way.mtu)?;
        let last_hop = LastHop::of(bytes, link, port);
        if is_error {
            if !is_reply {
                self.translation(translation)
                    .last_hop
                    .get_or_insert(last_hop);
            }
            rewrite::error(bytes, link.length(), &new);
        } else {
            rewrite::fragment(bytes, link.length(), &new);
        }
        write_link(bytes, link, &way);
        Ok(way.interface as usize - 1)
    }

    /// The way to the client.
    fn way_back(&self, translation: u32) -> Result<NextHop, Reason> {
        let last_hop = self.translations[&translation].last_hop;
        let LastHop { mac, vlan, port } = last_hop.ok_or(Reason::NoNextHop)?;
        Ok(NextHop {
            interface: port as u32 + 1,
            vlan: Some(vlan).filter(|vlan| *vlan != 0),
            source: self.ports[port],
            destination: mac,
            mtu: LARGEST,
        })
    }
}

/// Whether the packet may go on and fits when it is one of that family.
fn check(packet: &Packet, family: u8, mtu: u32) -> Result<(), Stop> {
    if packet.hops_left() <= 1 {
        return Err(Reason::TimeToLive.into());
    }
    let mtu = match (packet.family(), family) {
        (4, 6) => mtu - SURPLUS,
        (6, 4) => mtu + SURPLUS,
        _ => mtu,
    };
    if packet.length() <= mtu {
        return Ok(());
    }
    Err(if packet.stays_whole() {
        Stop(Reason::TooBig, mtu)
    } else {
        Stop(Reason::NeedsFragmenting, mtu)
    })
}

/// The first so many bits of an address.
fn prefix(address: IpAddr, length: u8) -> u128 {
    let unused = if address.is_ipv4() { 96 } else { 0 };
    let rest = 128 - unused - u32::from(length);
    u128::from_be_bytes(mapped(address)) >> rest
}
