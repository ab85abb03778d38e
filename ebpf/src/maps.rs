//! The maps. `dray_abi::maps` says who writes each and who reads it; sizes are the loader's matter.
//!
//! `MMAPABLE` arrays lie in the daemon's memory too: it reads and writes them without system calls.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC},
    macros::map,
    maps::{Array, DevMap, HashMap, PerCpuArray},
};
use dray_abi::{
    Bucket4, Bucket6, Counters, Destination, DestinationInfo, FRAGMENT_BUCKETS, FragmentBucket,
    Hop, Identity, LOCAL_ADDRESSES, LOCALITY_BUCKETS, Live, LocalAddress, LocalityBucket,
    MAX_PORTS, Port, RULE_ROOM, Reason, Rule, Service, ServiceKey, TemplateBucket,
    TranslationBucket,
};
use dray_packet::ipv6::Walk;

use crate::{
    constants,
    schedule::Visit,
    translate::{Job, Rest, Sense},
    translation::Pending,
};

#[map]
pub(crate) static CONNECTIONS4: Array<Bucket4> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static CONNECTIONS6: Array<Bucket6> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static TEMPLATES: Array<TemplateBucket> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static TRANSLATIONS: Array<TranslationBucket> =
    Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static LOCALS: Array<LocalAddress> =
    Array::with_max_entries(2 * LOCAL_ADDRESSES, BPF_F_MMAPABLE);
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

/// Where the way of a packet without a connection keeps what would not fit on the stack, of which the verifier allows 512
/// bytes to all functions that call each other. A processor has one packet in hand at a time.
#[map]
static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// What is kept there.
#[repr(C)]
pub(crate) struct Scratch {
    /// What services, templates and schedulers ask of the packet.
    pub(crate) visit: Visit,
    /// What the connection table asks: an `Arrival` of the packet's family.
    pub(crate) arrival: [u64; 16],
    /// 1 and the hash of what the persistence engine found in the packet; 0 before it looked.
    pub(crate) session: [u64; 3],
    /// The translation of the connection that the packet belongs to, and which way it goes.
    pub(crate) sense: Sense,
    /// The connection to be that has no translation yet.
    pub(crate) pending: Pending,
    /// What is known of a packet with a translation besides.
    pub(crate) job: Job,
    /// How it leaves, where that is not done in one go.
    pub(crate) rest: Rest,
    /// The key that it is to carry, of whichever family.
    pub(crate) key: [u64; 5],
    /// What a fragmented packet is found by.
    pub(crate) fragment: [u64; 5],
    /// When the translation was made that its first fragment went by.
    pub(crate) since: u32,
    /// A walk over extension headers.
    pub(crate) walk: MaybeUninit<Walk>,
}

/// This processor's.
#[inline(always)]
pub(crate) fn scratch() -> Result<*mut Scratch, Reason> {
    SCRATCH.get_ptr_mut(0).ok_or(Reason::NotAService)
}

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
