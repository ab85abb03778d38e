//! The real server's decapsulator: what it counts, and whom it listens to.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A key of the map of tunnel sources, as the kernel's longest-prefix trie takes it.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct TunnelSource {
    /// How many bits count (host order): 96 more than an IPv4 prefix's length.
    pub prefix: u32,
    /// The address, network order (IPv4 as IPv4-mapped IPv6).
    pub address: [u8; 16],
}

/// Sources that one decapsulator may have.
pub const MAX_TUNNEL_SOURCES: u32 = 1024;

macro_rules! reasons {
    ($($name:ident = $number:literal, $text:literal, $meaning:literal;)*) => {
        /// What became of a packet that the decapsulator saw. All but [`DecapReason::Spoofed`], [`DecapReason::Damaged`] and
        /// [`DecapReason::NoRoom`] go on to the host.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DecapReason {
            $(#[doc = $meaning] $name = $number,)*
        }

        impl DecapReason {
            /// Every one, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, as counters and documentation write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// One sentence on what it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

reasons! {
    Decapsulated = 0, "decapsulated", "A tunnel packet of a director's: the inner packet went to the host.";
    NotATunnel = 1, "not-a-tunnel", "No tunnel packet: the host got it as it came.";
    Spoofed = 2, "spoofed", "A tunnel packet that no director sent (its outer source is not allowed): dropped.";
    Damaged = 3, "damaged", "A tunnel packet that makes no sense, or whose checksum is wrong: dropped.";
    NoRoom = 4, "no-room", "The frame could not be changed: dropped.";
    OtherHost = 5, "other-host", "The frame is not for this interface's Ethernet address: the host got it as it came.";
}
