//! `lblc` and `lblcr`: every VIP keeps its destination, or a small set of them, as long as that has room. They are for caches: the
//! same address is to be asked of the same cache.

/// Buckets of the locality cache; a power of two.
pub const LOCALITY_BUCKETS: u32 = 1024;

/// Slots of a bucket.
pub const LOCALITY_SLOTS: u32 = 8;

/// Words of a slot.
pub const LOCALITY_WORDS: u32 = 16;
