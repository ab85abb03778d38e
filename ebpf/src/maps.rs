//! The maps. `dray_abi::maps` says who writes each and who reads it; sizes are the loader's matter.
//!
//! `MMAPABLE` arrays lie in the daemon's memory too: it reads and writes them without system calls.

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    macros::map,
    maps::{Array, DevMap, HashMap},
};
use dray_abi::{
    Bucket4, Bucket6, Counters, Destination, DestinationInfo, FRAGMENT_BUCKETS, FragmentBucket,
    Hop, Identity, LOCALITY_BUCKETS, Live, LocalityBucket, MAX_PORTS, Port, RULE_ROOM, Reason,
    Rule, Service, ServiceKey, TemplateBucket,
};

use crate::constants;

#[map]
pub(crate) static CONNECTIONS4: Array<Bucket4> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static CONNECTIONS6: Array<Bucket6> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static TEMPLATES: Array<TemplateBucket> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static FRAGMENTS: Array<FragmentBucket> =
    Array::with_max_entries(FRAGMENT_BUCKETS, BPF_F_MMAPABLE);
#[map]
pub(crate) static LOCALITY: Array<LocalityBucket> =
    Array::with_max_entries(LOCALITY_BUCKETS, BPF_F_MMAPABLE);
#[map]
pub(crate) static RULES: Array<Rule> = Array::with_max_entries(RULE_ROOM, BPF_F_MMAPABLE);
#[map]
pub(crate) static SERVICE_INDEX: HashMap<ServiceKey, u32> =
    HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);
#[map]
pub(crate) static SERVICES: Array<Service> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static RECORDS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static DESTINATIONS: Array<Destination> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static DESTINATION_INFO: Array<DestinationInfo> =
    Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static LIVE: Array<Live> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static COUNTERS: Array<Counters> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static HOPS: Array<Hop> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static PORTS: Array<Port> = Array::with_max_entries(MAX_PORTS, BPF_F_MMAPABLE);
#[map]
pub(crate) static EGRESS: DevMap = DevMap::with_max_entries(MAX_PORTS, 0);
#[map]
pub(crate) static REASONS: Array<u64> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static IDENTITY: Array<Identity> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// The port that the packet came in by. Words of it may change between two reads.
#[inline(always)]
pub(crate) fn port() -> Result<&'static Port, Reason> {
    PORTS.get(constants::port()).ok_or(Reason::OtherHost)
}

/// The destination of that number. Words of it may change between two reads.
#[inline(always)]
pub(crate) fn destination(number: u32) -> Result<&'static Destination, Reason> {
    DESTINATIONS.get(number).ok_or(Reason::NoNextHop)
}
