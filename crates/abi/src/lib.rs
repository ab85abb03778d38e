//! What crosses the kernel boundary: the layout of every map, its name, and the reasons that packets are
//! counted under. The eBPF program and user space compile this very source.
//!
//! Types are plain old data with no padding (zerocopy's derives refuse any), and their sizes are asserted
//! here: a layout can change only together with [`ABI_VERSION`].
//!
//! Most maps are arrays that user space maps into its memory. What packets may read while it is written
//! is therefore either one aligned word or never written while a packet can reach it.
#![no_std]

mod connection;
mod decap;
mod destination;
mod features;
mod fragment;
mod hop;
mod identity;
mod limits;
mod locality;
pub mod maps;
mod port;
mod reason;
mod rule;
mod service;
mod template;
mod translation;

pub use connection::{Bucket4, Bucket6, Meta, SLOTS_PER_BUCKET, Slot4, Slot6};
pub use decap::{DecapReason, MAX_TUNNEL_SOURCES, TunnelSource};
pub use destination::{Counters, Destination, DestinationInfo, Live};
pub use features::Features;
pub use fragment::{FRAGMENT_BUCKETS, FRAGMENT_TIME, Fragment, FragmentBucket};
pub use hop::Hop;
pub use identity::{HashKey, Identity, TICK_SHIFT, duration_of_ticks, ticks_of_nanoseconds};
pub use limits::{MAX_DESTINATION, MAX_PORTS, SLOTS_PER_CONNECTION};
pub use locality::{LOCALITY_BUCKETS, LOCALITY_MEMBERS, Locality, LocalityBucket};
pub use port::{Port, Settings};
pub use reason::{ANSWERS, REASONS_PER_CPU, Reason, Verdict};
pub use rule::{MAX_RULES, RULE_ROOM, Rule};
pub use service::{Service, ServiceKey, ServiceOptions};
pub use template::{Template, TemplateBucket};
pub use translation::{LOCAL_ADDRESSES, LocalAddress, Translation, TranslationBucket};

/// Changed whenever the layout or the meaning of any map changes. Pinned maps live under a directory with
/// this number, so that a program never reads another version's maps.
pub const ABI_VERSION: u32 = 3;

/// Asserts the size of each type, so that a change of layout cannot slip in.
macro_rules! sizes {
    ($($type:ty = $size:literal),* $(,)?) => {
        $(const _: () = assert!(size_of::<$type>() == $size, "layout changed: raise ABI_VERSION");)*
    };
}

sizes!(
    Slot4 = 32,
    Slot6 = 64,
    Bucket4 = 256,
    Bucket6 = 512,
    Template = 64,
    Fragment = 64,
    Locality = 128,
    Destination = 16,
    DestinationInfo = 48,
    Hop = 128,
    Translation = 128,
    TunnelSource = 20,
    Port = 304,
    Live = 32,
    Counters = 32,
    Rule = 88,
    Service = 32,
    ServiceKey = 20,
    Settings = 288,
    Identity = 144,
    HashKey = 88,
);
