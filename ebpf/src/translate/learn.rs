//! What packets of a translated connection tell of it.

use aya_ebpf::programs::XdpContext;
use dray_abi::{Meta, Settings, Translation};
use dray_packet::{ethernet::Addresses, state::State};

use super::{Sides, Translated};
use crate::{
    atomic,
    connection::{self, Event},
    constants, frame,
    link::Link,
    maps,
    slot::ConnectionSlot,
    table::{self, Seen},
};

/// Where a client's packet came from: its replies go there.
#[inline(always)]
pub(super) fn last_hop(context: &XdpContext, link: &Link, slot: *mut Translation) {
    let Some(addresses) = frame(context).part::<{ size_of::<Addresses>() }>(0) else {
        return;
    };
    let [low, high] = [
        addresses.load::<6, u32>(),
        addresses.load::<10, u16>().into(),
    ];
    let hop = low as u64 | (high as u64) << 32 | (link.vlan() as u64) << 48;
    let port = constants::port();
    // SAFETY: words of a translation's slot. Written only when they change, which is rare, because packets on other processors
    // read the line.
    unsafe {
        let (known_hop, known_port) = (&raw mut (*slot).last_hop, &raw mut (*slot).last_port);
        if known_hop.read_volatile() != hop || known_port.read_volatile() != port {
            known_port.write_volatile(port);
            known_hop.write_volatile(hop);
        }
    }
}

/// The same for a packet that somebody on the way made, as long as none of the client's has told.
#[inline(always)]
pub(super) fn first_hop(context: &XdpContext, link: &Link, slot: *mut Translation) {
    // SAFETY: a word of a translation's slot.
    if unsafe { (&raw const (*slot).last_hop).read_volatile() } == 0 {
        last_hop(context, link, slot);
    }
}

/// Notes a real server's packet in the connection that it is a reply of, whose slot is an `S`, and gives its destination.
#[inline(always)]
pub(super) fn reply<P: Translated, S: ConnectionSlot>(
    packet: &P,
    sides: &Sides,
    reference: u32,
    tick: u32,
) -> Option<u32> {
    // SAFETY: slots of their tables, here and below.
    let connection = unsafe {
        if !packet.is_at(sides.own) {
            return None;
        }
        (&raw const (*sides.slot).connection).read_volatile()
    };
    let slot = table::slot::<S>(connection)?;
    // SAFETY: as above.
    let (meta, named) = unsafe { (Meta(atomic::load(S::meta(slot))), S::template(slot)) };
    if !connection::is_of(meta, named, reference) || meta.is_over(tick) {
        return None;
    }
    let settings = &maps::port().ok()?.settings;
    let seen = Seen { slot, meta };
    let event = Event::of(packet);
    let state = connection::next_state(event, settings, Settings::OUTPUT, meta.state());
    connection::refresh(&seen, settings, tick, state, meta.flags());
    if state == State::Udp as u8 {
        connection::assure(&seen, meta.flags());
    }
    Some(meta.destination())
}

/// What a client acknowledges that has heard of the real server no more than the SYN at hand: its packets can take an address option.
#[inline(always)]
pub(super) fn sequence_number<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    slot: *mut Translation,
) {
    /// Offset of the sequence number in a TCP header.
    const SEQUENCE: usize = 4;
    let Some(sequence) = frame(context).read::<[u8; 4]>(packet.upper(link.offset()) + SEQUENCE)
    else {
        return;
    };
    // SAFETY: words of a translation's slot.
    unsafe {
        let next = u32::from_be_bytes(sequence).wrapping_add(1);
        (&raw mut (*slot).acknowledged).write_volatile(next);
        (&raw mut (*slot).flags).write_volatile(Translation::TELLS_ADDRESS);
    }
}
