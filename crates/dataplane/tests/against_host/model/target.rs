//! Destinations, and what is counted for them.

use std::{net::SocketAddr, num::NonZeroU16};

use dray_abi::{Live, Reason};
use dray_model::{Counters, NextHop};
use dray_packet::state::is_active;

use super::Model;
use crate::packet::Packet;

/// A destination.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) service: u32,
    pub(crate) weight: u32,
    pub(crate) available: bool,
    pub(crate) local: bool,
    pub(crate) hop: Option<NextHop>,
    /// What SYNs may announce at most.
    pub(crate) mss: Option<NonZeroU16>,
    pub(crate) forwarding: Forwarding,
    pub(crate) upper: u32,
    pub(crate) lower: u32,
    pub(crate) active: u32,
    pub(crate) inactive: u32,
    pub(crate) overloaded: bool,
    pub(crate) counters: Counters,
}

/// What becomes of the addresses of packets for a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarding {
    Direct,
    Nat {
        /// Its port is 0 for that of the connection.
        real: SocketAddr,
        /// The prefix length of the network that real server and director share; without one, of the real server's address.
        shared: u8,
    },
    FullNat {
        real: SocketAddr,
        /// It is told the client's address.
        tells: bool,
    },
}

impl Model {
    pub(super) fn target(&mut self, destination: u32) -> &mut Target {
        let target = self.destinations.get_mut(&destination);
        target.expect("destinations stay")
    }

    /// Counts a connection that begins.
    pub(super) fn begin(&mut self, destination: u32, state: u8) {
        let target = self.target(destination);
        target.counters.connections += 1;
        *target.count(state) += 1;
        target.bound();
    }

    /// Counts a connection that ends.
    pub(super) fn end(&mut self, destination: u32, state: u8) {
        let target = self.target(destination);
        *target.count(state) -= 1;
        target.unbound();
    }

    /// Counts a packet for a destination.
    pub(super) fn count_packet(&mut self, destination: u32, packet: &Packet) {
        let counters = &mut self.target(destination).counters;
        counters.packets += 1;
        counters.bytes += u64::from(packet.length());
    }

    /// Counts one of its real server's.
    pub(super) fn count_reply(&mut self, destination: u32, packet: &Packet) {
        let counters = &mut self.target(destination).counters;
        counters.reply_packets += 1;
        counters.reply_bytes += u64::from(packet.length());
    }
}

impl Target {
    pub(super) fn count(&mut self, state: u8) -> &mut u32 {
        if is_active(state) {
            &mut self.active
        } else {
            &mut self.inactive
        }
    }

    /// Why it has no next hop.
    pub(super) fn unsendable(&self) -> Reason {
        if self.local {
            Reason::LocalRealServer
        } else {
            Reason::NoNextHop
        }
    }

    fn total(&self) -> u32 {
        self.active + self.inactive
    }

    pub(super) fn bound(&mut self) {
        self.overloaded = Live::overloaded_after_bind(self.total(), self.upper, self.overloaded);
    }

    pub(super) fn unbound(&mut self) {
        let Self { upper, lower, .. } = *self;
        self.overloaded =
            Live::overloaded_after_unbind(self.total(), upper, lower, self.overloaded);
    }
}
