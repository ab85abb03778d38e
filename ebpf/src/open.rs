//! A packet that belongs to no connection: is there a service for it, who gets it, and does the connection
//! table have room to remember?

use dray_abi::{Meta, Reason, duration_of_ticks};
use dray_packet::{
    TransportProtocol,
    hash::Place,
    tcp::{self, State},
};

use crate::{
    atomic,
    connection::{self, Claim, Found},
    family::Packet,
    maps, stats,
    tables::Arena,
};

/// The port that active FTP's data connections come from.
const FTP_DATA: u16 = 20;

/// How long TCP packets without a connection may belong to one that found the table full: as long as IPVS
/// keeps an idle established connection, 900 s, in ticks.
const FULL_MEMORY: u32 = {
    let tick = duration_of_ticks(1).as_nanos();
    (900_000_000_000 / tick) as u32
};

/// Whether this packet begins its connection anew, as IPVS does by default (`conn_reuse_mode` 1): a SYN for one
/// that is closed.
#[inline(always)]
pub(crate) fn reopens<P: Packet>(packet: &P, meta: Meta) -> bool {
    let closed = meta.state() == State::TimeWait as u8 || meta.state() == State::Close as u8;
    packet.flags() & tcp::SYN != 0 && closed
}

/// Gives the packet a destination, and a connection if it can have one. `ended` is a connection of the same
/// key that the packet begins anew.
#[inline(always)]
pub(crate) fn open<P: Packet>(
    packet: &P,
    key: &P::Key,
    place: Place,
    tick: u32,
    ended: Option<Found>,
) -> Result<u32, Reason> {
    let opens = match packet.protocol() {
        TransportProtocol::Tcp => tcp::opens(packet.flags()),
        TransportProtocol::Udp => true,
    };
    if !opens && !recently_full(tick) {
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
    let flow = packet.flow(key);

    let claim = match ended {
        Some(found) => connection::claim_found(&found, tick),
        None => claim::<P>(place, tick),
    };
    let chosen = match claim {
        Some(_) if opens => dray_sched::pick(&Arena, record, &flow),
        _ => dray_sched::stateless(&Arena, record, &flow),
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
            claim.publish(key, tick, destination, state);
            stats::begin_connection(destination, state);
        }
        None => {
            stats::count_reason(Reason::TableFull);
            remember_full(tick);
        }
    }
    Ok(destination)
}

/// A slot for a connection that has none: free, over, or at the worst half open.
#[inline(always)]
fn claim<P: Packet>(place: Place, tick: u32) -> Option<Claim<P::Slot>> {
    if let Some(claim) = connection::claim::<P>(place, tick) {
        return Some(claim);
    }
    let claim = connection::claim_half_open::<P>(place, tick)?;
    stats::count_reason(Reason::HalfOpenReplaced);
    Some(claim)
}

#[inline(always)]
fn give_back<S: crate::family::Slot>(claim: Option<Claim<S>>) {
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

/// Whether a connection found the table full not long ago: then a TCP packet without a connection may be
/// one of its later packets, and goes where its first one went.
#[inline(always)]
fn recently_full(tick: u32) -> bool {
    maps::settings().is_some_and(|settings| {
        // SAFETY: a word of a map's value that packets write.
        let full = unsafe { (&raw const settings.full).read_volatile() };
        full != 0 && tick.wrapping_sub(full) < FULL_MEMORY
    })
}

#[inline(always)]
fn remember_full(tick: u32) {
    if let Some(settings) = maps::SETTINGS.get_ptr_mut(0) {
        // SAFETY: a word of a map's value; 0 means never, so tick 0 is told as 1.
        unsafe { (&raw mut (*settings).full).write_volatile(tick.max(1)) };
    }
}
