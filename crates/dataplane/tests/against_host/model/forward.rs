//! A frame's way: link layer, connection, next hop, answer.

use dray_abi::Reason;
use dray_model::{NextHop, NoDestination};
use dray_packet::{
    Frame, Refusal, TransportProtocol,
    answer::{self, Answer, Buffer, Silence},
    checksum::{Sum, Summing},
    ethernet::{self, Addresses, CUSTOMER_TAG, Ethernet},
    ipv4, ipv6,
    state::State,
    tcp,
};

use super::{Connection, INPUT, INPUT_ONLY, Model, Sense, segment};
use crate::packet::Packet;

/// A destination, and what becomes of the packet's addresses.
pub(super) type Seat = (u32, Sense);

/// Why a packet does not leave, and the largest one that fits where that is the reason.
pub(super) struct Stop(pub(super) Reason, pub(super) u32);

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self(reason, 0)
    }
}

impl Model {
    /// The port that the frame leaves by.
    pub(super) fn forward(&mut self, bytes: &mut Vec<u8>, port: usize) -> Result<usize, Reason> {
        let frame = Frame::from(&mut bytes[..]);
        let link = ethernet::parse(&frame).map_err(reason)?;
        if link.destination != ethernet::address_word(self.ports[port].0) {
            return Err(Reason::OtherHost);
        }
        let offset = link.length();
        let parsed = match link.ether_type {
            ethernet::IPV4 => ipv4::parse(&frame, offset).map(Packet::V4),
            ethernet::IPV6 => ipv6::parse(&frame, offset).map(Packet::V6),
            _ => return Err(Reason::NotIp),
        };
        let sent = match parsed {
            Ok(packet) => self.balance(bytes, port, &link, &packet),
            Err(Refusal::Truncated) => Err(Reason::Truncated.into()),
            Err(refusal) => self
                .stray(bytes, offset, refusal == Refusal::Fragment, port)
                .map_err(Stop::from)
                .and_then(|(packet, seat)| {
                    let is_error = refusal == Refusal::OtherProtocol;
                    self.pass_stray(bytes, port, &link, (&packet, is_error), seat)
                }),
        };
        sent.map_err(|Stop(reason, mtu)| match reason {
            Reason::NoDestination | Reason::TimeToLive | Reason::TooBig => {
                self.answer(bytes, reason, offset, port, mtu)
            }
            reason => reason,
        })
    }

    fn balance(
        &mut self,
        bytes: &mut Vec<u8>,
        port: usize,
        link: &Ethernet,
        packet: &Packet,
    ) -> Result<usize, Stop> {
        let (number, sense) = match self.find(packet)? {
            Ok(seat) => seat,
            Err(ended) => self.seat(packet, ended, port)?,
        };
        if let Sense::Plain = sense {
            self.count_packet(number, packet);
            if packet.more_fragments() {
                self.remember_fragment(packet, number, sense);
            }
        }
        self.pass_on(bytes, port, link, packet, (number, sense))
    }

    /// The destination of the packet's connection, in which it is noted; else a connection that is no more for it, if there
    /// was one.
    fn find(&mut self, packet: &Packet) -> Result<Result<Seat, Option<Connection>>, Reason> {
        let key = packet.key();
        if let Some(seat) = self.returning(&key) {
            return Ok(Ok(seat));
        }
        let Some(one) = self.connection(&key) else {
            return Ok(Err(None));
        };
        if packet.is_new() && self.begins_anew(&one) {
            return Ok(Err(Some(one)));
        }
        if !self.destinations[&one.destination].available {
            if self.policy.ipvs.expire_nodest_conn {
                return Ok(Err(Some(one)));
            }
            if !self.keeps_removed() {
                return Err(Reason::RealServerRemoved);
            }
        }
        let direction = if one.replied { INPUT } else { INPUT_ONLY };
        let state = self.after(packet, direction, one.state);
        self.refresh(&key, state, one.replied);
        Ok(Ok(one.seat()))
    }

    fn begins_anew(&self, one: &Connection) -> bool {
        let ipvs = &self.policy.ipvs;
        let quiesced = self.destinations[&one.destination].weight == 0;
        if ipvs.expire_nodest_conn && quiesced {
            return true;
        }
        if one.template.is_some() {
            return false;
        }
        match State::from_number(one.state) {
            Some(State::TimeWait | State::Close | State::SctpClosed) => ipvs.conn_reuse_mode != 0,
            Some(State::FinWait) => ipvs.conn_reuse_mode & 2 != 0 && !one.replied,
            _ => false,
        }
    }

    pub(super) fn send(
        &self,
        bytes: &mut Vec<u8>,
        link: &Ethernet,
        packet: &Packet,
        number: u32,
    ) -> Result<usize, Stop> {
        let target = &self.destinations[&number];
        let hop = target.hop.ok_or(target.unsendable())?;
        if packet.hops_left() <= 1 {
            return Err(Reason::TimeToLive.into());
        }
        if packet.length() > hop.mtu {
            let reason = if packet.stays_whole() {
                Reason::TooBig
            } else {
                Reason::NeedsFragmenting
            };
            return Err(Stop(reason, hop.mtu));
        }
        packet.take_hop(bytes, link.length());
        self.clamp(bytes, link.length(), packet, number);
        write_link(bytes, link, &hop);
        Ok(hop.interface as usize - 1)
    }

    /// Lowers what a SYN to that destination, or from it, announces.
    pub(super) fn clamp(&self, bytes: &mut [u8], offset: usize, packet: &Packet, number: u32) {
        let is_syn = packet.protocol() == TransportProtocol::Tcp && packet.flags() & tcp::SYN != 0;
        if let Some(limit) = self.destinations[&number].mss.filter(|_| is_syn) {
            segment::clamp(bytes, offset, limit.get());
        }
    }

    /// What a packet is counted under that stops for this reason and may be answered.
    fn answer(
        &self,
        bytes: &mut Vec<u8>,
        stopped: Reason,
        link: usize,
        port: usize,
        mtu: u32,
    ) -> Reason {
        let answer = match stopped {
            Reason::TimeToLive => Answer::TimeExceeded,
            Reason::TooBig => Answer::TooBig(mtu),
            _ if self.refuses_silently() => return stopped,
            _ if self.policy.ipvs.no_destination == NoDestination::Reset => Answer::Reset,
            _ => Answer::PortUnreachable,
        };
        match answer::answer(&mut Bytes(bytes), link, self.ports[port].0, answer) {
            Ok(Answer::PortUnreachable) => Reason::Unreachable,
            Ok(Answer::TimeExceeded) => Reason::TimeExceeded,
            Ok(Answer::TooBig(_)) => Reason::TooBig,
            Ok(Answer::Reset) => Reason::Reset,
            Err(Silence::Unanswerable) if stopped == Reason::TooBig => Reason::NeedsFragmenting,
            Err(Silence::Unanswerable) => stopped,
            Err(Silence::Exceeded) => Reason::AnswersExceeded,
            Err(Silence::NoRoom) => Reason::NoRoom,
        }
    }
}

/// The link layer anew: the next hop's addresses, and its tag alone.
pub(super) fn write_link(bytes: &mut Vec<u8>, link: &Ethernet, hop: &NextHop) {
    let addresses = Addresses {
        destination: hop.destination.0,
        source: hop.source.0,
    };
    let mut header = [addresses.destination, addresses.source].concat();
    // A frame whose one tag is right keeps it as it is, priority and all.
    let kept = link.tags == usize::from(hop.vlan.is_some()) && link.vlan == hop.vlan.unwrap_or(0);
    if kept {
        header.extend(&bytes[12..link.length()]);
    } else {
        if let Some(vlan) = hop.vlan {
            header.extend(CUSTOMER_TAG);
            header.extend(vlan.to_be_bytes());
        }
        header.extend(&bytes[link.length() - 2..link.length()]);
    }
    bytes.splice(..link.length(), header);
}

pub(super) fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::Truncated => Reason::Truncated,
        Refusal::Fragment => Reason::Fragment,
        Refusal::OtherProtocol => Reason::OtherProtocol,
    }
}

/// A frame in memory.
pub(super) struct Bytes<'a>(pub(super) &'a mut Vec<u8>);

impl Buffer for Bytes<'_> {
    fn frame(&mut self) -> Frame<'_> {
        Frame::from(&mut self.0[..])
    }

    fn length(&self) -> usize {
        self.0.len()
    }

    fn cut(&mut self, length: usize) -> Option<()> {
        // The kernel, too, does not lengthen a frame where there are no bytes.
        self.0.truncate(length);
        Some(())
    }

    fn prepend(&mut self, bytes: usize) -> Option<()> {
        self.0.splice(0..0, vec![0; bytes]);
        Some(())
    }

    fn sum(&mut self, offset: usize, length: usize) -> Option<Sum> {
        let frame = self.frame();
        let mut summing = Summing::new(offset, length);
        for number in 0..Summing::steps(length) {
            if summing.step(number, &frame).is_break() {
                break;
            }
        }
        summing.sum()
    }

    fn permit(&mut self) -> bool {
        true
    }
}
