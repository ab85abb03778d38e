//! The director's own network stack: what becomes of packets that the data plane leaves to it.
//!
//! It knows the addresses that are the director's, answers as Linux does to what nobody listens for, and routes the
//! rest. What a listener says after it accepted a connection is beyond it: scenarios look no further than the first
//! answer.

mod answer;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use dray_model::{Mac, NextHop, Way};

use crate::{
    frame::{Exit, Packet, Transport, ethernet},
    ipvs::Surroundings,
    scenario::{Prefix, Scenario},
    site::{self, CLIENT_PORT, MTU, OWN_ADDRESSES, ROUTER, RealServers, SERVER_PORT},
};

/// The interfaces by their numbers in a private data plane.
const SERVER_INTERFACE: u32 = 2;

/// Who listens on the director itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listener {
    /// On a TCP port.
    Tcp(u16),
    /// On a UDP port.
    Udp(u16),
}

/// The director's network stack.
#[derive(Debug)]
pub struct Host {
    own: BTreeSet<IpAddr>,
    local: Vec<Prefix>,
    reals: RealServers,
    listeners: BTreeSet<Listener>,
}

/// A frame that the director sends.
pub type Sent = (Exit, Vec<u8>);

impl Host {
    /// As a scenario sets it up.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            own: OWN_ADDRESSES
                .into_iter()
                .chain(site::vips(scenario))
                .collect(),
            local: scenario.local.clone(),
            reals: RealServers::of(scenario),
            listeners: BTreeSet::new(),
        }
    }

    /// The real servers around it.
    pub const fn reals(&self) -> &RealServers {
        &self.reals
    }

    /// Somebody listens from now on.
    pub fn listen(&mut self, listener: Listener) {
        self.listeners.insert(listener);
    }

    /// Whether a packet from there is dropped before anybody looks at it: an IPv4 source that is the director's own, or nobody's
    /// (RFC 1812 section 5.3.7). IPv6 has no such rule but for the loopback address.
    pub fn is_martian(&self, source: IpAddr) -> bool {
        match source {
            IpAddr::V4(address) => {
                self.is_own(source)
                    || address.is_multicast()
                    || address.is_broadcast()
                    || address.octets()[0] == 0
            }
            IpAddr::V6(address) => address.is_loopback() || address.is_multicast(),
        }
    }

    /// What it sends for an IP packet that came to it.
    pub fn receive(&self, data: &[u8]) -> Vec<Sent> {
        let Ok(packet) = Packet::parse(data) else {
            return Vec::new();
        };
        if !packet.bad.is_empty() && packet.bad.contains(&"IP checksum") {
            return Vec::new();
        }
        if self.is_own(packet.destination) {
            return self.deliver(data, &packet);
        }
        self.forward(data, &packet)
    }

    /// A packet to the director itself.
    fn deliver(&self, data: &[u8], packet: &Packet) -> Vec<Sent> {
        if packet.fragment || packet.cut_short || !packet.bad.is_empty() {
            return Vec::new();
        }
        // An IPv6 address that is the director's by a route alone is no source of errors.
        let from = if packet.destination.is_ipv4() || self.own.contains(&packet.destination) {
            packet.destination
        } else {
            self.own_address_towards(packet.source)
        };
        let back = match packet.transport {
            Transport::Ports {
                destination, flags, ..
            } if packet.protocol == 6 => {
                if self.listeners.contains(&Listener::Tcp(destination)) {
                    answer::listener(packet, flags)
                } else {
                    answer::reset(packet, flags)
                }
            }
            Transport::Ports { destination, .. } if packet.protocol == 17 => {
                let listens = self.listeners.contains(&Listener::Udp(destination));
                (!listens).then(|| answer::port_unreachable(data, packet, from))
            }
            Transport::Icmp(kind) => answer::echo(packet, kind.number),
            Transport::Ports { .. } | Transport::Other => {
                Some(answer::protocol_unreachable(data, packet, from))
            }
        };
        back.and_then(|back| self.send(packet.source, &back))
            .into_iter()
            .collect()
    }

    /// A packet to somebody else.
    fn forward(&self, data: &[u8], packet: &Packet) -> Vec<Sent> {
        let sent = if packet.ttl <= 1 {
            let from = self.own_address_towards(packet.source);
            self.send(packet.source, &answer::time_exceeded(data, packet, from))
        } else {
            self.send(packet.destination, &answer::one_hop_further(data, packet))
        };
        sent.into_iter().collect()
    }

    fn send(&self, to: IpAddr, packet: &[u8]) -> Option<Sent> {
        let (exit, from, mac) = self.route(to)?;
        Some((exit, ethernet(mac, from, packet)))
    }

    /// By which side an address is reached, and which Ethernet address is there. `None` for the director itself, and for addresses
    /// that nobody answers for.
    fn route(&self, to: IpAddr) -> Option<(Exit, Mac, Mac)> {
        if self.is_own(to) {
            return None;
        }
        if let Some(mac) = self.reals.mac(to) {
            return Some((Exit::Server, SERVER_PORT, mac));
        }
        // Of the network between the director and the router, the router alone is there.
        let near = match to {
            IpAddr::V4(to) => {
                to.octets()[..3] == [10, 255, 0] && to != Ipv4Addr::new(10, 255, 0, 2)
            }
            IpAddr::V6(to) => {
                to.segments()[..4] == [0xfd00, 0x255, 0, 0] && to.segments()[4..] != [0, 0, 0, 2]
            }
        };
        (!near).then_some((Exit::Client, CLIENT_PORT, ROUTER))
    }

    /// The director's address that packets to there have as their source.
    fn own_address_towards(&self, to: IpAddr) -> IpAddr {
        let (client_side, server_side) = match to {
            IpAddr::V4(_) => (OWN_ADDRESSES[0], OWN_ADDRESSES[2]),
            IpAddr::V6(_) => (OWN_ADDRESSES[1], OWN_ADDRESSES[3]),
        };
        if self.reals.mac(to).is_some() {
            server_side
        } else {
            client_side
        }
    }
}

impl Surroundings for Host {
    fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address)
            || address.is_loopback() && address.is_ipv6()
            || matches!(address, IpAddr::V4(address) if address.octets()[0] == 127)
            || self.local.iter().any(|prefix| prefix.contains(address))
    }

    fn way_to(&self, address: IpAddr) -> Option<Way> {
        let destination = self.reals.mac(address)?;
        Some(Way {
            next: NextHop {
                interface: SERVER_INTERFACE,
                vlan: None,
                source: SERVER_PORT,
                destination,
                mtu: MTU,
            },
            gateway: None,
            source: Some(site::tunnel_source(address)),
            // Each real server has a route of its own; so nobody is on its network, and as in the kernel no client is refused.
            shared: None,
        })
    }
}
