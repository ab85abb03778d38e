//! Translations: how a connection to a NAT or FULLNAT real server begins and ends. `dray_abi`'s `translation.rs` draws the three
//! entries that it has.
//!
//! They are published in the order translation, return slot, connection slot, so that whoever finds one finds those that it
//! names; and they end with the connection slot, whose last word on the connection is the compare-and-swap of its meta word.

mod answers;
pub(crate) mod slot;

use dray_abi::{Destination, Features, Hop, Meta, Reason, Slot4, Slot6, Translation};
use dray_packet::{ipv4, ipv6};

use crate::{
    atomic, connection, constants,
    family::Packet,
    local, maps, open,
    schedule::{self, Chosen},
    send,
    service::words,
    slot::Slot,
    table::{self, Claim},
    template,
    translate::{Sense, unsendable},
};

use answers::{FULL, TAKEN, free_answers};
pub(crate) use answers::{answer, is_alone, reap};

/// Whether the director has real servers whose packets get other addresses.
#[inline(always)]
pub(crate) fn is_wanted() -> bool {
    constants::features() & Features::TRANSLATION != 0
}

/// Whether a slot of a connection table is one of a translated connection's two.
#[inline(always)]
pub(crate) fn has(meta: Meta) -> bool {
    // The bit first: it costs less to look at than the constant, of which the verifier leaves the load.
    meta.flags() & Meta::TRANSLATED != 0 && is_wanted()
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
            answer_by::<ipv4::Packet>(reference, is_drawn)
        } else {
            answer_by::<ipv6::Packet>(reference, is_drawn)
        };
        match answers {
            TAKEN if is_drawn => continue,
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

/// What [`answer`], [`reap`] and [`is_alone`] do one after another.
#[inline(always)]
fn answer_by<P: Packet>(reference: u32, is_drawn: bool) -> u32 {
    let mut answers = P::answer(reference, is_drawn as u32);
    if !is_drawn {
        return answers;
    }
    if answers == TAKEN && P::reap(reference) != 0 {
        answers = P::answer(reference, 1);
    }
    if answers != TAKEN && answers != FULL && P::is_alone(reference, answers) == 0 {
        return TAKEN;
    }
    answers
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
        free_answers::<Slot4>(answers, reference);
    } else {
        free_answers::<Slot6>(answers, reference);
    }
    // SAFETY: as above.
    unsafe { atomic::store(Translation::meta(slot), Meta::FREE.0) };
    template::release_here(template);
    0
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
