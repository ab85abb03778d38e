//! The connection table: find, claim, publish, refresh. `dray_abi`'s `connection.rs` draws a slot's life;
//! nothing outside this file knows how connections are stored.

use dray_abi::{Meta, Reason, SLOTS_PER_BUCKET, Settings};
use dray_packet::{hash::Place, tcp::State};

use crate::{
    atomic, constants,
    family::{Packet, Slot},
    maps, stats,
};

/// A connection as it was found.
pub(crate) struct Found {
    word: *mut u64,
    /// What its slot said.
    pub(crate) meta: Meta,
}

/// A slot that belongs to this packet alone until it is published or given back.
pub(crate) struct Claim<S> {
    slot: *mut S,
}

/// A half-open connection this old may make room for a new one when there is no other: 3 s, in ticks.
const HALF_OPEN_GRACE: u32 = (3_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;

/// The connection with this key, unless its time is over.
#[inline(always)]
pub(crate) fn find<P: Packet>(
    key: &P::Key,
    place: Place,
    tick: u32,
) -> Result<Option<Found>, Reason> {
    let settings = maps::settings().ok_or(Reason::NotAService)?;
    let home = P::bucket(place.home(P::buckets())).ok_or(Reason::NotAService)?;
    if let Some(found) = search::<P>(home, key, place, settings, tick) {
        return Ok(Some(found));
    }
    // SAFETY: `home` is the first slot of a bucket.
    if unsafe { P::Slot::spilled(home).read_volatile() } == 0 {
        return Ok(None);
    }
    let other = other::<P>(place).ok_or(Reason::NotAService)?;
    Ok(search::<P>(other, key, place, settings, tick))
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
pub(crate) fn claim<P: Packet>(place: Place, tick: u32) -> Option<Claim<P::Slot>> {
    let settings = maps::settings()?;
    let home = P::bucket(place.home(P::buckets()))?;
    if let Some(claim) = claim_in::<P>(home, place, tick, &Over { settings, tick }) {
        return Some(claim);
    }
    let other = other::<P>(place)?;
    let claim = claim_in::<P>(other, place, tick, &Over { settings, tick })?;
    // SAFETY: `home` is the first slot of a bucket; any packet that gets here stores the same.
    unsafe { P::Slot::spilled(home).write_volatile(1) };
    Some(claim)
}

/// A slot of a connection that was never more than half open, for when no other is left.
#[inline(always)]
pub(crate) fn claim_half_open<P: Packet>(place: Place, tick: u32) -> Option<Claim<P::Slot>> {
    let home = P::bucket(place.home(P::buckets()))?;
    claim_in::<P>(home, place, tick, &HalfOpen { tick })
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
    pub(crate) fn publish(self, key: &S::Key, tick: u32, destination: u32, state: u8) {
        // SAFETY: the slot is ours; `store` makes the key visible before the word that says it is valid.
        unsafe {
            S::write(self.slot, key);
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

/// Which slots may be claimed beside the free ones.
trait Claimable {
    fn claimable(&self, meta: Meta) -> bool;
}

struct Over<'a> {
    settings: &'a Settings,
    tick: u32,
}

impl Claimable for Over<'_> {
    #[inline(always)]
    fn claimable(&self, meta: Meta) -> bool {
        meta.is_live() && is_over(self.settings, self.tick, meta)
    }
}

struct HalfOpen {
    tick: u32,
}

impl Claimable for HalfOpen {
    #[inline(always)]
    fn claimable(&self, meta: Meta) -> bool {
        meta.state() == State::SynReceived as u8
            && self.tick.wrapping_sub(meta.tick()) > HALF_OPEN_GRACE
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

#[inline(always)]
fn search<P: Packet>(
    bucket: *mut P::Slot,
    key: &P::Key,
    place: Place,
    settings: &Settings,
    tick: u32,
) -> Option<Found> {
    for step in 0..SLOTS_PER_BUCKET {
        let slot = slot_of(bucket, place, step);
        // SAFETY: `slot_of` stays in the bucket.
        if !unsafe { P::Slot::has(slot, key) } {
            continue;
        }
        let word = P::Slot::meta(slot);
        // SAFETY: as above. Read before the key is compared again, so that word and key belong together.
        let meta = Meta(unsafe { atomic::load(word) });
        // SAFETY: as above.
        if meta.is_live() && !is_over(settings, tick, meta) && unsafe { P::Slot::has(slot, key) } {
            return Some(Found { word, meta });
        }
    }
    None
}

#[inline(always)]
fn claim_in<P: Packet>(
    bucket: *mut P::Slot,
    place: Place,
    tick: u32,
    rule: &impl Claimable,
) -> Option<Claim<P::Slot>> {
    for step in 0..SLOTS_PER_BUCKET {
        let slot = slot_of(bucket, place, step);
        let word = P::Slot::meta(slot);
        // SAFETY: `slot_of` stays in the bucket.
        let meta = Meta(unsafe { atomic::load(word) });
        if !meta.is_free() && !rule.claimable(meta) {
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

/// Whether the connection has had no packet for longer than its state allows.
#[inline(always)]
fn is_over(settings: &Settings, tick: u32, meta: Meta) -> bool {
    let idle = tick.wrapping_sub(meta.tick());
    // A packet on another processor may have stored a tick that is newer than ours.
    (idle as i32) > 0
        && settings
            .timeouts
            .get(meta.state() as usize)
            .is_none_or(|timeout| idle > *timeout)
}
