//! Replies of real servers that the host routes: with direct routing they leave unchanged, but tell what became of
//! the connection.

use dray_abi::{Meta, Settings};
use dray_packet::state::State;

use crate::{
    connection::{self, Event},
    family::Packet,
    maps,
    open::{self, Arrival},
    slot::Slot as _,
    stats, table,
};

/// Whether the packet that waits is a real server's to a client, of a connection that is known; if so it is noted.
/// An ICMP error of a real server's is counted, but says nothing of the connection.
#[inline(always)]
pub(crate) fn note<P: Packet>() -> bool {
    let (Ok(arrival), Ok(port)) = (open::arrival::<P>(), maps::port()) else {
        return false;
    };
    let Arrival { packet, tick, .. } = *arrival;
    // The host does not route it on, so that Linux would not have seen it pass. (Of an error, this is the quoted packet.)
    if arrival.is_error == 0 && packet.hops_left() <= 1 {
        return false;
    }
    let key = P::turned(packet.key());
    let place = P::Slot::place(&key);
    let Some(found) = table::find::<P::Slot>(&key, place, tick) else {
        return false;
    };
    // Replies of translated connections come from the real server's own address, and are found before.
    if found.meta.flags() & Meta::TRANSLATED != 0 {
        return false;
    }
    stats::count_reply(found.meta.destination(), u64::from(packet.length()));
    if arrival.is_error != 0 {
        return true;
    }
    let settings = &port.settings;
    let event = Event::of(&packet);
    let state = connection::next_state(event, settings, Settings::OUTPUT, found.meta.state());
    let flags = found.meta.flags() | Meta::REPLIED;
    connection::refresh(&found.seen(), settings, tick, state, flags);
    if state == State::Udp as u8 {
        connection::assure(&found.seen(), flags);
    }
    true
}
