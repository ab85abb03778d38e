//! What the two IP parsers have in common: the transport header and why a packet is not one to balance.

use crate::{Frame, frame::Part, sctp};

/// Protocols that can be balanced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportProtocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 9260.
    Sctp,
}

impl TransportProtocol {
    /// The number in the IP header.
    #[inline(always)]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// The protocol of that number.
    #[inline(always)]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            132 => Some(Self::Sctp),
            _ => None,
        }
    }
}

/// Why a packet is not one to balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The frame or the packet ends inside the headers, or an IP header makes no sense.
    Truncated,
    /// It is a fragment other than the first, so that it has no ports.
    Fragment,
    /// It is neither TCP, UDP nor SCTP.
    OtherProtocol,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upper {
    /// Its number in the IP header.
    pub protocol: u8,
    /// Where in the frame it starts.
    pub offset: usize,
}

/// An SCTP chunk's type is at its start, its length, padding not counted, two bytes further.
const CHUNK_HEADER: usize = 4;

/// A first chunk longer than this is not looked behind.
const LONGEST_CHUNK: usize = 0x2000;

/// Ports and protocol as the connection table's key has them (client's port, service's port, as they lie in the
/// packet, then the protocol's number), and TCP's flags or SCTP's event. The packet ends at `end`.
#[inline(always)]
pub(crate) fn transport(
    frame: &Frame<'_>,
    offset: usize,
    end: usize,
    protocol: TransportProtocol,
) -> Result<(u64, u8), Refusal> {
    match protocol {
        TransportProtocol::Tcp => {
            let header = fixed::<20>(frame, offset, end)?;
            Ok((
                tail(header.load::<0, u32>(), protocol.number()),
                header.load::<13, u8>(),
            ))
        }
        TransportProtocol::Udp => {
            let header = fixed::<8>(frame, offset, end)?;
            Ok((tail(header.load::<0, u32>(), protocol.number()), 0))
        }
        TransportProtocol::Sctp => {
            let header = fixed::<12>(frame, offset, end)?;
            let event = sctp_event(frame, offset + 12, end);
            Ok((tail(header.load::<0, u32>(), protocol.number()), event))
        }
    }
}

/// The fixed part of a transport header, in a packet that ends at `end`.
#[inline(always)]
fn fixed<'a, const N: usize>(
    frame: &Frame<'a>,
    offset: usize,
    end: usize,
) -> Result<Part<'a, N>, Refusal> {
    if end < offset + N {
        return Err(Refusal::Truncated);
    }
    frame.part(offset).ok_or(Refusal::Truncated)
}

/// The last word of a key.
#[inline(always)]
pub(crate) const fn tail(ports: u32, protocol: u8) -> u64 {
    ports as u64 | (protocol as u64) << 32
}

/// The ports in such a word: the client's and the service's, each as it lies in the packet.
#[inline(always)]
pub(crate) const fn ports(word: u64) -> [[u8; 2]; 2] {
    let [a, b, c, d] = (word as u32).to_le_bytes();
    [[a, b], [c, d]]
}

/// The protocol in such a word; UDP for one that is none of the three.
#[inline(always)]
pub(crate) const fn protocol(word: u64) -> TransportProtocol {
    const TCP: u64 = TransportProtocol::Tcp.number() as u64;
    const SCTP: u64 = TransportProtocol::Sctp.number() as u64;
    match word >> 32 {
        TCP => TransportProtocol::Tcp,
        SCTP => TransportProtocol::Sctp,
        _ => TransportProtocol::Udp,
    }
}

/// The event of the chunks that start at `offset`, of which IPVS looks at one, and behind a cookie at two.
#[inline(always)]
fn sctp_event(frame: &Frame<'_>, offset: usize, end: usize) -> u8 {
    let Some([chunk_type, length]) = chunk(frame, offset, end) else {
        return sctp::NO_CHUNK;
    };
    let event = sctp::event(chunk_type as u8);
    if !sctp::may_end_in_abort(event) || !(CHUNK_HEADER..=LONGEST_CHUNK).contains(&length) {
        return event;
    }
    // The verifier has lost the bound on the length, and the compiler would drop a mask that it knows to change nothing.
    let length = core::hint::black_box(length.next_multiple_of(4)) & (2 * LONGEST_CHUNK - 1);
    match chunk(frame, offset + length, end) {
        Some([second, _]) if sctp::event(second as u8) == sctp::ABORT => sctp::ABORT,
        _ => event,
    }
}

/// Type and length of the chunk at `offset`.
#[inline(always)]
fn chunk(frame: &Frame<'_>, offset: usize, end: usize) -> Option<[usize; 2]> {
    if end < offset + CHUNK_HEADER {
        return None;
    }
    let [chunk_type, _, high, low]: [u8; CHUNK_HEADER] = frame.read(offset)?;
    Some([
        chunk_type as usize,
        u16::from_be_bytes([high, low]) as usize,
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An SCTP packet of these chunks: type and length; each gets so many bytes, padded to a multiple of four.
    fn sctp_packet(chunks: &[(u8, u16)]) -> Vec<u8> {
        let mut bytes = vec![0x9c, 0x40, 0x0b, 0x59, 0, 0, 0, 0, 0, 0, 0, 0];
        for (chunk_type, length) in chunks {
            let [high, low] = length.to_be_bytes();
            bytes.extend([*chunk_type, 0, high, low]);
            bytes.resize(
                bytes.len() + usize::from(*length).max(4).next_multiple_of(4) - 4,
                0,
            );
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(u64, u8), Refusal> {
        let mut bytes = bytes.to_vec();
        let end = bytes.len();
        let frame = Frame::from(&mut bytes[..]);
        transport(&frame, 0, end, TransportProtocol::Sctp)
    }

    fn event_of(chunks: &[(u8, u16)]) -> u8 {
        read(&sctp_packet(chunks)).unwrap().1
    }

    #[test]
    fn the_first_chunk_is_the_event() {
        assert_eq!(event_of(&[(1, 20)]), sctp::INIT);
        assert_eq!(event_of(&[(3, 16), (6, 4)]), sctp::DATA);
        assert_eq!(event_of(&[(0xc0, 4)]), sctp::DATA);
        assert_eq!(event_of(&[]), sctp::NO_CHUNK);
    }

    #[test]
    fn an_abort_behind_a_cookie_is_the_event_wherever_padding_puts_it() {
        for cookie in [10, 11] {
            for length in 4..40 {
                assert_eq!(event_of(&[(cookie, length), (6, 4)]), sctp::ABORT);
            }
        }
        assert_eq!(event_of(&[(10, 8), (0, 16), (6, 4)]), sctp::COOKIE_ECHO);
        assert_eq!(event_of(&[(11, 4)]), sctp::COOKIE_ACK);
        assert_eq!(event_of(&[(11, 3), (6, 4)]), sctp::COOKIE_ACK);
    }

    #[test]
    fn what_lies_behind_the_packets_end_is_not_read() {
        let mut bytes = sctp_packet(&[(10, 8), (6, 4)]);
        let whole = bytes.len();
        let frame = Frame::from(&mut bytes[..]);
        let event =
            |end| transport(&frame, 0, end, TransportProtocol::Sctp).map(|(_, event)| event);
        assert_eq!(event(whole), Ok(sctp::ABORT));
        assert_eq!(event(whole - 1), Ok(sctp::COOKIE_ECHO));
        assert_eq!(event(15), Ok(sctp::NO_CHUNK));
        assert_eq!(event(11), Err(Refusal::Truncated));
    }

    #[test]
    fn the_key_has_ports_and_protocol_and_three_zero_bytes() {
        let (tail, _) = read(&sctp_packet(&[(1, 20)])).unwrap();
        assert_eq!(tail.to_le_bytes(), [0x9c, 0x40, 0x0b, 0x59, 132, 0, 0, 0]);
        assert_eq!(protocol(tail), TransportProtocol::Sctp);
        assert_eq!(ports(tail), [[0x9c, 0x40], [0x0b, 0x59]]);
    }

    #[test]
    fn every_protocol_is_found_by_its_number_and_in_a_key() {
        for known in [
            TransportProtocol::Tcp,
            TransportProtocol::Udp,
            TransportProtocol::Sctp,
        ] {
            assert_eq!(TransportProtocol::from_number(known.number()), Some(known));
            assert_eq!(protocol(tail(0xffff_ffff, known.number())), known);
        }
        assert_eq!(TransportProtocol::from_number(1), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_read_past_the_end(bytes in prop::collection::vec(any::<u8>(), 0..100), number in 0..3usize) {
            let protocols = [TransportProtocol::Tcp, TransportProtocol::Udp, TransportProtocol::Sctp];
            let mut bytes = bytes;
            let end = bytes.len();
            let _ = transport(&Frame::from(&mut bytes[..]), 0, end, protocols[number]);
        }
    }
}
