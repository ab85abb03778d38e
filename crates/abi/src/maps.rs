//! Names of the maps. The eBPF programs declare a static of each name; user space finds and pins it by it.

/// `ARRAY` of [`Bucket4`](crate::Bucket4): IPv4 connections. Packets and the sweeper write.
pub const CONNECTIONS4: &str = "CONNECTIONS4";
/// `ARRAY` of [`Bucket6`](crate::Bucket6): IPv6 connections. Packets and the sweeper write.
pub const CONNECTIONS6: &str = "CONNECTIONS6";
/// `ARRAY` of [`TemplateBucket`](crate::TemplateBucket): persistence templates. Packets and the sweeper write.
pub const TEMPLATES: &str = "TEMPLATES";
/// `ARRAY` of [`TranslationBucket`](crate::TranslationBucket): what NAT and FULLNAT make of packets. Packets and the sweeper write.
pub const TRANSLATIONS: &str = "TRANSLATIONS";
/// `ARRAY` of [`LocalAddress`](crate::LocalAddress): FULLNAT's own addresses. The control room writes.
pub const LOCALS: &str = "LOCALS";
/// `ARRAY` of [`FragmentBucket`](crate::FragmentBucket): ways of fragmented packets. Packets write.
pub const FRAGMENTS: &str = "FRAGMENTS";
/// `ARRAY` of [`LocalityBucket`](crate::LocalityBucket): what `lblc` and `lblcr` remember. Packets and the sweeper write.
pub const LOCALITY: &str = "LOCALITY";
/// `ARRAY` of [`Rule`](crate::Rule): rules that give marks, in two sets. The control room writes.
pub const RULES: &str = "RULES";
/// `HASH` from [`ServiceKey`](crate::ServiceKey) to a service's number. The control room writes.
pub const SERVICE_INDEX: &str = "SERVICE_INDEX";
/// `ARRAY` of [`Service`](crate::Service). The control room writes; packets count.
pub const SERVICES: &str = "SERVICES";
/// `ARRAY` of words: the arena of scheduling records. The control room writes; packets move cursors.
pub const RECORDS: &str = "RECORDS";
/// `ARRAY` of [`Destination`](crate::Destination). The control room writes.
pub const DESTINATIONS: &str = "DESTINATIONS";
/// `ARRAY` of [`DestinationInfo`](crate::DestinationInfo). The control room writes; packets never look.
pub const DESTINATION_INFO: &str = "DESTINATION_INFO";
/// `ARRAY` of [`Live`](crate::Live), by destination. Packets and the sweeper count.
pub const LIVE: &str = "LIVE";
/// `ARRAY` of [`Counters`](crate::Counters): processor × destinations + destination. Packets count.
pub const COUNTERS: &str = "COUNTERS";
/// `ARRAY` of [`Hop`](crate::Hop). The control room writes.
pub const HOPS: &str = "HOPS";
/// `ARRAY` of [`Port`](crate::Port). The control room writes; packets mark a full table.
pub const PORTS: &str = "PORTS";
/// `DEVMAP` from port to interface, for frames that leave by another one. The control room writes.
pub const EGRESS: &str = "EGRESS";
/// `ARRAY` of u64: processor × [`REASONS_PER_CPU`](crate::REASONS_PER_CPU) + reason. Packets count.
pub const REASONS: &str = "REASONS";
/// `ARRAY` of one [`Identity`](crate::Identity). User space only.
pub const IDENTITY: &str = "IDENTITY";

/// Every map.
pub const ALL: [&str; 20] = [
    CONNECTIONS4,
    CONNECTIONS6,
    TEMPLATES,
    TRANSLATIONS,
    LOCALS,
    FRAGMENTS,
    LOCALITY,
    RULES,
    SERVICE_INDEX,
    SERVICES,
    RECORDS,
    DESTINATIONS,
    DESTINATION_INFO,
    LIVE,
    COUNTERS,
    HOPS,
    PORTS,
    EGRESS,
    REASONS,
    IDENTITY,
];

/// `LPM_TRIE` of the real server's decapsulator: the sources that tunnels may come from. Its user space writes.
pub const TUNNEL_SOURCES: &str = "TUNNEL_SOURCES";
/// `PERCPU_ARRAY` of u64 of the decapsulator, by [`DecapReason`](crate::DecapReason). Packets count.
pub const DECAP_REASONS: &str = "DECAP_REASONS";

/// Every map of the decapsulator.
pub const OF_DECAPSULATOR: [&str; 2] = [TUNNEL_SOURCES, DECAP_REASONS];
