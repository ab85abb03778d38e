//! Numbers that the loader fixes before the verifier sees the program, which then takes them as constants.

use dray_abi::HashKey;

/// Declares a constant of the object's read-only data and the function that reads it.
macro_rules! constant {
    ($(#[$doc:meta])* $name:ident: $type:ty = $value:expr, $read:ident) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        static $name: $type = $value;

        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $read() -> $type {
            // SAFETY: a static of this object; volatile, because the loader gives it its value.
            unsafe { (&raw const $name).read_volatile() }
        }
    };
}

constant!(
    /// The port that this copy of the program is attached to.
    PORT: u32 = 0, port
);
constant!(
    /// Buckets of the IPv4 connection table.
    BUCKETS4: u32 = 0, buckets4
);
constant!(
    /// Buckets of the IPv6 connection table.
    BUCKETS6: u32 = 0, buckets6
);
constant!(
    /// Buckets of the table of templates.
    TEMPLATE_BUCKETS: u32 = 0, template_buckets
);
constant!(
    /// Buckets of the table of translations.
    TRANSLATION_BUCKETS: u32 = 0, translation_buckets
);
constant!(
    /// Entries of the destination maps; the counters have as many for each processor.
    DESTINATION_ROOM: u32 = 0, destination_room
);
constant!(
    /// 1 when the clock is the one in the settings, so that time passes only when somebody says so.
    OWN_CLOCK: u32 = 0, own_clock
);
constant!(
    /// The parts of the program that are needed: bits of [`Features`](dray_abi::Features). The verifier takes out the others.
    FEATURES: u32 = 0, features
);
constant!(
    /// The decapsulator's own Ethernet address, as [`address_word`](dray_packet::ethernet::address_word) makes it.
    OWN_ADDRESS: u64 = 0, own_address
);
constant!(
    /// The UDP port that the decapsulator takes for GUE.
    GUE_PORT: u32 = 0, gue_port
);

#[unsafe(no_mangle)]
static HASH_KEY: HashKey = HashKey {
    multipliers: [0; 11],
};

/// The connection table's secret.
#[inline(always)]
pub(crate) fn hash_key() -> &'static HashKey {
    let mut key = &raw const HASH_KEY;
    // SAFETY: the pointer stays what it was; the optimiser no longer knows it, and so cannot fold in the zeros that the
    // loader replaces. It is an instruction, because without one two of its lines of source would begin at the same
    // place, which the kernel refuses.
    unsafe {
        core::arch::asm!("{0} = {0}", inout(reg) key, options(readonly, nostack, preserves_flags));
        &*key
    }
}
