//! Translations: how a connection to a NAT or FULLNAT real server begins and ends. `dray_abi`'s `translation.rs` draws the three
//! entries that it has.
//!
//! They are published in the order translation, return slot, connection slot, so that whoever finds one finds those that it
//! names; and they end with the connection slot, whose last word on the connection is the compare-and-swap of its meta word.

use dray_abi::{Destination, Features, Hop, Meta, Reason, Translation, TranslationBucket};
use dray_packet::{hash::Place, ipv4, ipv6};

use crate::{
    atomic, connection, constants,
    family::{ConnectionSlot, Packet},
    local, maps, open,
    schedule::{self, Chosen},
    send,
    service::words,
    slot::Slot,
    table::{self, Claim},
    template,
    translate::{Sense, unsendable},
};

/// Whether the director has real servers whose packets get other addresses.
#[inline(always)]
pub(crate) fn is_wanted() -> bool {
    constants::features() & Features::TRANSLATION != 0
}

/// Whether a slot of a connection table is one of a translated connection's two.
#[inline(always)]
pub(crate) fn has(meta: Meta) -> bool {
    is_wanted() && meta.flags() & Meta::TRANSLATED != 0
}

/// Whether packets for the destination get other addresses.
#[inline(always)]
pub(crate) fn is_for(destination: u32) -> bool {
    const METHODS: [u16; 2] = [Destination::NAT, Destination::FULLNAT];
    is_wanted()
        && maps::destination(destination)
            .is_ok_and(|destination| METHODS.contains(&destination.method()))
}

/// A connection to be whose translation has to be made first.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    /// 1 + the place of the slot that was claimed for it; 0 for none, because it ends with its first packet.
    connection: u32,
    /// 0 when there is nothing to be done.
    destination: u32,
    template: u32,
}

impl Pending {
    pub(crate) const NONE: Self = Self {
        connection: 0,
        destination: 0,
        template: 0,
    };
}

/// Lets a connection wait for [`begin`].
#[inline(always)]
pub(crate) fn wait(connection: u32, chosen: Chosen) -> Result<(), Reason> {
    let scratch = maps::scratch()?;
    let pending = Pending {
        connection,
        destination: chosen.destination,
        template: chosen.template,
    };
    // SAFETY: the processor's own memory, and it has one packet in hand at a time, here and below.
    unsafe { (&raw mut (*scratch).pending).write(pending) };
    Ok(())
}

#[inline(always)]
fn pending() -> Result<Pending, Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    Ok(unsafe { (*scratch).pending })
}

/// Begins the connection that waits, if there is one: makes its translation and its return slot, and publishes it.
#[inline(always)]
pub(crate) fn begin<P: Packet>() -> Result<(), Reason> {
    if pending()?.destination != 0 {
        P::translate().decode()?;
    }
    Ok(())
}

/// Ends the translation of a connection that has ended.
#[inline(always)]
pub(crate) fn end(reference: u32) {
    dray_end_translation(reference);
}

/// Tells the template of the translation's connection that a connection of it was established.
#[inline(always)]
pub(crate) fn assure_template(reference: u32) {
    dray_assure_translated(reference);
}

/// Makes the translation and the return slot of the connection that waits and publishes it; gives the translation's reference. What
/// takes memory is done by functions of their own, one after another.
#[inline(always)]
pub(crate) fn make<P: Packet>() -> Result<u32, Reason> {
    let pending = pending()?;
    let made = P::prepare().decode().and_then(give_answers);
    match made {
        Ok(translation) => {
            let scratch = maps::scratch()?;
            // SAFETY: as above.
            unsafe { (*scratch).sense = Sense::forward(translation) };
            if pending.connection != 0 {
                P::publish(translation);
            }
        }
        Err(_) => {
            if let Some(claim) = Claim::<P::Slot>::of_reference(pending.connection) {
                claim.give_back();
                template::release(pending.template);
            }
        }
    }
    made
}

/// Finds a translation a return slot; without one it is freed.
#[inline(always)]
fn give_answers(reference: u32) -> Result<u32, Reason> {
    if reference == Sense::ONE_PACKET {
        return Ok(reference);
    }
    let slot = table::slot::<Translation>(reference).ok_or(Reason::TranslationsFull)?;
    // SAFETY: the slot of a translation that is this packet's.
    let (family, destination) = unsafe {
        let meta = Meta(atomic::load(Translation::meta(slot)));
        let family = (&raw const (*slot).server_family).read_volatile();
        (family, maps::destination(meta.destination())?)
    };
    let is_drawn = destination.method() == Destination::FULLNAT;
    let mut reason = Reason::PortsExhausted;
    for attempt in 0..local::ATTEMPTS {
        if is_drawn && dray_draw(reference, attempt) == 0 {
            break;
        }
        let answers = if family == 4 {
            ipv4::Packet::answer(reference, is_drawn as u32)
        } else {
            ipv6::Packet::answer(reference, is_drawn as u32)
        };
        match answers {
            TAKEN if is_drawn => continue,
            TAKEN | FULL => {}
            _ if !is_drawn => {}
            _ if family == 4 && ipv4::Packet::is_alone(reference, answers) != 0 => {}
            _ if family != 4 && ipv6::Packet::is_alone(reference, answers) != 0 => {}
            _ => continue,
        }
        match answers {
            // A connection of another service's has it: the client is a VIP.
            TAKEN => reason = Reason::Hairpin,
            FULL => reason = Reason::TranslationsFull,
            _ => return Ok(reference),
        }
        break;
    }
    // SAFETY: as above; nothing names it.
    unsafe { atomic::store(Translation::meta(slot), Meta::FREE.0) };
    Err(reason)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_draw(reference: u32, attempt: u32) -> u32 {
    let (Some(slot), Ok(port)) = (table::slot::<Translation>(reference), maps::port()) else {
        return 0;
    };
    local::draw(slot, attempt, &port.settings).is_some() as u32
}

/// Makes the connection that waits one that packets find.
#[inline(always)]
pub(crate) fn publish<P: Packet>(translation: u32) -> bool {
    let (Ok(pending), Ok(arrival), Ok(port)) = (pending(), open::arrival::<P>(), maps::port())
    else {
        return false;
    };
    let chosen = Chosen {
        destination: pending.destination,
        template: pending.template,
    };
    let Some(claim) = Claim::of_reference(pending.connection) else {
        return false;
    };
    connection::begin(claim, arrival, &port.settings, chosen, translation);
    true
}

/// Makes the translation of the connection that waits, without a return slot, and gives its reference. A NAT connection's return
/// key is known then, of a FULLNAT one the local address is missing. For a connection that ends with its first packet nothing
/// is made but the key.
#[inline(always)]
pub(crate) fn prepare<P: Packet>() -> Result<u32, Reason> {
    let Pending {
        connection,
        destination: number,
        template,
    } = pending()?;
    let arrival = open::arrival::<P>()?;
    let destination = maps::destination(number)?;
    if destination.hop == 0 {
        return Err(unsendable(destination));
    }
    let hop = send::hop(destination)?;
    let full = destination.method() == Destination::FULLNAT;
    let client = arrival.packet.client_words();
    let real = words(hop.real);
    let family = family_of(real);
    if !full {
        if family != P::FAMILY {
            return Err(Reason::OtherFamily);
        }
        if is_hairpin(client, real, hop) {
            return Err(Reason::Hairpin);
        }
    }
    let [client_port, own_port] = arrival.packet.ports();
    let port = if destination.port != [0; 2] && schedule::visit()?.gives_port() {
        destination.port
    } else {
        own_port
    };
    let ports = [port[0], port[1], client_port[0], client_port[1]];
    let protocol = arrival.packet.protocol().number();
    let tail = u32::from_le_bytes(ports) as u64 | (protocol as u64) << 32;
    let key = if family == 4 {
        [real[1] >> 32 | client[1] >> 32 << 32, tail, 0, 0, 0]
    } else {
        [real[0], real[1], client[0], client[1], tail]
    };
    if connection == 0 {
        if full {
            // Its answers could not be told from others'.
            return Err(Reason::NoTranslation);
        }
        let scratch = maps::scratch()?;
        // SAFETY: the processor's own memory, and it has one packet in hand at a time.
        unsafe { (&raw mut (*scratch).key).write_volatile(key) };
        return Ok(Sense::ONE_PACKET);
    }
    let claim = table::claim::<Translation>(arrival.place, arrival.tick);
    let claim: Claim<Translation> = claim.ok_or(Reason::TranslationsFull)?;
    let (slot, reference) = (claim.slot(), claim.reference());
    // SAFETY: the slot is ours until it is published.
    unsafe {
        (&raw mut (*slot).server).write_volatile(key);
        (&raw mut (*slot).last_hop).write_volatile(0);
        (&raw mut (*slot).connection).write_volatile(connection);
        (&raw mut (*slot).answers).write_volatile(0);
        (&raw mut (*slot).template).write_volatile(template);
        (&raw mut (*slot).client_family).write_volatile(P::FAMILY);
        (&raw mut (*slot).server_family).write_volatile(family);
        (&raw mut (*slot).flags).write_volatile(0);
    }
    let meta = Meta::new(arrival.tick, number, 0);
    claim.publish(&arrival.packet.words(), arrival.tick, meta);
    Ok(reference)
}

/// Another has the return key.
const TAKEN: u32 = 0;
/// There is no room for the return slot.
const FULL: u32 = u32::MAX;

/// Gives the translation a return slot, which is of family `P`: 1 + its place. One whose key was drawn has to be the only one.
#[inline(always)]
pub(crate) fn answer<P: Packet>(reference: u32, drawn: bool) -> u32 {
    let Some(slot) = table::slot::<Translation>(reference) else {
        return FULL;
    };
    // SAFETY: the slot of a translation that is this packet's, here and below.
    let (key, tick, destination) = unsafe {
        let key = P::load(&raw const (*slot).server);
        let meta = Meta(atomic::load(Translation::meta(slot)));
        (key, meta.over(), meta.destination())
    };
    let place = P::Slot::place(&key);
    let mut over = tick.wrapping_add(Meta::RETURN_TIME);
    let claim = match table::find::<P::Slot>(&key, place, tick) {
        // The newest connection gets the answers.
        Some(found) if !drawn && found.meta.state() == Meta::RETURN => {
            // The word must not become what it was: the old connection may be about to free the slot.
            let next = found.meta.over().wrapping_add(1);
            if next.wrapping_sub(over) as i32 > 0 {
                over = next;
            }
            match table::claim_found(&found, tick) {
                Some(claim) => claim,
                None => return TAKEN,
            }
        }
        Some(_) => return TAKEN,
        None => match table::claim::<P::Slot>(place, tick) {
            Some(claim) => claim,
            None => return FULL,
        },
    };
    let answers = claim.reference();
    let meta = Meta::new(over, destination, Meta::RETURN | Meta::TRANSLATED);
    // SAFETY: as above, and the return slot is ours until it is published.
    unsafe {
        (&raw mut (*slot).answers).write_volatile(answers);
        P::Slot::set_template(claim.slot(), reference);
    }
    claim.publish(&key, tick, meta);
    answers
}

/// Whether the translation's return slot is the only one of its key. Two that drew the same key at the same moment both see each
/// other here, and both give way.
#[inline(always)]
pub(crate) fn is_alone<P: Packet>(reference: u32, answers: u32) -> bool {
    let (Some(slot), Some(own)) = (
        table::slot::<Translation>(reference),
        table::slot::<P::Slot>(answers),
    ) else {
        return false;
    };
    // SAFETY: the slot of a translation that is this packet's, here and below.
    let key = unsafe { P::load(&raw const (*slot).server) };
    if !table::has_another::<P::Slot>(&key, P::Slot::place(&key), answers) {
        return true;
    }
    // SAFETY: as above.
    unsafe {
        let meta = atomic::load(P::Slot::meta(own));
        if P::Slot::template(own) == reference {
            atomic::replace(P::Slot::meta(own), meta, Meta::FREE.0);
        }
    }
    false
}

/// The family of an address, 4 or 6.
#[inline(always)]
fn family_of([high, low]: [u64; 2]) -> u8 {
    const MAPPED: u32 = 0xffff_0000;
    if high == 0 && low as u32 == MAPPED {
        4
    } else {
        6
    }
}

/// Whether the real server would answer the client past the director.
#[inline(always)]
fn is_hairpin(client: [u64; 2], real: [u64; 2], hop: &Hop) -> bool {
    let length = if hop.shared == 0 { 128 } else { hop.shared };
    let [high, low] = crate::guest::prefix(length as u32);
    (client[0] ^ real[0]) & high == 0 && (client[1] ^ real[1]) & low == 0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_end_translation(reference: u32) -> u32 {
    let Some(slot) = table::slot::<Translation>(reference) else {
        return 0;
    };
    // SAFETY: the slot of a translation that lives until its connection frees it, which is here.
    let (answers, family, template) = unsafe {
        (
            (&raw const (*slot).answers).read_volatile(),
            (&raw const (*slot).server_family).read_volatile(),
            (&raw const (*slot).template).read_volatile(),
        )
    };
    if family == 4 {
        free_answers::<dray_abi::Slot4>(answers, reference);
    } else {
        free_answers::<dray_abi::Slot6>(answers, reference);
    }
    // SAFETY: as above.
    unsafe { atomic::store(Translation::meta(slot), Meta::FREE.0) };
    template::release_here(template);
    0
}

/// Frees a return slot, unless it has come to another translation.
#[inline(always)]
fn free_answers<S: ConnectionSlot>(answers: u32, reference: u32) {
    let Some(slot) = table::slot::<S>(answers) else {
        return;
    };
    // SAFETY: a slot of the table.
    unsafe {
        let meta = Meta(atomic::load(S::meta(slot)));
        let is_return = meta.state() == Meta::RETURN && meta.flags() & Meta::TRANSLATED != 0;
        if is_return && S::template(slot) == reference {
            atomic::replace(S::meta(slot), meta.0, Meta::FREE.0);
        }
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_assure_translated(reference: u32) -> u32 {
    if let Some(slot) = table::slot::<Translation>(reference) {
        // SAFETY: a word of a slot.
        template::assure_here(unsafe { (&raw const (*slot).template).read_volatile() });
    }
    0
}

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
