//! The connection table: find, claim, publish, refresh. `dray_abi`'s `connection.rs` draws a slot's life;
//! nothing outside this file knows how connections are stored.

use dray_abi::{Meta, SLOTS_PER_BUCKET, Settings};
use dray_packet::{hash::Place, tcp::State};

use crate::{
    atomic, constants,
    family::{Packet, Slot},
    stats,
};

/// A connection as it was found.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    word: *mut u64,
    /// What its slot said.
    pub(crate) meta: Meta,
}

impl Found {
    /// No connection. An `Option` would leave its contents undefined, which the verifier does not let
    /// a caller hand over.
    pub(crate) const NONE: Self = Self {
        word: core::ptr::null_mut(),
        meta: Meta::FREE,
    };

    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.word.is_null()
    }
}

/// A slot that belongs to this packet alone until it is published or given back.
pub(crate) struct Claim<S> {
    slot: *mut S,
}

/// A half-open connection this old may make room for a new one when there is no other: 3 s, in ticks.
const HALF_OPEN_GRACE: u32 = (3_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;

/// The connection that the packet belongs to, unless its time is over.
#[inline(always)]
pub(crate) fn find<P: Packet>(
    packet: &P,
    place: Place,
    settings: &Settings,
    tick: u32,
) -> Option<Found> {
    let home = P::bucket(place.home(P::buckets()))?;
    // Most connections lie in the slot where the search begins.
    if let Some(found) = look(slot_of(home, place, 0), packet, settings, tick) {
        return Some(found);
    }
    for step in 1..SLOTS_PER_BUCKET {
        if let Some(found) = look(slot_of(home, place, step), packet, settings, tick) {
            return Some(found);
        }
    }
    // SAFETY: `home` is the first slot of a bucket.
    if unsafe { P::Slot::spilled(home).read_volatile() } == 0 {
        return None;
    }
    let other = other::<P>(place)?;
    for step in 0..SLOTS_PER_BUCKET {
        if let Some(found) = look(slot_of(other, place, step), packet, settings, tick) {
            return Some(found);
        }
    }
    None
}

/// Notes that a packet came and what state it left the connection in.
#[inline(always)]
pub(crate) fn refresh(found: &Found, tick: u32, state: u8) {
    let meta = Meta::new(tick, found.meta.destination(), state);
    if meta == found.meta {
        return;
    }
    // SAFETY: the word of a slot. If another processor has changed it meanwhile, it has just seen a packet of
    // this connection, and its word is as good as ours.
    if unsafe { atomic::replace(found.word, found.meta.0, meta.0) } {
        stats::move_connection(meta.destination(), found.meta.state(), state);
    }
}

/// A slot for a new connection: one that is free or whose connection's time is over.
#[inline(always)]
pub(crate) fn claim<P: Packet>(
    place: Place,
    settings: &Settings,
    tick: u32,
) -> Option<Claim<P::Slot>> {
    let over = |meta: Meta| meta.is_live() && settings.is_over(meta, tick);
    let home = P::bucket(place.home(P::buckets()))?;
    if let Some(claim) = claim_in(home, place, tick, over) {
        return Some(claim);
    }
    let claim = claim_in(other::<P>(place)?, place, tick, over)?;
    // SAFETY: `home` is the first slot of a bucket; any packet that gets here stores the same.
    unsafe { P::Slot::spilled(home).write_volatile(1) };
    Some(claim)
}

/// A slot of a connection that was never more than half open, for when no other is left.
#[inline(always)]
pub(crate) fn claim_half_open<P: Packet>(place: Place, tick: u32) -> Option<Claim<P::Slot>> {
    let half_open = |meta: Meta| {
        meta.state() == State::SynReceived as u8 && tick.wrapping_sub(meta.tick()) > HALF_OPEN_GRACE
    };
    claim_in(P::bucket(place.home(P::buckets()))?, place, tick, half_open)
}

/// The slot of a connection that is to begin anew.
#[inline(always)]
pub(crate) fn claim_found<S: Slot>(found: &Found, tick: u32) -> Option<Claim<S>> {
    // SAFETY: the word of a slot.
    if !unsafe { atomic::replace(found.word, found.meta.0, Meta::busy(tick).0) } {
        return None;
    }
    stats::end_connection(found.meta);
    // The word is a slot's first field.
    Some(Claim {
        slot: found.word.cast(),
    })
}

impl<S: Slot> Claim<S> {
    /// Makes the slot a connection that packets find.
    #[inline(always)]
    pub(crate) fn publish(self, packet: &S::Packet, tick: u32, destination: u32, state: u8) {
        // SAFETY: the slot is ours; `store` makes the key visible before the word that says it is valid.
        unsafe {
            S::write(self.slot, packet);
            S::since(self.slot).write_volatile(tick);
            atomic::store(S::meta(self.slot), Meta::new(tick, destination, state).0);
        }
    }

    /// Frees the slot.
    #[inline(always)]
    pub(crate) fn give_back(self) {
        // SAFETY: the slot is ours.
        unsafe { atomic::store(S::meta(self.slot), Meta::FREE.0) };
    }
}

/// Searches begin at a slot of the key's own, so that most end there; they and claims take the same way, so
/// that a new connection never comes to lie behind an old one of the same key.
#[inline(always)]
fn slot_of<S>(bucket: *mut S, place: Place, step: usize) -> *mut S {
    bucket.wrapping_add((place.first_slot() + step) & (SLOTS_PER_BUCKET - 1))
}

#[inline(always)]
fn other<P: Packet>(place: Place) -> Option<*mut P::Slot> {
    P::bucket(place.other(P::buckets(), &constants::hash_key().multipliers))
}

/// The packet's connection, if it lies in this slot and its time is not over.
#[inline(always)]
fn look<P: Packet>(
    slot: *mut P::Slot,
    packet: &P,
    settings: &Settings,
    tick: u32,
) -> Option<Found> {
    // SAFETY: `slot_of` stays in the bucket, here and below.
    if !unsafe { P::Slot::has(slot, packet) } {
        return None;
    }
    let word = P::Slot::meta(slot);
    // SAFETY: as above. Read before the key is compared again, so that word and key belong together.
    let meta = Meta(unsafe { atomic::load(word) });
    if !meta.is_live() || settings.is_over(meta, tick) {
        return None;
    }
    // SAFETY: as above.
    unsafe { P::Slot::has(slot, packet) }.then_some(Found { word, meta })
}

#[inline(always)]
fn claim_in<S: Slot>(
    bucket: *mut S,
    place: Place,
    tick: u32,
    claimable: impl Fn(Meta) -> bool,
) -> Option<Claim<S>> {
    for step in 0..SLOTS_PER_BUCKET {
        let slot = slot_of(bucket, place, step);
        let word = S::meta(slot);
        // SAFETY: `slot_of` stays in the bucket.
        let meta = Meta(unsafe { atomic::load(word) });
        if !meta.is_free() && !claimable(meta) {
            continue;
        }
        // SAFETY: as above.
        if unsafe { atomic::replace(word, meta.0, Meta::busy(tick).0) } {
            if meta.is_live() {
                stats::end_connection(meta);
            }
            return Some(Claim { slot });
        }
    }
    None
}
