//! Persistence: a client's new connection goes to the real server of its earlier ones. What remembers that is a
//! template, which lives while it has connections, and for its timeout after the last one was made.

use dray_abi::{Destination, Meta, ServiceOptions, Settings, Template};
use dray_packet::hash::Place;

use crate::{
    atomic,
    guest::Guest,
    maps,
    service::{self, ServicePort, Way},
    slot::Slot,
    stats,
    table::{self, Found},
};

/// The key of the packet's template, and where that belongs.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    key: [u64; 5],
    place: Place,
}

impl Wanted {
    /// The template of a packet to a service found by `way`, in which the persistence engine found a session (1 and a hash), or
    /// none (0).
    #[inline(always)]
    pub(crate) fn of(
        guest: &Guest,
        way: &Way,
        options: ServiceOptions,
        [has_session, first, second]: [u64; 3],
    ) -> Self {
        let [high, low] = guest.network(options.mask());
        // Without a session the hash is 0.
        let client = [high ^ first, low ^ second];
        let (vip, port, protocol) = match way.mark {
            0 => (guest.flow.vip_words, port(guest, way), guest.protocol),
            mark => (service::mark_words(mark), [0; 2], 0),
        };
        let [high, low] = port;
        let tail = u64::from_le_bytes([0, 0, high, low, protocol, has_session as u8, 0, 0]);
        let key = [client[0], client[1], vip[0], vip[1], tail];
        Self {
            key,
            place: Template::place(&key),
        }
    }
}

/// The virtual port of the template: the service's own, or 0 for services of every port and for FTP's.
#[inline(always)]
fn port(guest: &Guest, way: &Way) -> [u8; 2] {
    let [_, own] = guest.ports;
    if way.port == ServicePort::Own && guest.service_port() != service::FTP {
        own
    } else {
        [0; 2]
    }
}

/// The template, if there is one whose real server may be given. One whose may not is retired.
#[inline(always)]
pub(crate) fn find(wanted: &Wanted, settings: &Settings, tick: u32) -> Option<Found<Template>> {
    let found = table::find::<Template>(&wanted.key, wanted.place, tick)?;
    let destination = maps::DESTINATIONS.get(found.meta.destination())?;
    let expire_quiescent = settings.options & Settings::EXPIRE_QUIESCENT_TEMPLATE != 0;
    let gone = destination.flags & Destination::AVAILABLE == 0
        || expire_quiescent && destination.flags & Destination::QUIESCED != 0;
    if !gone {
        return Some(found);
    }
    let state = found.meta.state() | Meta::RETIRED;
    let retired = Meta::new(found.meta.over(), found.meta.destination(), state);
    // SAFETY: the word of a slot. If it has changed meanwhile, the next packet retires it.
    unsafe { atomic::replace(Template::meta(found.slot), found.meta.0, retired.0) };
    None
}

/// Makes a template for a destination; 0 without room, else its reference for [`adopt`].
#[inline(always)]
pub(crate) fn begin(
    wanted: &Wanted,
    options: ServiceOptions,
    settings: &Settings,
    tick: u32,
    destination: u32,
) -> u32 {
    let Some(claim) = table::claim::<Template>(wanted.place, tick) else {
        return 0;
    };
    let (slot, reference) = (claim.slot(), claim.reference());
    let timeout = options.ticks();
    // SAFETY: the slot is ours until it is published.
    unsafe {
        (&raw mut (*slot).timeout).write_volatile(timeout);
        (&raw mut (*slot).children).write_volatile(1);
    }
    let meta = Meta::new(tick.wrapping_add(timeout), destination, 0);
    claim.publish(&wanted.key, tick, meta);
    stats::begin_template(destination, settings);
    reference
}

/// Counts a new connection of a template that was found, which so lasts longer; 0 when it is no longer there, else its
/// reference.
#[inline(always)]
pub(crate) fn adopt(found: &Found<Template>, settings: &Settings, tick: u32) -> u32 {
    let slot = found.slot;
    // SAFETY: words of a slot, here and below. Counted first: with children it does not end.
    unsafe { atomic::add32(&raw mut (*slot).children, 1) };
    let degrades = settings.options & Settings::KEEP_TEMPLATE_TIMEOUT == 0;
    if degrades && found.meta.is_over(tick) {
        // SAFETY: as above.
        unsafe { (&raw mut (*slot).timeout).write_volatile(Template::RENEWAL) };
    }
    // SAFETY: as above.
    let timeout = unsafe { (&raw const (*slot).timeout).read_volatile() };
    let over = tick.wrapping_add(timeout);
    let meta = Meta::new(over, found.meta.destination(), found.meta.state());
    // SAFETY: as above.
    let kept = unsafe { atomic::replace(Template::meta(slot), found.meta.0, meta.0) };
    // SAFETY: as above.
    let now = Meta(unsafe { atomic::load(Template::meta(slot)) });
    // Another packet of the client may have done the same, or a connection of it been established.
    if kept || now.destination() == meta.destination() {
        return found.reference;
    }
    // SAFETY: as above.
    unsafe { atomic::add32(&raw mut (*slot).children, u32::MAX) };
    0
}

/// Notes that a connection of the template was established.
#[inline(always)]
pub(crate) fn assure(reference: u32) {
    dray_assure_template(reference);
}

/// Counts a connection of the template off.
#[inline(always)]
pub(crate) fn release(reference: u32) {
    dray_release_template(reference);
}

// As in `schedule.rs`: with a symbol, so that they are verified once.

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_assure_template(reference: u32) -> u32 {
    assure_here(reference);
    0
}

/// [`assure`] for a function that has a symbol itself.
#[inline(always)]
pub(crate) fn assure_here(reference: u32) {
    let Some(slot) = table::slot::<Template>(reference) else {
        return;
    };
    let word = Template::meta(slot);
    // SAFETY: the word of a slot.
    let meta = Meta(unsafe { atomic::load(word) });
    if meta.is_live() && meta.state() != Template::ASSURED {
        let assured = Meta::new(
            meta.over(),
            meta.destination(),
            Template::ASSURED | meta.flags(),
        );
        // SAFETY: as above. If it has changed meanwhile, the next connection assures it.
        unsafe { atomic::replace(word, meta.0, assured.0) };
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_release_template(reference: u32) -> u32 {
    release_here(reference);
    0
}

/// [`release`] for a function that has a symbol itself.
#[inline(always)]
pub(crate) fn release_here(reference: u32) {
    if let Some(slot) = table::slot::<Template>(reference) {
        // SAFETY: a word of a slot, which lives while it has children.
        unsafe { atomic::add32(&raw mut (*slot).children, u32::MAX) };
    }
}

/// Whether it was retired.
#[inline(always)]
pub(crate) fn is_hidden(meta: Meta) -> bool {
    meta.flags() & Meta::RETIRED != 0
}

/// Whether its time is over: never while it has connections.
///
/// # Safety
/// `slot` points to a slot of the table of templates.
#[inline(always)]
pub(crate) unsafe fn is_over(slot: *mut Template, meta: Meta, tick: u32) -> bool {
    // SAFETY: the caller's.
    let children = unsafe { (&raw const (*slot).children).read_volatile() };
    meta.is_over(tick) && children == 0
}

/// Counts a template off that is no more.
///
/// # Safety
/// `slot` points to the template's slot, which the caller has claimed.
#[inline(always)]
pub(crate) unsafe fn end(_slot: *mut Template, meta: Meta) {
    stats::end_template(meta.destination());
}
