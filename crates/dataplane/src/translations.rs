//! Translations of connections whose addresses are changed, as user space sees and ends them.
//!
//! A translation and its return slot end with their connection, by whoever frees the connection's slot. What a daemon that was
//! killed at the wrong moment leaves behind, nothing names any more: the [sweep](crate::sweep) frees such orphans, with
//! the help of this file.

use std::{
    mem::offset_of,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use dray_abi::{Meta, SLOTS_PER_BUCKET, Translation};

use crate::{
    maps::Maps,
    slots::{self, ConnectionSlot, Place},
};

/// A live translation, as it was seen.
pub(crate) struct Seen<'a> {
    /// 1 + its place.
    pub(crate) reference: u32,
    /// What it said.
    pub(crate) entry: Translation,
    meta: &'a AtomicU64,
}

/// What leads to nothing that would end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphan {
    /// A slot for replies whose translation has another, or is gone.
    Return(Place, Meta),
    /// A translation whose connection is gone, and what it said.
    Translation(u32, Meta),
}

impl Maps {
    /// The translation of the connection that was seen in this slot, if it has one.
    pub(crate) fn translation_of(&self, slot: &ConnectionSlot<'_>, seen: Meta) -> Option<Seen<'_>> {
        if seen.flags() & Meta::TRANSLATED == 0 || slots::is_return(seen) {
            return None;
        }
        self.translation(slot.names())
            .filter(|translation| translation.connection() == slot.place)
    }

    /// The live translation of that reference.
    pub(crate) fn translation(&self, reference: u32) -> Option<Seen<'_>> {
        let (bucket, slot) = slots::split(reference)?;
        let offset = slot * size_of::<Translation>();
        let meta = self
            .translations
            .word(bucket, offset + offset_of!(Translation, meta))?;
        if !Meta(meta.load(Ordering::Acquire)).is_live() {
            return None;
        }
        Some(Seen {
            reference,
            entry: self.translations.read_part(bucket, offset)?,
            meta,
        })
    }

    /// The live translations of these buckets.
    fn translations_in(&self, buckets: Range<u32>) -> impl Iterator<Item = Seen<'_>> {
        let slots = SLOTS_PER_BUCKET as u32;
        (buckets.start * slots..buckets.end * slots).filter_map(|place| self.translation(1 + place))
    }

    /// What every slot of the table says.
    pub(crate) fn translation_metas(&self) -> impl Iterator<Item = Meta> {
        let offset = |slot: usize| slot * size_of::<Translation>() + offset_of!(Translation, meta);
        (0..self.translations.len()).flat_map(move |bucket| {
            (0..SLOTS_PER_BUCKET)
                .filter_map(move |slot| self.translations.word(bucket, offset(slot)))
                .map(|meta| Meta(meta.load(Ordering::Acquire)))
        })
    }

    /// Frees a translation that is the caller's, and the return slot with it.
    pub(crate) fn end_translation(&self, translation: &Seen<'_>) {
        if let Some(slot) = self.connection(translation.answers()) {
            let seen = slot.meta();
            // A newer connection may have taken the slot over, and changes what it says when it does.
            if slots::is_return(seen) && slot.names() == translation.reference {
                slot.free(seen);
            }
        }
        let seen = Meta(translation.entry.meta);
        slots::replace(translation.meta, seen, Meta::FREE);
    }

    /// The translations of these buckets that no connection names.
    pub(crate) fn orphaned_translations(&self, buckets: Range<u32>) -> Vec<Orphan> {
        self.translations_in(buckets)
            .filter(|translation| !self.has_connection(translation))
            .map(|orphan| Orphan::Translation(orphan.reference, Meta(orphan.entry.meta)))
            .collect()
    }

    /// Frees an orphan, if it is one still.
    pub(crate) fn free_orphan(&self, orphan: Orphan) {
        match orphan {
            Orphan::Return(place, meta) => {
                let slot = self.connection(place);
                if let Some(slot) = slot.filter(|slot| slot.meta() == meta && self.is_orphan(slot))
                {
                    slot.free(meta);
                }
            }
            Orphan::Translation(reference, meta) => {
                let translation = self.translation(reference).filter(|translation| {
                    translation.entry.meta == meta.0 && !self.has_connection(translation)
                });
                if let Some(translation) = translation {
                    self.end_translation(&translation);
                }
            }
        }
    }

    /// Whether a return slot's translation does not know it.
    pub(crate) fn is_orphan(&self, slot: &ConnectionSlot<'_>) -> bool {
        self.translation(slot.names())
            .is_none_or(|translation| translation.answers() != slot.place)
    }

    fn has_connection(&self, translation: &Seen<'_>) -> bool {
        self.connection(translation.connection())
            .is_some_and(|slot| {
                let meta = slot.meta();
                meta.is_live()
                    && meta.flags() & Meta::TRANSLATED != 0
                    && !slots::is_return(meta)
                    && slot.names() == translation.reference
            })
    }

    fn connection(&self, place: Place) -> Option<ConnectionSlot<'_>> {
        match place.family {
            4 => slots::connection(&self.connections4, place.reference),
            6 => slots::connection(&self.connections6, place.reference),
            _ => None,
        }
    }
}

impl Seen<'_> {
    /// Where its connection's slot is.
    fn connection(&self) -> Place {
        Place {
            family: self.entry.client_family,
            reference: self.entry.connection,
        }
    }

    /// Where its return slot is.
    fn answers(&self) -> Place {
        Place {
            family: self.entry.server_family,
            reference: self.entry.answers,
        }
    }
}
