//! Tables of slots: find, claim, publish. `dray_abi`'s `connection.rs` draws a slot's life.

use dray_abi::{Meta, SLOTS_PER_BUCKET};
use dray_packet::hash::Place;

use crate::{atomic, constants, slot::Slot};

/// A slot as it was found, or none.
pub(crate) struct Found<S> {
    /// Null when there is none.
    pub(crate) slot: *mut S,
    /// 1 + its place in the table: bucket × 8 + slot.
    pub(crate) reference: u32,
    /// What it said.
    pub(crate) meta: Meta,
}

impl<S> Clone for Found<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Found<S> {}

impl<S> Found<S> {
    /// No slot. An `Option` would leave its contents undefined, which the verifier does not let
    /// a caller hand over.
    pub(crate) const NONE: Self = Self {
        slot: core::ptr::null_mut(),
        reference: 0,
        meta: Meta::FREE,
    };
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

/// The slot of this key, unless its time is over.
#[inline(always)]
pub(crate) fn find<S: Slot>(key: &S::Key, place: Place, tick: u32) -> Option<Found<S>> {
    let home = home::<S>(place)?;
    // Most lie in the slot where the search begins.
    if let Some(found) = look(&home, place, 0, key, tick) {
        return Some(found);
    }
    for step in 1..SLOTS_PER_BUCKET {
        if let Some(found) = look(&home, place, step, key, tick) {
            return Some(found);
        }
    }
    // SAFETY: the first slot of a bucket.
    if unsafe { S::spilled(home.first).read_volatile() } == 0 {
        return None;
    }
    let other = other::<S>(place)?;
    for step in 0..SLOTS_PER_BUCKET {
        if let Some(found) = look(&other, place, step, key, tick) {
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
    // SAFETY: the word of a slot.
    unsafe { atomic::replace(S::meta(found.slot), found.meta.0, Meta::busy(tick).0) }.then_some(
        Claim {
            slot: found.slot,
            reference: found.reference,
        },
    )
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

impl<S> Bucket<S> {
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
fn look<S: Slot>(
    bucket: &Bucket<S>,
    place: Place,
    step: usize,
    key: &S::Key,
    tick: u32,
) -> Option<Found<S>> {
    let (slot, reference) = bucket.slot(place, step);
    // SAFETY: `Bucket::slot` stays in the bucket, here and below.
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
    unsafe { S::has(slot, key) }.then_some(Found {
        slot,
        reference,
        meta,
    })
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
