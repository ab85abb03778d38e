//! A packet that belongs to no connection: is there a service for it, who gets it, and does the connection
//! table have room to remember?

use dray_abi::{Meta, Port, Reason, duration_of_ticks};
use dray_packet::{
    TransportProtocol,
    hash::Place,
    tcp::{self, State},
};

use crate::{
    atomic,
    connection::{self, Claim, Found},
    family::{Packet, Slot},
    maps, stats,
    tables::Arena,
};

/// The port that active FTP's data connections come from.
const FTP_DATA: u16 = 20;

/// How long TCP packets without a connection may belong to one that found the table full: as long as IPVS
/// keeps an idle established connection, 900 s, in ticks. For UDP it is the time that its connections last.
const TCP_MEMORY: u32 = (900_000_000_000 / duration_of_ticks(1).as_nanos()) as u32;

/// The port in whose entry that is remembered, for all: a flow may change ports.
const FULL: u32 = 0;

/// A packet without a connection.
pub(crate) struct Arrival<P> {
    pub(crate) packet: P,
    pub(crate) place: Place,
    pub(crate) port: &'static Port,
    pub(crate) tick: u32,
    /// A closed connection of the same key that the packet begins anew, or none.
    pub(crate) ended: Found,
}

/// A destination or a reason in one register, which is what a function may return here.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Outcome(u64);

impl Outcome {
    /// The highest destination has 24 bits.
    const REFUSED: u64 = 1 << 32;

    #[inline(always)]
    const fn encode(result: Result<u32, Reason>) -> Self {
        match result {
            Ok(destination) => Self(destination as u64),
            Err(reason) => Self(Self::REFUSED | reason as u64),
        }
    }

    #[inline(always)]
    pub(crate) fn decode(self) -> Result<u32, Reason> {
        if self.0 & Self::REFUSED == 0 {
            return Ok(self.0 as u32);
        }
        Err(Reason::from_number(self.0 as u32).unwrap_or(Reason::NotAService))
    }
}

/// Whether this packet begins its connection anew, as IPVS does by default (`conn_reuse_mode` 1): a SYN for one
/// that is closed.
#[inline(always)]
pub(crate) fn reopens<P: Packet>(packet: &P, meta: Meta) -> bool {
    let closed = meta.state() == State::TimeWait as u8 || meta.state() == State::Close as u8;
    packet.flags() & tcp::SYN != 0 && closed
}

/// Gives the packet a destination, and a connection if it can have one.
#[inline(never)]
pub(crate) fn open<P: Packet>(arrival: &Arrival<P>) -> Outcome {
    Outcome::encode(place_connection(arrival))
}

#[inline(always)]
fn place_connection<P: Packet>(arrival: &Arrival<P>) -> Result<u32, Reason> {
    let Arrival {
        packet,
        port,
        tick,
        ended,
        ..
    } = arrival;
    let (opens, may_be_later) = match packet.protocol() {
        TransportProtocol::Tcp => {
            let opens = tcp::opens(packet.flags());
            (opens, !opens && recently_full(*tick, TCP_MEMORY))
        }
        // A datagram does not say whether it is the first one.
        TransportProtocol::Udp => {
            let memory = port.settings.timeouts[State::Udp as usize];
            (true, recently_full(*tick, memory))
        }
    };
    if !opens && !may_be_later {
        return Err(Reason::NoConnection);
    }
    // SAFETY: a service's number never changes while packets can find it.
    let number =
        *unsafe { maps::SERVICE_INDEX.get(packet.service()) }.ok_or(Reason::NotAService)?;
    if packet.client_port() == FTP_DATA {
        return Err(Reason::FtpDataPort);
    }
    let service = maps::SERVICES
        .get_ptr_mut(number)
        .ok_or(Reason::NotAService)?;
    // SAFETY: a word of a map's value; one read, so that the packet sees one record, whole.
    let record = unsafe { atomic::load(&raw const (*service).record) } as u32;

    let claim = if ended.is_none() {
        claim(arrival)
    } else {
        // It fails when another processor has begun the connection anew at this moment.
        connection::claim_found(ended, *tick).or_else(|| claim(arrival))
    };
    let chosen = match claim {
        Some(_) if !may_be_later => dray_sched::pick(&Arena, record, &packet.flow()),
        _ => dray_sched::stateless(&Arena, record, &packet.flow()),
    };
    let Some(destination) = chosen else {
        give_back(claim);
        // SAFETY: a word of a map's value.
        unsafe { atomic::add(&raw mut (*service).refused, 1) };
        return Err(Reason::NoDestination);
    };
    match claim {
        Some(claim) => {
            let state = first_state(packet);
            claim.publish(packet, *tick, destination, state);
            stats::begin_connection(destination, state);
        }
        None => {
            stats::count_reason(Reason::TableFull);
            remember_full(*tick);
        }
    }
    Ok(destination)
}

/// A slot for a connection that has none: free, over, or at the worst half open.
#[inline(always)]
fn claim<P: Packet>(arrival: &Arrival<P>) -> Option<Claim<P::Slot>> {
    let Arrival {
        place, port, tick, ..
    } = arrival;
    if let Some(claim) = connection::claim::<P>(*place, &port.settings, *tick) {
        return Some(claim);
    }
    let claim = connection::claim_half_open::<P>(*place, *tick)?;
    stats::count_reason(Reason::HalfOpenReplaced);
    Some(claim)
}

#[inline(always)]
fn give_back<S: Slot>(claim: Option<Claim<S>>) {
    if let Some(claim) = claim {
        claim.give_back();
    }
}

#[inline(always)]
fn first_state<P: Packet>(packet: &P) -> u8 {
    match packet.protocol() {
        TransportProtocol::Tcp => tcp::after_input(State::None as u8, packet.flags()),
        TransportProtocol::Udp => State::Udp as u8,
    }
}

/// Whether a connection found the table full not longer than `memory` ago: then a packet without a connection may
/// be a later one of such a connection, and goes where the first one went.
#[inline(always)]
fn recently_full(tick: u32, memory: u32) -> bool {
    maps::PORTS.get_ptr(FULL).is_some_and(|port| {
        // SAFETY: a word of a map's value that packets write.
        let full = unsafe { (&raw const (*port).settings.full).read_volatile() };
        full != 0 && tick.wrapping_sub(full) < memory
    })
}

#[inline(always)]
fn remember_full(tick: u32) {
    if let Some(port) = maps::PORTS.get_ptr_mut(FULL) {
        // SAFETY: a word of a map's value; 0 means never, so tick 0 is told as 1.
        unsafe { (&raw mut (*port).settings.full).write_volatile(tick.max(1)) };
    }
}
