//! A packet that belongs to no connection: is there a service for it, who gets it, and does the connection
//! table have room to remember? The order of the questions is IPVS's.

use dray_abi::{Meta, Reason, Settings, duration_of_ticks};
use dray_packet::{TransportProtocol, hash::Place, sctp, state::State, tcp};

use crate::{
    connection,
    family::Packet,
    guest::Guest,
    maps,
    schedule::{self, COMMON, Chosen, Visit},
    slot::ConnectionSlot,
    stats,
    table::{self, Claim, Found, Seen},
    template,
    translate::Sense,
    translation::{self, Pending},
};

/// How long TCP packets without a connection may belong to one that found the table full: as long as IPVS
/// keeps an idle established connection, 900 s, in ticks. For UDP it is the time that its connections last.
const TCP_MEMORY: u32 = (900_000_000_000 / duration_of_ticks(1).as_nanos()) as u32;

/// A packet without a connection, as it waits in the scratch memory (without pointers, which would be none any more there).
#[repr(C)]
pub(crate) struct Arrival<P: Packet> {
    pub(crate) packet: P,
    pub(crate) place: Place,
    pub(crate) tick: u32,
    /// Not 0 for an ICMP error, which is scheduled as the packet that it is about.
    pub(crate) is_error: u32,
    /// A connection of the same key that is no more for this packet; free for none.
    ended: Meta,
    /// The template or translation of that connection; 0 for none.
    ended_named: u32,
}

/// A destination or a reason in one register, which is what a function may return here.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Outcome(pub(crate) u64);

impl Outcome {
    /// The highest destination has 24 bits.
    const REFUSED: u64 = 1 << 32;

    #[inline(always)]
    pub(crate) const fn encode(result: Result<u32, Reason>) -> Self {
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

/// Gives the packet that waits a destination, and a connection if it can have one.
#[inline(always)]
pub(crate) fn enter<P: Packet>() -> Result<u32, Reason> {
    let number = P::open().decode()?;
    if translation::is_wanted() {
        translation::begin::<P>()?;
    }
    Ok(number)
}

/// Lets an ICMP error wait for [`Packet::open`] as the packet that it is about.
#[inline(always)]
pub(crate) fn wait_as_error<P: Packet>(packet: &P, place: Place, tick: u32) -> Result<(), Reason> {
    wait(packet, place, tick, None, true)
}

/// Lets a packet wait in the scratch memory. `ended` is a connection of the same key that is no more for this packet.
#[inline(always)]
pub(crate) fn wait<P: Packet>(
    packet: &P,
    place: Place,
    tick: u32,
    ended: Option<Seen<P::Slot>>,
    is_error: bool,
) -> Result<(), Reason> {
    const { assert!(size_of::<Arrival<P>>() <= size_of::<[u64; 16]>()) };
    let scratch = maps::scratch()?;
    let (ended, ended_named) = match ended {
        Some(seen) => (seen.meta, connection::named(&seen)),
        None => (Meta::FREE, 0),
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time; large enough.
    unsafe {
        // Volatile: the compiler would make one clearing of memory of them, which is a loop over bytes here.
        for word in 0..3 {
            (&raw mut (*scratch).session[word]).write_volatile(0);
        }
        (&raw mut (*scratch).sense).write_volatile(Sense::NONE);
        (&raw mut (*scratch).pending).write_volatile(Pending::NONE);
        let arrival = (&raw mut (*scratch).arrival).cast::<Arrival<P>>();
        (&raw mut (*arrival).packet).write(*packet);
        (&raw mut (*arrival).place).write(place);
        (&raw mut (*arrival).tick).write(tick);
        (&raw mut (*arrival).is_error).write_volatile(is_error as u32);
        (&raw mut (*arrival).ended.0).write_volatile(ended.0);
        (&raw mut (*arrival).ended_named).write_volatile(ended_named);
    }
    Ok(())
}

/// The packet that waits in the scratch memory.
#[inline(always)]
pub(crate) fn arrival<P: Packet>() -> Result<&'static Arrival<P>, Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: `open` has written one of this family.
    Ok(unsafe { &*(&raw const (*scratch).arrival).cast::<Arrival<P>>() })
}

/// What `enter` does before there is a translation.
#[inline(always)]
pub(crate) fn seat<P: Packet>() -> Outcome {
    Outcome::encode(seat_arrival::<P>())
}

#[inline(always)]
fn seat_arrival<P: Packet>() -> Result<u32, Reason> {
    let arrival = arrival::<P>()?;
    let settings = &maps::port()?.settings;
    let visit = Visit::new(Guest::of(&arrival.packet, arrival.tick));
    // SAFETY: as in `wait`. Made only here, because what it takes is too much for the stack of those who wait.
    unsafe { (&raw mut (*maps::scratch()?).visit).write(visit) };
    let reference = ended(arrival);
    let Some(slot) = table::slot::<P::Slot>(reference) else {
        return place_connection(arrival, settings, None);
    };
    let found = Found {
        slot,
        meta: arrival.ended,
        reference,
    };
    // It fails when another processor has begun the connection anew at this moment.
    let claim = table::claim_found(&found, arrival.tick);
    if claim.is_none() {
        return place_connection(arrival, settings, None);
    }
    let result = place_connection(arrival, settings, claim);
    // IPVS counts a connection off after the one that takes its place has been given its destination.
    connection::end_named(arrival.ended, arrival.ended_named);
    result
}

/// The reference of the connection that is no more for this packet; 0 for none.
#[inline(always)]
fn ended<P: Packet>(arrival: &Arrival<P>) -> u32 {
    if arrival.ended.is_free() {
        return 0;
    }
    table::search::<P::Slot>(arrival.packet.key(), arrival.place, arrival.tick)
}

/// How a packet without a connection is to be treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// It begins one.
    Yes,
    /// It may be a later one of a connection that found the table full.
    Perhaps,
    No,
}

#[inline(always)]
fn begins<P: Packet>(packet: &P, settings: &Settings, tick: u32) -> Begins {
    let (opens, memory) = match packet.protocol() {
        TransportProtocol::Tcp => {
            let sloppy = settings.options & Settings::SLOPPY_TCP != 0;
            (tcp::opens(packet.flags(), sloppy), TCP_MEMORY)
        }
        TransportProtocol::Sctp => {
            let sloppy = settings.options & Settings::SLOPPY_SCTP != 0;
            (sctp::opens(packet.flags(), sloppy), TCP_MEMORY)
        }
        // A datagram does not say whether it is the first one.
        TransportProtocol::Udp => {
            let memory = settings.timeouts[State::Udp as usize];
            return if recently_full(tick, memory) {
                Begins::Perhaps
            } else {
                Begins::Yes
            };
        }
    };
    if opens {
        Begins::Yes
    } else if recently_full(tick, memory) {
        Begins::Perhaps
    } else {
        Begins::No
    }
}

#[inline(always)]
fn place_connection<P: Packet>(
    arrival: &Arrival<P>,
    settings: &Settings,
    claim: Option<Claim<P::Slot>>,
) -> Result<u32, Reason> {
    let begins = if arrival.is_error != 0 {
        Begins::Yes
    } else {
        begins(&arrival.packet, settings, arrival.tick)
    };
    let admitted = match begins {
        Begins::No => Err(Reason::NoConnection),
        _ => schedule::admit(),
    };
    if let Err(reason) = admitted {
        give_back(claim);
        let stranger = matches!(reason, Reason::NoConnection | Reason::NotAService);
        if stranger && arrival.is_error == 0 && P::note_reply() != 0 {
            return Err(Reason::Reply);
        }
        return Err(reason);
    }
    let one_packet = schedule::visit()?.is_one_packet();
    let claim = match claim {
        Some(claim) if one_packet => {
            claim.give_back();
            None
        }
        None if !one_packet => Claim::of_reference(P::claim()),
        claim => claim,
    };
    let remembers = one_packet || claim.is_some() && begins == Begins::Yes;
    let chosen = if remembers {
        schedule::choose(arrival.is_error != 0)
    } else {
        schedule::choose_without_memory()
    };
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(reason) => {
            give_back(claim);
            return Err(reason);
        }
    };
    let translates = translation::is_for(chosen.destination);
    match claim {
        Some(claim) if translates => translation::wait(claim.reference(), chosen)?,
        Some(claim) => connection::begin(claim, arrival, settings, chosen, 0),
        None if one_packet => {
            end_at_once(chosen);
            if translates {
                translation::wait(0, chosen)?;
            }
        }
        // Without memory nobody would know the replies.
        None if translates => return Err(Reason::TranslationsFull),
        None => {
            stats::count_reason(Reason::TableFull);
            remember_full(arrival.tick);
        }
    }
    Ok(chosen.destination)
}

/// IPVS makes a connection for each datagram, which ends with it.
#[inline(always)]
fn end_at_once(chosen: Chosen) {
    let state = State::Udp as u8;
    stats::begin_connection(chosen.destination, state);
    stats::end_connection(Meta::new(0, chosen.destination, state));
    template::release(chosen.template);
}

/// The connection of the packet that waits: its destination; 0 for none.
#[inline(always)]
pub(crate) fn find<P: Packet>() -> u32 {
    let (Ok(arrival), Ok(scratch)) = (arrival::<P>(), maps::scratch()) else {
        return 0;
    };
    let Arrival {
        packet,
        place,
        tick,
        ..
    } = arrival;
    let Some(found) = table::find::<P::Slot>(packet.key(), *place, *tick) else {
        return 0;
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time.
    unsafe { (*scratch).sense = Sense::of(&found.seen()) };
    found.meta.destination()
}

/// A slot for the connection of the packet that waits: free, over, or at the worst half open. 1 + its place; 0 without one.
#[inline(always)]
pub(crate) fn claim_new<P: Packet>() -> u32 {
    let (Ok(arrival), Ok(port)) = (arrival::<P>(), maps::port()) else {
        return 0;
    };
    let Arrival { place, tick, .. } = *arrival;
    if let Some(claim) = table::claim::<P::Slot>(place, tick) {
        return claim.reference();
    }
    let Some(reference) = connection::claim_half_open::<P::Slot>(place, &port.settings, tick)
    else {
        return 0;
    };
    stats::count_reason(Reason::HalfOpenReplaced);
    reference
}

#[inline(always)]
fn give_back<S: ConnectionSlot>(claim: Option<Claim<S>>) {
    if let Some(claim) = claim {
        claim.give_back();
    }
}

/// Whether a connection found the table full not longer than `memory` ago: then a packet without a connection may
/// be a later one of such a connection, and goes where the first one went.
#[inline(always)]
fn recently_full(tick: u32, memory: u32) -> bool {
    maps::PORTS.get_ptr(COMMON).is_some_and(|port| {
        // SAFETY: a word of a map's value that packets write.
        let full = unsafe { (&raw const (*port).settings.full).read_volatile() };
        full != 0 && tick.wrapping_sub(full) < memory
    })
}

#[inline(always)]
fn remember_full(tick: u32) {
    if let Some(port) = maps::PORTS.get_ptr_mut(COMMON) {
        // SAFETY: a word of a map's value; 0 means never, so tick 0 is told as 1.
        unsafe { (&raw mut (*port).settings.full).write_volatile(tick.max(1)) };
    }
}
