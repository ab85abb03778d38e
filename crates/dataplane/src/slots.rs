//! Slots of the connection tables and of the table of templates, as user space reaches them.

use std::{
    mem::offset_of,
    ops::Range,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use dray_abi::{Bucket4, Bucket6, Meta, SLOTS_PER_BUCKET, Slot4, Slot6, Template, TemplateBucket};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::mapped::Mapped;

/// A bucket of connections of one family.
pub(crate) trait ConnectionBucket: FromBytes + IntoBytes + Immutable {
    /// Bytes of a slot.
    const SLOT: usize;
    /// Offset of the word in a slot that has `since` and `template`.
    const TAIL: usize;
    /// The family's number.
    const FAMILY: u8;
}

impl ConnectionBucket for Bucket4 {
    const SLOT: usize = size_of::<Slot4>();
    const TAIL: usize = offset_of!(Slot4, since);
    const FAMILY: u8 = 4;
}

impl ConnectionBucket for Bucket6 {
    const SLOT: usize = size_of::<Slot6>();
    const TAIL: usize = offset_of!(Slot6, since);
    const FAMILY: u8 = 6;
}

// What the tail is read as.
const _: () = assert!(offset_of!(Slot4, template) == offset_of!(Slot4, since) + 4);
const _: () = assert!(offset_of!(Slot6, template) == offset_of!(Slot6, since) + 4);

/// A slot of a connection table: a connection's, or one that leads a translated connection's replies.
pub(crate) struct ConnectionSlot<'a> {
    /// Where it is.
    pub(crate) place: Place,
    meta: &'a AtomicU64,
    tail: &'a AtomicU64,
}

/// Where a slot of the connection tables is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// 4 or 6: its table.
    pub(crate) family: u8,
    /// 1 + bucket × 8 + slot.
    pub(crate) reference: u32,
}

/// The slots of these buckets.
pub(crate) fn connections<B: ConnectionBucket>(
    table: &Mapped<B>,
    buckets: Range<u32>,
) -> impl Iterator<Item = ConnectionSlot<'_>> {
    buckets.flat_map(move |bucket| {
        (0..SLOTS_PER_BUCKET).filter_map(move |slot| connection_in(table, bucket, slot))
    })
}

/// The slot at that place of a table: 1 + bucket × 8 + slot.
pub(crate) fn connection<B: ConnectionBucket>(
    table: &Mapped<B>,
    reference: u32,
) -> Option<ConnectionSlot<'_>> {
    let (bucket, slot) = split(reference)?;
    connection_in(table, bucket, slot)
}

fn connection_in<B: ConnectionBucket>(
    table: &Mapped<B>,
    bucket: u32,
    slot: usize,
) -> Option<ConnectionSlot<'_>> {
    let offset = slot * B::SLOT;
    Some(ConnectionSlot {
        place: Place {
            family: B::FAMILY,
            reference: 1 + bucket * SLOTS_PER_BUCKET as u32 + slot as u32,
        },
        meta: table.word(bucket, offset)?,
        tail: table.word(bucket, offset + B::TAIL)?,
    })
}

/// Bucket and slot of a reference; none of 0.
pub(crate) fn split(reference: u32) -> Option<(u32, usize)> {
    let place = reference.checked_sub(1)?;
    let slot = place as usize % SLOTS_PER_BUCKET;
    Some((place / SLOTS_PER_BUCKET as u32, slot))
}

/// Whether a live slot of a connection table is no connection, but leads the replies of one.
pub(crate) fn is_return(meta: Meta) -> bool {
    meta.state() == Meta::RETURN
}

/// Whether nobody may find the template any more that a slot holds.
pub(crate) fn is_retired(meta: Meta) -> bool {
    meta.flags() & Meta::RETIRED != 0
}

impl ConnectionSlot<'_> {
    /// What it says now.
    pub(crate) fn meta(&self) -> Meta {
        Meta(self.meta.load(Ordering::Acquire))
    }

    /// The tick of the first packet of the connection in it.
    pub(crate) fn since(&self) -> u32 {
        self.tail.load(Ordering::Relaxed) as u32
    }

    /// What the connection in it names, 1 + its place, 0 for none: its translation if its addresses are changed, else its
    /// template.
    pub(crate) fn names(&self) -> u32 {
        (self.tail.load(Ordering::Relaxed) >> 32) as u32 & 0xff_ffff
    }

    /// Frees it, if it still says what was seen.
    pub(crate) fn free(&self, seen: Meta) -> bool {
        replace(self.meta, seen, Meta::FREE)
    }
}

/// The slot of a template.
pub(crate) struct TemplateSlot<'a> {
    /// 1 + its place.
    pub(crate) reference: u32,
    meta: &'a AtomicU64,
    timeout: &'a AtomicU32,
    children: &'a AtomicU32,
}

/// The slots of these buckets.
pub(crate) fn templates(
    table: &Mapped<TemplateBucket>,
    buckets: Range<u32>,
) -> impl Iterator<Item = TemplateSlot<'_>> {
    buckets.flat_map(move |bucket| {
        (0..SLOTS_PER_BUCKET).filter_map(move |slot| template_in(table, bucket, slot))
    })
}

/// The slot that a connection names: 1 + its place.
pub(crate) fn template(table: &Mapped<TemplateBucket>, reference: u32) -> Option<TemplateSlot<'_>> {
    let (bucket, slot) = split(reference)?;
    template_in(table, bucket, slot)
}

fn template_in(
    table: &Mapped<TemplateBucket>,
    bucket: u32,
    slot: usize,
) -> Option<TemplateSlot<'_>> {
    let reference = 1 + bucket * SLOTS_PER_BUCKET as u32 + slot as u32;
    let slot = slot * size_of::<Template>();
    Some(TemplateSlot {
        reference,
        meta: table.word(bucket, slot + offset_of!(Template, meta))?,
        timeout: table.half(bucket, slot + offset_of!(Template, timeout))?,
        children: table.half(bucket, slot + offset_of!(Template, children))?,
    })
}

impl TemplateSlot<'_> {
    /// What it says now.
    pub(crate) fn meta(&self) -> Meta {
        Meta(self.meta.load(Ordering::Acquire))
    }

    /// Connections of the template in it.
    pub(crate) fn children(&self) -> u32 {
        self.children.load(Ordering::Acquire)
    }

    /// How long the template in it lasts, in ticks.
    pub(crate) fn timeout(&self) -> u32 {
        self.timeout.load(Ordering::Relaxed)
    }

    /// Counts one of the template's connections off; gives how many are left.
    pub(crate) fn leave(&self) -> u32 {
        let one_less = |children: u32| children.checked_sub(1);
        self.children
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less)
            .map_or(0, |children| children - 1)
    }

    /// Makes the template last on, with this timeout, if it still says what was seen.
    pub(crate) fn renew(&self, seen: Meta, over: u32, timeout: u32) {
        let state = seen.state() | seen.flags();
        if replace(self.meta, seen, Meta::new(over, seen.destination(), state)) {
            self.timeout.store(timeout, Ordering::Release);
        }
    }

    /// Lets nobody find the template any more, if it still says what was seen.
    pub(crate) fn retire(&self, seen: Meta) -> bool {
        let state = seen.state() | seen.flags() | Meta::RETIRED;
        let retired = Meta::new(seen.over(), seen.destination(), state);
        replace(self.meta, seen, retired)
    }

    /// Frees it, if it still says what was seen. A packet that makes a connection of the template says so first, and
    /// changes what the slot says then.
    pub(crate) fn free(&self, seen: Meta) -> bool {
        replace(self.meta, seen, Meta::FREE)
    }
}

/// Changes what a slot says, if it is still what was seen.
pub(crate) fn replace(word: &AtomicU64, seen: Meta, by: Meta) -> bool {
    word.compare_exchange(seen.0, by.0, Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}
