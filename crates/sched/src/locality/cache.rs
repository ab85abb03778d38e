//! The cache behind `lblc` and `lblcr`: entries by service and VIP, in buckets, shared by all services.
//!
//! ```text
//!          63                            32 31                             0
//!         ┌────────────────────────────────┬────────────────────────────────┐
//! word 0  │      tick of the last use      │     0, 1 or 2 + service        │
//!         ├────────────────────────────────┴────────────────────────────────┤
//! 1, 2    │                               VIP                               │
//!         ├────────────────────────────────┬────────────────────────────────┤
//! word 3  │    members ever added (n)      │   tick of the last change      │
//!         ├────────────────────────────────┼────────────────────────────────┤
//! 4 … 11  │       member 1 mod 16          │        member 0 mod 16         │
//!         ├────────────────────────────────┴────────────────────────────────┤
//! 12 … 15 │                               0                                 │
//!         └─────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - Word 0 is 0 in a free slot and 1 in one that is being written: who replaces it by 1 may write the rest.
//! - A new member takes the place of the one that was added 16 members before. A place is 0 without a member.

use core::ops::ControlFlow;

use crate::hash::hash32;
use crate::{Flow, Place, Scan, Tables};

/// Buckets of the locality cache; a power of two.
pub const LOCALITY_BUCKETS: u32 = 1 << BUCKET_BITS;

/// Slots of a bucket.
pub const LOCALITY_SLOTS: u32 = 8;

/// Words of a slot.
pub const LOCALITY_WORDS: u32 = 16;

/// How long an entry is kept without being used, and how long an `lblcr` set that stays as it is may have more than one member, in
/// ticks of 2²⁶ ns: 24 hours (the default of the kernel's `lblc_expiration` and `lblcr_expiration`).
pub const LOCALITY_TIME: u32 = ((24 * 3600 * 1_000_000_000_u64) >> 26) as u32;

/// Whether the slot with this first word holds an entry that was not used for [`LOCALITY_TIME`].
pub const fn locality_is_over(word: u64, tick: u32) -> bool {
    locality_service(word).is_some() && elapsed(last_use(word), tick) >= LOCALITY_TIME as i32
}

/// The service whose entry the slot with this first word holds, if it holds one.
pub const fn locality_service(word: u64) -> Option<u32> {
    (word as u32).checked_sub(FIRST_SERVICE)
}

/// Members of a set.
pub(super) const MEMBERS: u32 = 16;

const BUCKET_BITS: u32 = 10;

const WORD: u32 = 0;
const VIP: u32 = 1;
const SET: u32 = 3;
const FIRST_MEMBER: u32 = 4;

const FREE: u64 = 0;
const BEING_WRITTEN: u64 = 1;
const FIRST_SERVICE: u32 = 2;

/// How often a change that another processor overtook is tried again.
const ATTEMPTS: u32 = 4;

/// Ticks from `past` to `now`; below 0 when another processor's clock is ahead.
#[inline(always)]
pub(super) const fn elapsed(past: u32, now: u32) -> i32 {
    now.wrapping_sub(past) as i32
}

#[inline(always)]
const fn last_use(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The first word of a service's entry used at this tick.
#[inline(always)]
const fn used(flow: &Flow) -> u64 {
    (flow.tick as u64) << 32 | flow.service.wrapping_add(FIRST_SERVICE) as u64
}

/// Looks for the entry of the flow's service and VIP.
#[inline(always)]
pub(super) fn look_up<T: Tables>(tables: &T, flow: &Flow) -> Home {
    let service = flow.service.wrapping_mul(0x9e37_79b9);
    let mut home = Home {
        bucket: hash32::<BUCKET_BITS>(flow.vip ^ service),
        tag: flow.service.wrapping_add(FIRST_SERVICE),
        vip: flow.vip_words,
        tick: flow.tick,
        found: NOWHERE,
        oldest: NOWHERE,
        oldest_word: FREE,
        oldest_age: 0,
    };
    tables.scan(LOCALITY_SLOTS, &mut home);
    home
}

/// The bucket of a flow: where its entry is or, if it has none, could be.
pub(super) struct Home {
    bucket: u32,
    tag: u32,
    vip: [u64; 2],
    tick: u32,
    found: u64,
    /// The slot that a new entry takes: a free one, or that of the entry not used for the longest time.
    oldest: u64,
    oldest_word: u64,
    oldest_age: i64,
}

/// No slot has this number.
const NOWHERE: u64 = LOCALITY_SLOTS as u64;

impl<T: Tables> Scan<T> for Home {
    #[inline(always)]
    fn step(&mut self, tables: &T, slot: u32) -> ControlFlow<()> {
        let place = Place {
            bucket: self.bucket,
            slot,
        };
        let Some(word) = tables.locality(place, WORD) else {
            return ControlFlow::Break(());
        };
        if word as u32 == self.tag
            && tables.locality(place, VIP) == Some(self.vip[0])
            && tables.locality(place, VIP + 1) == Some(self.vip[1])
        {
            self.found = u64::from(slot);
            return ControlFlow::Break(());
        }
        let age = match word {
            FREE => i32::MAX,
            word => elapsed(last_use(word), self.tick),
        };
        let age = i64::from(age);
        if word != BEING_WRITTEN && (self.oldest == NOWHERE || age > self.oldest_age) {
            self.oldest = u64::from(slot);
            self.oldest_word = word;
            self.oldest_age = age;
        }
        ControlFlow::Continue(())
    }
}

impl Home {
    #[inline(always)]
    pub(super) fn entry(&self) -> Option<Entry> {
        let Self { bucket, found, .. } = *self;
        let place = Place {
            bucket,
            slot: found as u32,
        };
        (found != NOWHERE).then_some(Entry { place })
    }

    /// Makes an entry with one member, unless another processor writes to that slot now.
    #[inline(always)]
    pub(super) fn remember<T: Tables>(&self, tables: &T, flow: &Flow, member: u32) {
        let place = Place {
            bucket: self.bucket,
            slot: self.oldest as u32,
        };
        let ours = self.oldest != NOWHERE
            && tables.replace_locality(place, WORD, self.oldest_word, BEING_WRITTEN);
        if !ours {
            return;
        }
        tables.set_locality(place, VIP, flow.vip_words[0]);
        tables.set_locality(place, VIP + 1, flow.vip_words[1]);
        let set = Set {
            modified: flow.tick,
            added: 1,
        };
        tables.set_locality(place, SET, set.word());
        tables.set_locality(place, FIRST_MEMBER, u64::from(member));
        for pair in 1..MEMBERS / 2 {
            tables.set_locality(place, FIRST_MEMBER + pair, 0);
        }
        tables.set_locality(place, WORD, used(flow));
    }
}

/// What is known of an entry's members as a whole.
#[derive(Clone, Copy)]
pub(super) struct Set {
    /// The tick of the last change.
    pub(super) modified: u32,
    /// Members ever added.
    pub(super) added: u32,
}

impl Set {
    #[inline(always)]
    const fn from_word(word: u64) -> Self {
        Self {
            modified: word as u32,
            added: (word >> 32) as u32,
        }
    }

    #[inline(always)]
    const fn word(self) -> u64 {
        (self.added as u64) << 32 | self.modified as u64
    }
}

/// An entry that was found. Another processor may give its slot to another VIP meanwhile: what is read here is checked before it is
/// used, and what is written can do no more than mislead a pick to another destination of the same service.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    place: Place,
}

impl Entry {
    /// Notes that it is used now.
    #[inline(always)]
    pub(super) fn touch<T: Tables>(self, tables: &T, flow: &Flow) {
        let new = used(flow);
        let Some(old) = tables.locality(self.place, WORD) else {
            return;
        };
        if old != new && old as u32 == new as u32 {
            tables.replace_locality(self.place, WORD, old, new);
        }
    }

    #[inline(always)]
    pub(super) fn set<T: Tables>(self, tables: &T) -> Set {
        Set::from_word(tables.locality(self.place, SET).unwrap_or(0))
    }

    /// Changes what is known of the set, if it is still `old`; says whether it was.
    #[inline(always)]
    pub(super) fn replace_set<T: Tables>(self, tables: &T, old: Set, new: Set) -> bool {
        tables.replace_locality(self.place, SET, old.word(), new.word())
    }

    /// The member at `index`, below [`MEMBERS`]; 0 for none.
    #[inline(always)]
    pub(super) fn member<T: Tables>(self, tables: &T, index: u32) -> u32 {
        let pair = tables.locality(self.place, FIRST_MEMBER.wrapping_add(index / 2));
        (pair.unwrap_or(0) >> (index % 2 * 32)) as u32
    }

    /// Makes `member` the only one, for `lblc`.
    #[inline(always)]
    pub(super) fn set_only<T: Tables>(self, tables: &T, member: u32) {
        tables.set_locality(self.place, FIRST_MEMBER, u64::from(member));
    }

    /// Puts a member at `index`, below [`MEMBERS`]; 0 takes out the one that is there.
    #[inline(always)]
    pub(super) fn set_member<T: Tables>(self, tables: &T, index: u32, member: u32) {
        let word = FIRST_MEMBER.wrapping_add(index / 2);
        let shift = index % 2 * 32;
        for _ in 0..ATTEMPTS {
            let Some(old) = tables.locality(self.place, word) else {
                return;
            };
            let new = old & !(0xffff_ffff << shift) | u64::from(member) << shift;
            if tables.replace_locality(self.place, word, old, new) {
                return;
            }
        }
    }
}
