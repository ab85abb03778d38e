//! Return slots: where a real server's packets find their connection.

use dray_abi::{Meta, Slot4, Slot6, Translation};
use dray_packet::translate::Changes;

use crate::{
    atomic, connection,
    family::Packet,
    slot::{ConnectionSlot, Slot},
    table,
};

/// Another has the return key.
pub(super) const TAKEN: u32 = 0;
/// There is no room for the return slot.
pub(super) const FULL: u32 = u32::MAX;

/// Gives the translation a return slot, which is of family `P`: 1 + its place. One whose key was drawn has to be the only one.
#[inline(always)]
pub(crate) fn answer<P: Packet>(reference: u32, drawn: bool) -> u32 {
    let Some(slot) = table::slot::<Translation>(reference) else {
        return FULL;
    };
    // SAFETY: the slot of a translation that is this packet's, here and below.
    let (key, tick, destination) = unsafe {
        keep_changes(slot);
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

/// Keeps what the checksums of the connection's packets change by, now that both its keys are known.
///
/// # Safety
/// `slot` is that of a translation that is this packet's.
#[inline(always)]
unsafe fn keep_changes(slot: *mut Translation) {
    // SAFETY: the caller's.
    unsafe {
        let client = (&raw const (*slot).client).read_volatile();
        let server = (&raw const (*slot).server).read_volatile();
        let changes = Changes::between(&client, &server);
        (&raw mut (*slot).changes).write_volatile(changes.bits());
    }
}

/// Ends the connection that has the translation's return key, if its time is over: nobody may have swept it for long.
#[inline(always)]
pub(crate) fn reap<P: Packet>(reference: u32) -> bool {
    let Some(slot) = table::slot::<Translation>(reference) else {
        return false;
    };
    // SAFETY: the slot of a translation that is this packet's.
    let (key, tick) = unsafe {
        (
            P::load(&raw const (*slot).server),
            (&raw const (*slot).since).read_volatile(),
        )
    };
    let Some(found) = table::find::<P::Slot>(&key, P::Slot::place(&key), tick) else {
        return false;
    };
    let named = connection::named(&found.seen());
    let Some(other) = table::slot::<Translation>(named) else {
        return false;
    };
    // SAFETY: the slot of a translation.
    let (connection, family) = unsafe {
        (
            (&raw const (*other).connection).read_volatile(),
            (&raw const (*other).client_family).read_volatile(),
        )
    };
    found.meta.state() == Meta::RETURN
        && if family == 4 {
            connection::end_if_over::<Slot4>(connection, named, tick)
        } else {
            connection::end_if_over::<Slot6>(connection, named, tick)
        }
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

/// Frees a return slot, unless it has come to another translation.
#[inline(always)]
pub(super) fn free_answers<S: ConnectionSlot>(answers: u32, reference: u32) {
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
