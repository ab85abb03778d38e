//! Tables of slots: find, claim, publish. `dray_abi`'s `connection.rs` draws a slot's life.

use dray_abi::{Meta, SLOTS_PER_BUCKET};
use dray_packet::hash::Place;

use crate::{atomic, constants, slot::Slot};

/// A slot, and what it said when it was looked at.
pub(crate) struct Seen<S> {
    pub(crate) slot: *mut S,
    pub(crate) meta: Meta,
}

impl<S> Clone for Seen<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Seen<S> {}

/// A slot as it was found, and its place.
pub(crate) struct Found<S> {
    pub(crate) slot: *mut S,
    pub(crate) meta: Meta,
    /// 1 + its place in the table: bucket × 8 + slot.
    pub(crate) reference: u32,
}

impl<S> Found<S> {
    #[inline(always)]
    pub(crate) fn seen(&self) -> Seen<S> {
        Seen {
            slot: self.slot,
            meta: self.meta,
        }
    }
}

/// A slot that belongs to this packet alone until it is published or given back.
pub(crate) struct Claim<S> {
    slot: *mut S,
    reference: u32,
}

/// A bucket of a table.
struct Bucket<S> {
    first: *mut S,
    number: u32,
}

/// The slot of this key, unless its time is over: for packets that most often have one, which most often lies where the search
/// begins. Otherwise a function of its own searches, so that its loops take no registers here.
#[inline(always)]
pub(crate) fn see<S: Slot>(key: &S::Key, place: Place, tick: u32) -> Option<Seen<S>> {
    if let Some(home) = home::<S>(place) {
        let (first, _) = home.slot(place, 0);
        if let Some(seen) = look(first, key, tick) {
            return Some(seen);
        }
    }
    // A copy for the search alone: the packet would have to lie in memory as a whole.
    let copy = *key;
    look(slot(search::<S>(&copy, place, tick))?, key, tick)
}

/// The reference of the slot of this key, unless its time is over; 0 for none.
#[inline(never)]
pub(crate) fn search<S: Slot>(key: &S::Key, place: Place, tick: u32) -> u32 {
    find::<S>(key, place, tick).map_or(0, |found| found.reference)
}

/// The slot of this key, unless its time is over.
#[inline(always)]
pub(crate) fn find<S: Slot>(key: &S::Key, place: Place, tick: u32) -> Option<Found<S>> {
    let home = home::<S>(place)?;
    for step in 0..SLOTS_PER_BUCKET {
        if let Some(found) = home.look(place, step, key, tick) {
            return Some(found);
        }
    }
    // SAFETY: the first slot of a bucket.
    if unsafe { S::spilled(home.first).read_volatile() } == 0 {
        return None;
    }
    let other = other::<S>(place)?;
    for step in 0..SLOTS_PER_BUCKET {
        if let Some(found) = other.look(place, step, key, tick) {
            return Some(found);
        }
    }
    None
}

/// Whether a live slot other than the one of that reference has this key.
#[inline(always)]
pub(crate) fn has_another<S: Slot>(key: &S::Key, place: Place, reference: u32) -> bool {
    let buckets = [home::<S>(place), other::<S>(place)];
    for bucket in buckets.iter().flatten() {
        for step in 0..SLOTS_PER_BUCKET {
            let (slot, own) = bucket.slot(place, step);
            // SAFETY: `Bucket::slot` stays in the bucket.
            let live = unsafe { S::has(slot, key) && Meta(atomic::load(S::meta(slot))).is_live() };
            if live && own != reference {
                return true;
            }
        }
    }
    false
}

/// The slot of that reference (1 + bucket × 8 + slot).
#[inline(always)]
pub(crate) fn slot<S: Slot>(reference: u32) -> Option<*mut S> {
    let place = reference.checked_sub(1)?;
    let bucket = S::bucket(place / SLOTS_PER_BUCKET as u32)?;
    Some(bucket.wrapping_add(place as usize & (SLOTS_PER_BUCKET - 1)))
}

/// A slot for something new: one that is free or whose time is over.
#[inline(always)]
pub(crate) fn claim<S: Slot>(place: Place, tick: u32) -> Option<Claim<S>> {
    // SAFETY: `claim_in` gives slots of the table.
    let over = |slot, meta: Meta| meta.is_live() && unsafe { S::is_over(slot, meta, tick) };
    let home = home::<S>(place)?;
    if let Some(claimed) = claim_in(&home, place, tick, over) {
        return Some(claimed);
    }
    let claimed = claim_in(&other::<S>(place)?, place, tick, over)?;
    // SAFETY: the first slot of a bucket; any packet that gets here stores the same.
    unsafe { S::spilled(home.first).write_volatile(1) };
    Some(claimed)
}

/// A slot of the home bucket that `claimable` accepts.
#[inline(always)]
pub(crate) fn claim_at_home<S: Slot>(
    place: Place,
    tick: u32,
    claimable: impl Fn(*mut S, Meta) -> bool,
) -> Option<Claim<S>> {
    claim_in(&home::<S>(place)?, place, tick, claimable)
}

/// The slot that was found. What it held is for the caller to count off.
#[inline(always)]
pub(crate) fn claim_found<S: Slot>(found: &Found<S>, tick: u32) -> Option<Claim<S>> {
    let &Found {
        slot,
        meta,
        reference,
    } = found;
    // SAFETY: the word of a slot.
    unsafe { atomic::replace(S::meta(slot), meta.0, Meta::busy(tick).0) }
        .then_some(Claim { slot, reference })
}

impl<S: Slot> Claim<S> {
    /// The claim of a function that could return no more than its reference.
    #[inline(always)]
    pub(crate) fn of_reference(reference: u32) -> Option<Self> {
        slot(reference).map(|slot| Self { slot, reference })
    }

    /// 1 + the slot's place in the table.
    #[inline(always)]
    pub(crate) fn reference(&self) -> u32 {
        self.reference
    }

    #[inline(always)]
    pub(crate) fn slot(&self) -> *mut S {
        self.slot
    }

    /// Makes the slot one that packets find by its key.
    #[inline(always)]
    pub(crate) fn publish(self, key: &S::Key, tick: u32, meta: Meta) {
        // SAFETY: the slot is ours; `store` makes the key visible before the word that says it is valid.
        unsafe {
            S::write(self.slot, key);
            S::since(self.slot).write_volatile(tick);
            atomic::store(S::meta(self.slot), meta.0);
        }
    }

    /// Frees the slot.
    #[inline(always)]
    pub(crate) fn give_back(self) {
        // SAFETY: the slot is ours.
        unsafe { atomic::store(S::meta(self.slot), Meta::FREE.0) };
    }
}

impl<S: Slot> Bucket<S> {
    /// The slot of that step of a search, if it has the key and its time is not over.
    #[inline(always)]
    fn look(&self, place: Place, step: usize, key: &S::Key, tick: u32) -> Option<Found<S>> {
        let (slot, reference) = self.slot(place, step);
        look(slot, key, tick).map(|Seen { slot, meta }| Found {
            slot,
            meta,
            reference,
        })
    }

    /// Searches begin at a slot of the key's own, so that most end there; they and claims take the same way, so
    /// that a new slot never comes to lie behind an old one of the same key.
    #[inline(always)]
    fn slot(&self, place: Place, step: usize) -> (*mut S, u32) {
        let index = (place.first_slot() + step) & (SLOTS_PER_BUCKET - 1);
        let reference = self
            .number
            .wrapping_mul(SLOTS_PER_BUCKET as u32)
            .wrapping_add(index as u32 + 1);
        (self.first.wrapping_add(index), reference)
    }
}

#[inline(always)]
fn home<S: Slot>(place: Place) -> Option<Bucket<S>> {
    bucket(place.home(S::buckets()))
}

#[inline(always)]
fn other<S: Slot>(place: Place) -> Option<Bucket<S>> {
    bucket(place.other(S::buckets(), &constants::hash_key().multipliers))
}

#[inline(always)]
fn bucket<S: Slot>(number: u32) -> Option<Bucket<S>> {
    S::bucket(number).map(|first| Bucket { first, number })
}

/// This slot, if it has the key and its time is not over.
#[inline(always)]
fn look<S: Slot>(slot: *mut S, key: &S::Key, tick: u32) -> Option<Seen<S>> {
    // SAFETY: the callers' are slots of the table, here and below.
    if !unsafe { S::has(slot, key) } {
        return None;
    }
    // SAFETY: as above. Read before the key is compared again, so that word and key belong together.
    let meta = Meta(unsafe { atomic::load(S::meta(slot)) });
    // SAFETY: as above.
    if !meta.is_live() || S::is_hidden(meta) || unsafe { S::is_over(slot, meta, tick) } {
        return None;
    }
    // SAFETY: as above.
    unsafe { S::has(slot, key) }.then_some(Seen { slot, meta })
}

#[inline(always)]
fn claim_in<S: Slot>(
    bucket: &Bucket<S>,
    place: Place,
    tick: u32,
    claimable: impl Fn(*mut S, Meta) -> bool,
) -> Option<Claim<S>> {
    for step in 0..SLOTS_PER_BUCKET {
        let (slot, reference) = bucket.slot(place, step);
        let word = S::meta(slot);
        // SAFETY: `Bucket::slot` stays in the bucket.
        let meta = Meta(unsafe { atomic::load(word) });
        if !meta.is_free() && !claimable(slot, meta) {
            continue;
        }
        // SAFETY: as above.
        if unsafe { atomic::replace(word, meta.0, Meta::busy(tick).0) } {
            if meta.is_live() {
                // SAFETY: the slot is ours since the line above.
                unsafe { S::end(slot, meta) };
            }
            return Some(Claim { slot, reference });
        }
    }
    None
}
