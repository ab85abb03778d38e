//! Slots: what connections, persistence templates and translations have in common, so that [`table`](crate::table) is written once.
//! Pointers, because packets on other processors use the same slot.

use dray_abi::{
    Bucket4, Bucket6, Meta, Slot4, Slot6, Template, TemplateBucket, Translation, TranslationBucket,
};
use dray_packet::hash::Place;

use crate::{connection, constants, maps, template, translation};

/// A slot of a table.
pub(crate) trait Slot: Sized {
    /// What it is found by.
    type Key: Copy;

    /// Where the key belongs.
    fn place(key: &Self::Key) -> Place;
    /// The first slot of a bucket.
    fn bucket(number: u32) -> Option<*mut Self>;
    fn buckets() -> u32;
    fn meta(slot: *mut Self) -> *mut u64;
    fn since(slot: *mut Self) -> *mut u32;
    fn spilled(slot: *mut Self) -> *mut u8;
    /// Whether the slot has this key.
    ///
    /// # Safety
    /// `slot` points to a slot of the table.
    unsafe fn has(slot: *mut Self, key: &Self::Key) -> bool;
    /// Gives the slot this key.
    ///
    /// # Safety
    /// `slot` points to a slot of the table that the caller has claimed.
    unsafe fn write(slot: *mut Self, key: &Self::Key);
    /// Whether nobody may find a live slot, though its time is not over.
    fn is_hidden(meta: Meta) -> bool;
    /// Whether a live slot's time is over, so that nobody finds it and anybody may claim it.
    ///
    /// # Safety
    /// `slot` points to a slot of the table.
    unsafe fn is_over(slot: *mut Self, meta: Meta, tick: u32) -> bool;
    /// Counts off what a claimed slot held.
    ///
    /// # Safety
    /// `slot` points to a slot of the table that the caller has claimed.
    unsafe fn end(slot: *mut Self, meta: Meta);
}

macro_rules! slot {
    ($slot:ty, $field:ident: $key:ty, [$($word:literal),*], $place:path, $table:ident: $bucket:ty, $buckets:path, $hidden:path, $over:path, $end:path) => {
        impl Slot for $slot {
            type Key = $key;

            #[inline(always)]
            fn place(key: &$key) -> Place {
                $place(key, &constants::hash_key().multipliers)
            }

            #[inline(always)]
            fn bucket(number: u32) -> Option<*mut Self> {
                maps::$table.get_ptr_mut(number).map(|bucket: *mut $bucket| bucket.cast())
            }

            #[inline(always)]
            fn buckets() -> u32 {
                $buckets()
            }

            #[inline(always)]
            fn meta(slot: *mut Self) -> *mut u64 {
                // SAFETY: no access; the field lies in the slot, here and below.
                unsafe { &raw mut (*slot).meta }
            }

            #[inline(always)]
            fn since(slot: *mut Self) -> *mut u32 {
                // SAFETY: as above.
                unsafe { &raw mut (*slot).since }
            }

            #[inline(always)]
            fn spilled(slot: *mut Self) -> *mut u8 {
                // SAFETY: as above.
                unsafe { &raw mut (*slot).spilled }
            }

            #[inline(always)]
            unsafe fn has(slot: *mut Self, key: &$key) -> bool {
                // SAFETY: the caller's; volatile, as another processor may be writing the key.
                unsafe {
                    $((&raw const (*slot).$field[$word]).read_volatile() == key[$word])&&*
                }
            }

            #[inline(always)]
            unsafe fn write(slot: *mut Self, key: &$key) {
                // SAFETY: the caller's.
                unsafe { $((&raw mut (*slot).$field[$word]).write_volatile(key[$word]);)* }
            }

            #[inline(always)]
            fn is_hidden(meta: Meta) -> bool {
                $hidden(meta)
            }

            #[inline(always)]
            unsafe fn is_over(slot: *mut Self, meta: Meta, tick: u32) -> bool {
                // SAFETY: the caller's.
                unsafe { $over(slot, meta, tick) }
            }

            #[inline(always)]
            unsafe fn end(slot: *mut Self, meta: Meta) {
                // SAFETY: the caller's.
                unsafe { $end(slot, meta) }
            }
        }
    };
}

slot!(
    Slot4, key: [u64; 2], [0, 1], Place::of4,
    CONNECTIONS4: Bucket4, constants::buckets4, connection::is_hidden, connection::is_over, connection::end
);
slot!(
    Slot6, key: [u64; 5], [0, 1, 2, 3, 4], Place::of6,
    CONNECTIONS6: Bucket6, constants::buckets6, connection::is_hidden, connection::is_over, connection::end
);
slot!(
    Template, key: [u64; 5], [0, 1, 2, 3, 4], Place::of6,
    TEMPLATES: TemplateBucket, constants::template_buckets, template::is_hidden, template::is_over, template::end
);
slot!(
    Translation, client: [u64; 5], [0, 1, 2, 3, 4], Place::of6,
    TRANSLATIONS: TranslationBucket, constants::translation_buckets,
    translation::slot::is_hidden, translation::slot::is_over, translation::slot::end
);

/// A slot of a connection table.
pub(crate) trait ConnectionSlot: Slot {
    /// The connection's template; 0 for none.
    ///
    /// # Safety
    /// `slot` points to a slot of the table.
    unsafe fn template(slot: *mut Self) -> u32;
    /// Sets it.
    ///
    /// # Safety
    /// `slot` points to a slot of the table that the caller has claimed.
    unsafe fn set_template(slot: *mut Self, template: u32);
}

macro_rules! connection_slot {
    ($slot:ty) => {
        impl ConnectionSlot for $slot {
            #[inline(always)]
            unsafe fn template(slot: *mut Self) -> u32 {
                // SAFETY: the caller's.
                let [a, b, c] = unsafe { (&raw const (*slot).template).read_volatile() };
                u32::from_le_bytes([a, b, c, 0])
            }

            #[inline(always)]
            unsafe fn set_template(slot: *mut Self, template: u32) {
                let [a, b, c, _] = template.to_le_bytes();
                // SAFETY: the caller's.
                unsafe { (&raw mut (*slot).template).write_volatile([a, b, c]) };
            }
        }
    };
}

connection_slot!(Slot4);
connection_slot!(Slot6);
