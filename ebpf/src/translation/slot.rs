//! The table of translations. A translation is found by its place alone; its key says only where it belongs.

use dray_abi::{Meta, Translation, TranslationBucket};
use dray_packet::hash::Place;

use crate::{constants, maps, slot::Slot};

impl Slot for Translation {
    /// The connection's.
    type Key = [u64; 5];

    #[inline(always)]
    fn place(key: &[u64; 5]) -> Place {
        Place::of6(key, &constants::hash_key().multipliers)
    }

    #[inline(always)]
    fn bucket(number: u32) -> Option<*mut Self> {
        maps::TRANSLATIONS
            .get_ptr_mut(number)
            .map(|bucket: *mut TranslationBucket| bucket.cast())
    }

    #[inline(always)]
    fn buckets() -> u32 {
        constants::translation_buckets()
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
    unsafe fn has(slot: *mut Self, key: &[u64; 5]) -> bool {
        // SAFETY: the caller's; volatile, as another processor may be writing the key.
        unsafe {
            (&raw const (*slot).client[0]).read_volatile() == key[0]
                && (&raw const (*slot).client[1]).read_volatile() == key[1]
                && (&raw const (*slot).client[2]).read_volatile() == key[2]
                && (&raw const (*slot).client[3]).read_volatile() == key[3]
                && (&raw const (*slot).client[4]).read_volatile() == key[4]
        }
    }

    #[inline(always)]
    unsafe fn write(slot: *mut Self, key: &[u64; 5]) {
        // SAFETY: the caller's.
        unsafe {
            (&raw mut (*slot).client[0]).write_volatile(key[0]);
            (&raw mut (*slot).client[1]).write_volatile(key[1]);
            (&raw mut (*slot).client[2]).write_volatile(key[2]);
            (&raw mut (*slot).client[3]).write_volatile(key[3]);
            (&raw mut (*slot).client[4]).write_volatile(key[4]);
        }
    }

    /// It is found by its place alone.
    #[inline(always)]
    fn is_hidden(_: Meta) -> bool {
        true
    }

    /// It ends with its connection.
    #[inline(always)]
    unsafe fn is_over(_: *mut Self, _: Meta, _: u32) -> bool {
        false
    }

    /// Nothing: it is never claimed from another.
    #[inline(always)]
    unsafe fn end(_: *mut Self, _: Meta) {}
}
