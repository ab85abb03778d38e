//! What changes in a TCP header besides its ports: the maximum segment size that a SYN announces, and the option that tells
//! who the client is. Checksums as in [`rewrite`](super::rewrite).

use std::net::SocketAddr;

use dray_packet::TransportProtocol;

use super::rewrite::{change_header4, checksum, correct, header, padded, read16, write16};
use crate::{packet::mapped, way::ADDRESS_OPTION};

/// A header without options.
const FIXED: usize = 20;
/// The longest header with them.
const LONGEST: usize = 60;
/// Where in the header the checksum is.
const CHECKSUM: usize = 16;
/// And its length, in 32-bit words, in the high half of a byte.
const DATA_OFFSET: usize = 12;

/// Lowers what the SYN in the packet at `offset` announces to `limit` bytes (RFC 9293 section 3.7.1).
pub(super) fn clamp(bytes: &mut [u8], offset: usize, limit: u16) {
    let (packet, at) = header(bytes, offset);
    let length = offset + packet.length() as usize - at;
    let Some(value) = announced(&bytes[at..], length) else {
        return;
    };
    if read16(bytes, at + value) > limit {
        change(bytes, offset, (at, length), |bytes| {
            write16(bytes, at + value, limit);
            length
        });
    }
}

/// Where in the segment, which is `length` bytes long, the maximum segment size is.
fn announced(segment: &[u8], length: usize) -> Option<usize> {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const MAXIMUM_SEGMENT_SIZE: u8 = 2;
    let end = usize::from(segment[DATA_OFFSET] >> 4) * 4;
    if end > length {
        return None;
    }
    let mut at = FIXED;
    while at < end {
        match *segment.get(at)? {
            END => return None,
            NO_OPERATION => at += 1,
            kind => {
                let size = usize::from(*segment.get(at + 1)?);
                if size < 2 || at + size > end {
                    return None;
                }
                if kind == MAXIMUM_SEGMENT_SIZE {
                    let is_there = size == 4 && segment.len() >= at + size;
                    return is_there.then_some(at + 2);
                }
                at += size;
            }
        }
    }
    None
}

/// Tells in the packet at `offset` who the client is, behind the fixed header, if there is room for that: in the header, and in
/// a packet of `mtu` bytes. A fragment has none.
pub(super) fn tell(bytes: &mut Vec<u8>, offset: usize, client: SocketAddr, mtu: u32) {
    let (packet, at) = header(bytes, offset);
    let length = offset + packet.length() as usize - at;
    let address = mapped(client.ip());
    let address = if client.is_ipv4() {
        &address[12..]
    } else {
        &address[..]
    };
    let size = 4 + address.len();
    let mut option = vec![ADDRESS_OPTION, size as u8];
    option.extend(client.port().to_be_bytes());
    option.extend(address);
    let header_length = usize::from(bytes[at + DATA_OFFSET] >> 4) * 4;
    let longer = packet.length() + size as u32;
    if packet.more_fragments() || header_length + size > LONGEST || longer > mtu {
        return;
    }
    change(bytes, offset, (at, length), |bytes| {
        bytes[at + DATA_OFFSET] += (size as u8 / 4) << 4;
        bytes.splice(at + FIXED..at + FIXED, option);
        length + size
    });
    if packet.family() == 4 {
        change_header4(bytes, offset, |bytes| {
            write16(bytes, offset + 2, longer as u16);
        });
    } else {
        write16(bytes, offset + 4, longer as u16 - 40);
    }
}

/// Changes the segment that is at that place and so long, and its checksum; `how` gives how long it is then.
fn change<B: AsRef<[u8]> + AsMut<[u8]> + ?Sized>(
    bytes: &mut B,
    offset: usize,
    (at, length): (usize, usize),
    how: impl FnOnce(&mut B) -> usize,
) {
    let right = |bytes: &B, length| {
        let bytes = bytes.as_ref();
        let covered = padded(bytes, at, length);
        let protocol = Some(TransportProtocol::Tcp.number());
        checksum(bytes, offset, protocol, covered, CHECKSUM)
    };
    let before = right(bytes, length);
    let length = how(bytes);
    let after = right(bytes, length);
    correct(bytes.as_mut(), at + CHECKSUM, before, after);
}
