//! Fragments: those of a packet follow its first one, which alone has the ports.

use aya_ebpf::programs::XdpContext;
use dray_abi::{
    FRAGMENT_BUCKETS, FRAGMENT_TIME, Fragment, Meta, Reason, SLOTS_PER_BUCKET, Translation,
};
use dray_packet::{TransportProtocol, hash::Place};

use crate::{
    atomic, constants, family::Packet, icmp::Message, maps, open::Outcome, own, service, table,
    translate::Sense,
};

/// Remembers where the first fragment of a packet goes.
#[inline(always)]
pub(crate) fn remember<P: Packet>(packet: &P, tick: u32, destination: u32, sense: Sense) {
    if keep(packet.fragment_key()) {
        dray_remember_fragment(tick, destination, sense.translation, sense.is_reply);
    }
}

/// The destination of a fragment other than the first, whose sense is known then. `offset` is where its IP header lies.
#[inline(never)]
pub(crate) fn follow<P: Message>(context: &XdpContext, offset: usize, tick: u32) -> Outcome {
    let Ok((datagram, upper)) = P::header(own(context), offset) else {
        return Outcome::encode(Err(Reason::Truncated));
    };
    let number = if keep(datagram.fragment_key()) {
        dray_follow_fragment(tick)
    } else {
        0
    };
    Outcome::encode(match number {
        // What no service balances (an echo request, say) is the host's to put together.
        0 if TransportProtocol::from_number(upper.protocol).is_some()
            && service::is_vip(datagram.vip()) =>
        {
            Err(Reason::LateFirstFragment)
        }
        0 => Err(Reason::Fragment),
        number => Ok(number),
    })
}

// Functions with a symbol are verified once, for all their callers: packets of either family, remembered and followed.

/// 1, or 0 where another packet was quicker: the kernel takes only functions that return a number.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_remember_fragment(
    tick: u32,
    destination: u32,
    translation: u32,
    is_reply: u32,
) -> u32 {
    let Some(key) = kept() else {
        return 0;
    };
    let Some(bucket) = bucket(key) else {
        return 0;
    };
    let mut oldest = (bucket, Meta::FREE, u32::MAX >> 1);
    for index in 0..SLOTS_PER_BUCKET {
        let slot = bucket.wrapping_add(index);
        // SAFETY: a slot of the bucket, here and below.
        let meta = Meta(unsafe { atomic::load(&raw const (*slot).meta) });
        // Written anew when a packet's identification comes again, and when a fragment is repeated.
        if meta.is_live() && unsafe { has(slot, key) } {
            oldest = (slot, meta, 0);
            break;
        }
        if !meta.is_free() && !meta.is_live() {
            continue;
        }
        let left = if meta.is_free() {
            0
        } else {
            meta.over().wrapping_sub(tick)
        };
        let left = if left as i32 <= 0 { 0 } else { left };
        if left < oldest.2 {
            oldest = (slot, meta, left);
        }
    }
    let (slot, meta, _) = oldest;
    // SAFETY: as above. Where another packet takes the slot at this moment, this one's fragments are lost.
    unsafe {
        let word = &raw mut (*slot).meta;
        if atomic::replace(word, meta.0, Meta::busy(tick).0) {
            write(slot, key);
            (&raw mut (*slot).translation).write_volatile(translation);
            (&raw mut (*slot).is_reply).write_volatile(is_reply);
            (&raw mut (*slot).since).write_volatile(made(translation));
            let over = tick.wrapping_add(FRAGMENT_TIME);
            atomic::store(word, Meta::new(over, destination, 0).0);
            return 1;
        }
    }
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_follow_fragment(tick: u32) -> u32 {
    let (Some(key), Ok(scratch)) = (kept(), maps::scratch()) else {
        return 0;
    };
    let Some(bucket) = bucket(key) else {
        return 0;
    };
    for index in 0..SLOTS_PER_BUCKET {
        let slot = bucket.wrapping_add(index);
        // SAFETY: a slot of the bucket, here and below.
        if !unsafe { has(slot, key) } {
            continue;
        }
        // SAFETY: as above. Read before the key is compared again, so that word and key belong together.
        let meta = Meta(unsafe { atomic::load(&raw const (*slot).meta) });
        // SAFETY: as above.
        let (sense, since) = unsafe {
            let sense = Sense {
                translation: (&raw const (*slot).translation).read_volatile(),
                is_reply: (&raw const (*slot).is_reply).read_volatile(),
            };
            (sense, (&raw const (*slot).since).read_volatile())
        };
        // SAFETY: as above; and the processor's own memory, which has one packet in hand at a time.
        if meta.is_live() && !meta.is_over(tick) && unsafe { has(slot, key) } {
            unsafe {
                (*scratch).sense = sense;
                (*scratch).since = since;
            }
            return meta.destination();
        }
    }
    0
}

/// Whether the translation that the fragment's first one went by is still the one in its place.
#[inline(always)]
pub(crate) fn is_of(translation: u32) -> bool {
    // SAFETY: as above.
    maps::scratch().is_ok_and(|scratch| unsafe { (*scratch).since } == made(translation))
}

/// When a translation was made.
#[inline(always)]
fn made(translation: u32) -> u32 {
    // SAFETY: a word of a slot.
    table::slot::<Translation>(translation).map_or(0, |slot| unsafe {
        (&raw const (*slot).since).read_volatile()
    })
}

/// Keeps the key for the functions above.
#[inline(always)]
fn keep(key: [u64; 5]) -> bool {
    let Ok(scratch) = maps::scratch() else {
        return false;
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time.
    unsafe { (&raw mut (*scratch).fragment).write(key) };
    true
}

#[inline(always)]
fn kept() -> Option<&'static [u64; 5]> {
    let scratch = maps::scratch().ok()?;
    // SAFETY: as above.
    Some(unsafe { &(*scratch).fragment })
}

#[inline(always)]
fn bucket(key: &[u64; 5]) -> Option<*mut Fragment> {
    let place = Place::of6(key, &constants::hash_key().multipliers);
    maps::FRAGMENTS
        .get_ptr_mut(place.home(FRAGMENT_BUCKETS))
        .map(|bucket| bucket.cast())
}

/// # Safety
/// `slot` points to a slot of the table.
#[inline(always)]
unsafe fn has(slot: *mut Fragment, key: &[u64; 5]) -> bool {
    // SAFETY: the caller's; volatile, as another processor may be writing the key.
    unsafe {
        (&raw const (*slot).key[0]).read_volatile() == key[0]
            && (&raw const (*slot).key[1]).read_volatile() == key[1]
            && (&raw const (*slot).key[2]).read_volatile() == key[2]
            && (&raw const (*slot).key[3]).read_volatile() == key[3]
            && (&raw const (*slot).key[4]).read_volatile() == key[4]
    }
}

/// # Safety
/// As for [`has`]; the slot is the caller's.
#[inline(always)]
unsafe fn write(slot: *mut Fragment, key: &[u64; 5]) {
    // SAFETY: the caller's.
    unsafe {
        (&raw mut (*slot).key[0]).write_volatile(key[0]);
        (&raw mut (*slot).key[1]).write_volatile(key[1]);
        (&raw mut (*slot).key[2]).write_volatile(key[2]);
        (&raw mut (*slot).key[3]).write_volatile(key[3]);
        (&raw mut (*slot).key[4]).write_volatile(key[4]);
    }
}
