//! FULLNAT's source addresses: which local address and port a new connection gets.
//!
//! Whether a pair is free only the connection table knows: the same pair may serve once for each real server and port. So a
//! connection tries candidates, which come from a keyed hash of the client's key, so that clients who do not know the table's
//! secret cannot aim at one.

use dray_abi::{LOCAL_ADDRESSES, Settings, Translation};

use crate::{constants, maps, service::words, slot::Slot as _};

/// How many candidates a connection tries.
pub(crate) const ATTEMPTS: u32 = 64;

/// Makes the candidate of that number what the translation's return packets go to. `None` if there are no local addresses.
#[inline(always)]
pub(crate) fn draw(slot: *mut Translation, attempt: u32, settings: &Settings) -> Option<()> {
    // SAFETY: the slot of a translation that is this packet's, here and below.
    let family = unsafe { (&raw const (*slot).server_family).read_volatile() };
    let (first, addresses) = if family == 4 {
        (0, settings.locals & 0xffff)
    } else {
        (LOCAL_ADDRESSES, settings.locals >> 16)
    };
    let (first_port, ports) = (settings.local_ports & 0xffff, settings.local_ports >> 16);
    let pairs = addresses.checked_mul(ports)?;
    // SAFETY: as above.
    let client: [u64; 5] = unsafe { (&raw const (*slot).client).read_volatile() };
    let place = Translation::place(&client);
    // A small pool is tried whole; in a large one strides of their own keep connections from queueing up behind each other.
    let stride = if pairs <= ATTEMPTS {
        1
    } else {
        place.other(pairs, &constants::hash_key().multipliers) | 1
    };
    let pair = place.home(pairs) as u64 + attempt as u64 * stride as u64;
    let pair = pair.checked_rem(pairs as u64)? as u32;
    let (index, port) = (pair.checked_div(ports)?, pair.checked_rem(ports)?);
    let [high, low] = words(*maps::LOCALS.get(first + index)?);
    let port = ((first_port + port) as u16).to_be() as u64;
    // SAFETY: as above.
    unsafe {
        let server = (&raw mut (*slot).server).cast::<u64>();
        let tail = if family == 4 {
            let real = server.read_volatile() & 0xffff_ffff;
            server.write_volatile(real | low >> 32 << 32);
            server.add(1)
        } else {
            server.add(2).write_volatile(high);
            server.add(3).write_volatile(low);
            server.add(4)
        };
        let others = tail.read_volatile() & !0xffff_0000;
        tail.write_volatile(others | port << 16);
    }
    Some(())
}
