//! Packets without ports: later fragments and ICMP errors.

use dray_abi::{FRAGMENT_TIME, Reason, ServiceKey};
use dray_packet::{
    Frame, Refusal, TransportProtocol, Upper, answer::Buffer as _, icmp, ipv4, ipv6,
};

use super::{
    Model, Sense, Tick,
    forward::{Bytes, Seat, reason},
};
use crate::packet::Packet;

/// What a VIP's entry has for a protocol.
const VIP: u8 = 255;

impl Model {
    /// What forwarding has to know of the packet at `offset`, and its destination.
    pub(super) fn stray(
        &mut self,
        bytes: &mut Vec<u8>,
        offset: usize,
        is_fragment: bool,
        port: usize,
    ) -> Result<(Packet, Seat), Reason> {
        let seat = if is_fragment {
            self.follow(bytes, offset)?
        } else {
            self.relay(bytes, offset, port)?
        };
        let frame = Frame::from(&mut bytes[..]);
        let packet = if is_v4(&frame, offset) {
            ipv4::header(&frame, offset).map(|(packet, _)| Packet::V4(packet))
        } else {
            // Extension headers do not matter for forwarding.
            ipv6::header_by(&frame, offset, |walk| walk).map(|(packet, _)| Packet::V6(packet))
        };
        Ok((packet.map_err(reason)?, seat))
    }

    pub(super) fn remember_fragment(&mut self, packet: &Packet, number: u32, sense: Sense) {
        let over = self.now + Tick::from(FRAGMENT_TIME);
        self.fragments
            .insert(packet.fragment_key(), (number, sense, over));
    }

    fn follow(&self, bytes: &mut [u8], offset: usize) -> Result<Seat, Reason> {
        let (packet, upper) = header(&Frame::from(bytes), offset).map_err(|_| Reason::Truncated)?;
        if let Some((number, sense, over)) = self.fragments.get(&packet.fragment_key())
            && *over >= self.now
        {
            return Ok((*number, *sense));
        }
        let vip = ServiceKey {
            vip: packet.key().vip,
            port: [0; 2],
            protocol: VIP,
            mark_family: 0,
        };
        let balanced = TransportProtocol::from_number(upper.protocol).is_some();
        if balanced && self.has_vip(vip.vip) {
            return Err(Reason::LateFirstFragment);
        }
        Err(Reason::Fragment)
    }

    /// The destination of an ICMP error.
    fn relay(&mut self, bytes: &mut Vec<u8>, offset: usize, port: usize) -> Result<Seat, Reason> {
        let error = error(&Frame::from(&mut bytes[..]), offset)?;
        let key = error.key();
        let known = self.connection(&key).map(|one| one.seat());
        let known = known.or_else(|| self.returning(&key));
        if known.is_none() {
            if let Some(one) = self.noting(&key.reversed()) {
                self.count_reply(one.destination, &error);
                return Err(Reason::Reply);
            }
            if !self.policy.ipvs.schedule_icmp {
                return Err(Reason::OtherProtocol);
            }
        }
        // All kernels look at it where they change the message.
        let changes = match known {
            Some((_, sense)) => !matches!(sense, Sense::Plain),
            None => self.translates,
        };
        let is_checked = changes || self.has_old_rules();
        if is_checked && matches!(error, Packet::V4(_)) && !is_right(bytes, offset) {
            return Err(Reason::IcmpChecksum);
        }
        match known {
            Some(known) => Ok(known),
            None => self.seat_error(&error, port),
        }
    }
}

fn is_v4(frame: &Frame<'_>, offset: usize) -> bool {
    frame.read::<u8>(offset).is_some_and(|byte| byte >> 4 == 4)
}

fn header(frame: &Frame<'_>, offset: usize) -> Result<(Packet, Upper), Refusal> {
    if is_v4(frame, offset) {
        ipv4::header(frame, offset).map(|(packet, upper)| (Packet::V4(packet), upper))
    } else {
        ipv6::header(frame, offset).map(|(packet, upper)| (Packet::V6(packet), upper))
    }
}

fn error(frame: &Frame<'_>, offset: usize) -> Result<Packet, Reason> {
    if is_v4(frame, offset) {
        return icmp::parse4(frame, offset).map(Packet::V4).map_err(reason);
    }
    match icmp::parse6(frame, offset) {
        Err(Refusal::Fragment) => Err(Reason::IcmpFragment),
        parsed => parsed.map(Packet::V6).map_err(reason),
    }
}

/// Whether the ICMP message's checksum is right.
fn is_right(bytes: &mut Vec<u8>, offset: usize) -> bool {
    let Ok((packet, upper)) = ipv4::header(&Frame::from(&mut bytes[..]), offset) else {
        return false;
    };
    let length = (offset + usize::from(packet.length)).saturating_sub(upper.offset);
    let sum = Bytes(bytes).sum(upper.offset, length);
    sum.is_some_and(|sum| sum.is_right())
}
