//! Connections: their life in the table, and what is counted of it.

use dray_abi::{Meta, Settings};
use dray_packet::{
    TransportProtocol,
    hash::Place,
    sctp,
    state::{ROOM, State},
    tcp,
};

use crate::{
    atomic,
    family::Packet,
    maps,
    open::Arrival,
    schedule::Chosen,
    slot::ConnectionSlot,
    stats,
    table::{self, Claim, Found, Seen},
    template, translation,
};

/// A half-open connection this old may make room for a new one when there is no other: 3 s, in ticks.
const HALF_OPEN_GRACE: u32 = (3_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;

/// How long a connection lasts that began with an ICMP error: IPVS's time for one before its first packet, 3 s, in ticks.
const NO_PACKET_YET: u32 = (3_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;

/// What a packet says to a connection's state: its protocol and its flags.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    protocol: TransportProtocol,
    flags: u8,
}

impl Event {
    #[inline(always)]
    pub(crate) fn of<P: Packet>(packet: &P) -> Self {
        Self {
            protocol: packet.protocol(),
            flags: packet.flags(),
        }
    }

    /// The state that it leaves as it is, whatever the tables say: as good as every packet meets its connection in it. None has
    /// the number [`ROOM`].
    #[inline(always)]
    pub(crate) fn kept_state(self) -> u8 {
        match self.protocol {
            TransportProtocol::Tcp if tcp::is_plain(self.flags) => State::Established as u8,
            TransportProtocol::Udp => State::Udp as u8,
            _ => ROOM as u8,
        }
    }
}

/// The state (without flags) that a packet leaves its connection in. `direction` is a row of [`Settings::tcp`].
#[inline(always)]
pub(crate) fn next_state(event: Event, settings: &Settings, direction: usize, state: u8) -> u8 {
    match event.protocol {
        TransportProtocol::Tcp => {
            let row = settings.tcp[direction][tcp::event(event.flags)];
            tcp::after(row, state)
        }
        TransportProtocol::Udp => State::Udp as u8,
        TransportProtocol::Sctp => sctp::after(direction, event.flags, state),
    }
}

/// Notes a client's packet in its connection. `kept` is [`Event::kept_state`] of it. Most leave the connection's word as it is:
/// the others are the matter of a function of its own.
#[inline(always)]
pub(crate) fn note<S: ConnectionSlot>(
    seen: &Seen<S>,
    settings: &Settings,
    tick: u32,
    event: Event,
    kept: u8,
) {
    let meta = seen.meta;
    if meta.state() != kept || over(settings, tick, kept) != meta.over() {
        note_change(seen.slot, meta, tick, event.protocol, event.flags);
    }
}

#[inline(never)]
fn note_change<S: ConnectionSlot>(
    slot: *mut S,
    meta: Meta,
    tick: u32,
    protocol: TransportProtocol,
    flags: u8,
) {
    let Ok(port) = maps::port() else {
        return;
    };
    let direction = if meta.flags() & Meta::REPLIED == 0 {
        Settings::INPUT_ONLY
    } else {
        Settings::INPUT
    };
    let event = Event { protocol, flags };
    let state = next_state(event, &port.settings, direction, meta.state());
    let seen = Seen { slot, meta };
    refresh(&seen, &port.settings, tick, state, meta.flags());
}

/// When the time of a connection in this state is over, if no packet comes.
#[inline(always)]
pub(crate) fn over(settings: &Settings, tick: u32, state: u8) -> u32 {
    tick.wrapping_add(settings.timeouts[(state & 0x1f) as usize])
}

/// Notes that a packet came that leaves the connection in `state`, with `flags`.
#[inline(always)]
pub(crate) fn refresh<S: ConnectionSlot>(
    seen: &Seen<S>,
    settings: &Settings,
    tick: u32,
    state: u8,
    flags: u8,
) {
    let destination = seen.meta.destination();
    let meta = Meta::new(over(settings, tick, state), destination, state | flags);
    if meta.0 == seen.meta.0 {
        return;
    }
    // SAFETY: the word of a slot. If another processor has changed it meanwhile, it has just seen a packet of
    // this connection, and its word is as good as ours.
    if !unsafe { atomic::replace(S::meta(seen.slot), seen.meta.0, meta.0) } {
        return;
    }
    if state != seen.meta.state() {
        stats::move_connection(destination, seen.meta.state(), state);
        if is_established(state) {
            assure(seen, flags);
        }
    }
}

/// Whether that is the state of an established connection, in its protocol.
#[inline(always)]
pub(crate) fn is_established(state: u8) -> bool {
    state == State::Established as u8 || state == State::SctpEstablished as u8
}

/// What the slot names: the connection's translation, or else its template; 0 for none.
#[inline(always)]
pub(crate) fn named<S: ConnectionSlot>(seen: &Seen<S>) -> u32 {
    if seen.meta.flags() & (Meta::CONTROLLED | Meta::TRANSLATED) == 0 {
        return 0;
    }
    // SAFETY: a slot of the table.
    unsafe { S::template(seen.slot) }
}

/// Tells the connection's template, if it has one, that a connection of it was established.
#[inline(always)]
pub(crate) fn assure<S: ConnectionSlot>(seen: &Seen<S>, flags: u8) {
    if flags & Meta::CONTROLLED == 0 {
        return;
    }
    // SAFETY: a slot of the table.
    let named = unsafe { S::template(seen.slot) };
    if translation::has(seen.meta) {
        translation::assure_template(named);
    } else {
        template::assure(named);
    }
}

/// Makes a claimed slot the connection of a packet and counts it; `translation` is its translation, 0 for none. An ICMP error is not a packet of the connection that it
/// begins. One whose packets get other addresses is one of which both directions are seen.
#[inline(always)]
pub(crate) fn begin<P: Packet>(
    claim: Claim<P::Slot>,
    arrival: &Arrival<P>,
    settings: &Settings,
    chosen: Chosen,
    translation: u32,
) {
    let Arrival { packet, tick, .. } = arrival;
    let Chosen {
        destination,
        template,
    } = chosen;
    let (direction, seen, named) = match translation {
        0 => (Settings::INPUT_ONLY, 0, template),
        translation => (
            Settings::INPUT,
            Meta::TRANSLATED | Meta::REPLIED,
            translation,
        ),
    };
    let first = State::first(packet.protocol()) as u8;
    let (state, over) = if arrival.is_error != 0 {
        (first, tick.wrapping_add(NO_PACKET_YET))
    } else {
        let state = next_state(Event::of(packet), settings, direction, first);
        (state, over(settings, *tick, state))
    };
    let controlled = if template == 0 { 0 } else { Meta::CONTROLLED };
    // SAFETY: the slot is ours until it is published.
    unsafe { P::Slot::set_template(claim.slot(), named) };
    claim.publish(
        packet.key(),
        *tick,
        Meta::new(over, destination, state | controlled | seen),
    );
    stats::begin_connection(destination, state);
    if is_established(state) {
        template::assure(template);
    }
}

/// A slot of a connection that was never more than half open, for when no other is left: its reference.
#[inline(always)]
pub(crate) fn claim_half_open<S: ConnectionSlot>(
    place: Place,
    settings: &Settings,
    tick: u32,
) -> Option<u32> {
    let half_open = |_, meta: Meta| {
        meta.state() == State::SynReceived as u8
            && over(settings, tick, meta.state()).wrapping_sub(meta.over()) > HALF_OPEN_GRACE
    };
    table::claim_at_home::<S>(place, tick, half_open).map(|claim| claim.reference())
}

/// Connections are found until their time is over.
#[inline(always)]
pub(crate) fn is_hidden(_meta: Meta) -> bool {
    false
}

/// Whether its time is over.
///
/// # Safety
/// None is needed; slots of other tables need it.
#[inline(always)]
pub(crate) unsafe fn is_over<S>(_slot: *mut S, meta: Meta, tick: u32) -> bool {
    meta.is_over(tick)
}

/// Counts a connection off that is no more.
///
/// # Safety
/// `slot` points to the connection's slot, which the caller has claimed.
#[inline(always)]
pub(crate) unsafe fn end<S: ConnectionSlot>(slot: *mut S, meta: Meta) {
    // SAFETY: the caller's.
    end_named(meta, unsafe { S::template(slot) });
}

/// Ends the connection in the slot of that reference, if it is the one with that translation and its time is over.
#[inline(always)]
pub(crate) fn end_if_over<S: ConnectionSlot>(reference: u32, translation: u32, tick: u32) -> bool {
    let Some(slot) = table::slot::<S>(reference) else {
        return false;
    };
    // SAFETY: a slot of the table.
    let (meta, named) = unsafe { (Meta(atomic::load(S::meta(slot))), S::template(slot)) };
    let is_over = is_of(meta, named, translation) && meta.is_over(tick);
    let found = Found {
        slot,
        reference,
        meta,
    };
    let claim = if is_over {
        table::claim_found(&found, tick)
    } else {
        None
    };
    match claim {
        Some(claim) => {
            end_named(meta, named);
            claim.give_back();
            true
        }
        None => false,
    }
}

/// Whether a slot that says `meta` and names that is the connection of the translation.
#[inline(always)]
pub(crate) fn is_of(meta: Meta, named: u32, translation: u32) -> bool {
    meta.is_live()
        && meta.flags() & Meta::TRANSLATED != 0
        && meta.state() != Meta::RETURN
        && named == translation
}

/// Counts a connection off whose slot said `meta` and named that. A return slot is none.
#[inline(always)]
pub(crate) fn end_named(meta: Meta, named: u32) {
    if translation::has(meta) {
        if meta.state() == Meta::RETURN {
            return;
        }
        translation::end(named);
    } else if meta.flags() & Meta::CONTROLLED != 0 {
        template::release(named);
    }
    stats::end_connection(meta);
}
