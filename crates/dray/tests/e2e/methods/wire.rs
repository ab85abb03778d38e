//! What a director sends, read by tshark: every checksum right, every length, no malformed header.

use std::collections::BTreeSet;

use dray_lab::{Arms, Capture, Direction, Lab, Network};

use crate::tshark::{self, Packet};

/// What a director sent.
pub(crate) struct Sent {
    /// By its cable to the clients, which with one arm is the only one.
    pub(crate) to_clients: Vec<Packet>,
    /// By its cable to the real servers; none with one arm.
    pub(crate) to_real_servers: Vec<Packet>,
}

impl Sent {
    /// All TCP and UDP packets that it sent, without ICMP errors, which quote some.
    pub(crate) fn flows(&self) -> impl Iterator<Item = &Packet> {
        let all = self.to_clients.iter().chain(&self.to_real_servers);
        all.filter(|packet| packet.is_of_a_flow())
    }
}

/// Watches a director while there is traffic, of which what connections of before still have to say is no part. What it
/// gets and sends is sound.
pub(crate) fn watch(lab: &Lab, traffic: impl FnOnce()) -> Sent {
    let at = |network| lab.capture_at_director(0, network).unwrap();
    let clients = at(Network::Client);
    let real_servers = (lab.topology().arms() == Arms::Two).then(|| at(Network::Server));
    traffic();
    Sent {
        to_clients: sent(clients),
        to_real_servers: real_servers.map(sent).unwrap_or_default(),
    }
}

fn sent(capture: Capture) -> Vec<Packet> {
    let frames = capture.stop().unwrap();
    let decoded = tshark::decode(&frames);
    assert_eq!(decoded.len(), frames.len());
    decoded.iter().for_each(Packet::assert_sound);
    let syns = decoded.iter().filter(|packet| packet.is_syn());
    let begun: BTreeSet<_> = syns.filter_map(Packet::connection).collect();
    let is_left = |packet: &Packet| packet.connection().is_some_and(|of| !begun.contains(&of));
    let left: Vec<bool> = decoded.iter().map(is_left).collect();
    let from_director = frames.iter().map(|frame| frame.direction == Direction::In);
    let decoded = decoded.into_iter().zip(from_director).zip(left);
    decoded
        .filter_map(|((packet, from_director), left)| (from_director && !left).then_some(packet))
        .collect()
}
