//! ICMP errors about connections (RFC 792, RFC 4443). An error quotes the packet that it is about, which a real server sent:
//! reversed, its addresses and ports are the key that the client's packets have.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Frame, Refusal, TransportProtocol, ipv4, ipv6, segment};

/// Number of ICMP in the IPv4 header.
pub const ICMP: u8 = 1;
/// Number of ICMPv6.
pub const ICMPV6: u8 = 58;

/// The header of a message, as it lies in the packet.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub struct Header {
    /// The message's type.
    pub kind: u8,
    /// What it says more precisely.
    pub code: u8,
    /// Checksum of the message, with ICMPv6 of a pseudo-header too.
    pub checksum: [u8; 2],
    /// By type: the MTU, say.
    pub rest: [u8; 4],
}

/// Destination unreachable.
const UNREACHABLE: u8 = 3;
/// Source quench.
const SOURCE_QUENCH: u8 = 4;
/// Time exceeded.
const TIME_EXCEEDED: u8 = 11;
/// ICMPv6's types from here on are no errors.
const INFORMATIONAL: u8 = 128;

/// Reads the ICMP error in the packet at `offset`. What it gives stands for the error as if a client had sent it: its key is
/// that of the connection, all else is the error's own packet's. It has no flags.
///
/// # Errors
/// [`Refusal::OtherProtocol`] when it is no error about TCP, UDP or SCTP that IPVS would relay (types 3, 4 and 11), or about
/// a later fragment, which has no ports; [`Refusal::Fragment`] when it is a fragment itself; else [`Refusal::Truncated`].
#[inline(always)]
pub fn parse4(frame: &Frame<'_>, offset: usize) -> Result<ipv4::Packet, Refusal> {
    let (outer, upper) = ipv4::header(frame, offset)?;
    if upper.protocol != ICMP {
        return Err(Refusal::OtherProtocol);
    }
    if outer.more_fragments() || outer.is_later_fragment() {
        return Err(Refusal::Fragment);
    }
    let message: Header = frame.read(upper.offset).ok_or(Refusal::Truncated)?;
    if !matches!(message.kind, UNREACHABLE | SOURCE_QUENCH | TIME_EXCEEDED) {
        return Err(Refusal::OtherProtocol);
    }
    let quote = upper.offset + size_of::<Header>();
    let (inner, carried) = ipv4::header(frame, quote)?;
    if inner.is_later_fragment() || TransportProtocol::from_number(carried.protocol).is_none() {
        return Err(Refusal::OtherProtocol);
    }
    let ports = ports(frame, carried.offset, offset + outer.length as usize)?;
    Ok(ipv4::Packet {
        key: [
            inner.key[0].rotate_left(32),
            segment::tail(ports, carried.protocol),
        ],
        ..outer
    })
}

/// Reads the ICMPv6 error in the packet at `offset`, likewise.
///
/// # Errors
/// [`Refusal::OtherProtocol`] when it is no error (types below 128) about TCP, UDP or SCTP, or about a later fragment;
/// [`Refusal::Fragment`] when it is an error behind a Fragment header, which IPVS drops; else [`Refusal::Truncated`].
#[inline(always)]
pub fn parse6(frame: &Frame<'_>, offset: usize) -> Result<ipv6::Packet, Refusal> {
    parse6_by(frame, offset, |walk| walk.through(frame))
}

/// The same; `drive` drives a walk over extension headers to its end.
///
/// # Errors
/// As for [`parse6`].
#[inline(always)]
pub fn parse6_by(
    frame: &Frame<'_>,
    offset: usize,
    drive: impl Fn(ipv6::Walk) -> ipv6::Walk,
) -> Result<ipv6::Packet, Refusal> {
    let (outer, upper) = ipv6::header_by(frame, offset, &drive)?;
    if upper.protocol != ICMPV6 {
        return Err(Refusal::OtherProtocol);
    }
    let message: Header = frame.read(upper.offset).ok_or(Refusal::Truncated)?;
    if message.kind >= INFORMATIONAL {
        return Err(Refusal::OtherProtocol);
    }
    if outer.has_fragment_header() {
        return Err(Refusal::Fragment);
    }
    let quote = upper.offset + size_of::<Header>();
    let (inner, carried) = ipv6::header_by(frame, quote, &drive)?;
    if inner.is_later_fragment() || TransportProtocol::from_number(carried.protocol).is_none() {
        return Err(Refusal::OtherProtocol);
    }
    let ports = ports(frame, carried.offset, offset + outer.length as usize)?;
    let [
        source_high,
        source_low,
        destination_high,
        destination_low,
        _,
    ] = inner.key;
    Ok(ipv6::Packet {
        key: [
            destination_high,
            destination_low,
            source_high,
            source_low,
            segment::tail(ports, carried.protocol),
        ],
        ..outer
    })
}

/// The ports at `offset`, destination first, if they lie before the packet's `end`.
#[inline(always)]
fn ports(frame: &Frame<'_>, offset: usize, end: usize) -> Result<u32, Refusal> {
    if end < offset + 4 {
        return Err(Refusal::Truncated);
    }
    let ports: [u8; 4] = frame.read(offset).ok_or(Refusal::Truncated)?;
    Ok(u32::from_le_bytes(ports).rotate_left(16))
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;

    const CLIENT: [u8; 4] = [192, 0, 2, 1];
    const VIP: [u8; 4] = [10, 0, 0, 100];
    const ROUTER: [u8; 4] = [203, 0, 113, 1];

    fn written<S: Fn(&mut Vec<u8>)>(write: S) -> Vec<u8> {
        let mut bytes = vec![];
        write(&mut bytes);
        bytes
    }

    /// A packet of the client's and the reply to it.
    fn exchange() -> (Vec<u8>, Vec<u8>) {
        let packet = |source, destination, from, to| {
            written(|bytes| {
                PacketBuilder::ipv4(source, destination, 64)
                    .udp(from, to)
                    .write(bytes, b"data")
                    .unwrap();
            })
        };
        (
            packet(CLIENT, VIP, 40000, 53),
            packet(VIP, CLIENT, 53, 40000),
        )
    }

    fn exchange6() -> (Vec<u8>, Vec<u8>) {
        let packet = |source, destination, from, to| {
            written(|bytes| {
                PacketBuilder::ipv6(source, destination, 64)
                    .udp(from, to)
                    .write(bytes, b"data")
                    .unwrap();
            })
        };
        let (client, vip) = ([0x20; 16], [0xfd; 16]);
        (
            packet(client, vip, 40000, 53),
            packet(vip, client, 53, 40000),
        )
    }

    fn error(kind: u8, quote: &[u8]) -> Vec<u8> {
        written(|bytes| {
            PacketBuilder::ipv4(ROUTER, VIP, 33)
                .icmpv4_raw(kind, 3, [0; 4])
                .write(bytes, quote)
                .unwrap();
        })
    }

    fn error6(kind: u8, quote: &[u8]) -> Vec<u8> {
        written(|bytes| {
            PacketBuilder::ipv6([0x30; 16], [0xfd; 16], 33)
                .icmpv6_raw(kind, 0, [0; 4])
                .write(bytes, quote)
                .unwrap();
        })
    }

    fn parse4_bytes(bytes: &[u8]) -> Result<ipv4::Packet, Refusal> {
        let mut bytes = bytes.to_vec();
        parse4(&Frame::from(&mut bytes[..]), 0)
    }

    fn parse6_bytes(bytes: &[u8]) -> Result<ipv6::Packet, Refusal> {
        let mut bytes = bytes.to_vec();
        parse6(&Frame::from(&mut bytes[..]), 0)
    }

    #[test]
    fn an_error_about_a_reply_has_the_key_of_the_clients_packets() {
        let (mut request, reply) = exchange();
        let request = ipv4::parse(&Frame::from(&mut request[..]), 0).unwrap();
        for kind in [3, 4, 11] {
            let bytes = error(kind, &reply);
            let found = parse4_bytes(&bytes).unwrap();
            assert_eq!(found.key, request.key);
            assert_eq!(
                (found.ttl, found.length, found.flags),
                (33, bytes.len() as u16, 0)
            );
        }
    }

    #[test]
    fn an_error_about_an_ipv6_reply_too() {
        let (mut request, reply) = exchange6();
        let request = ipv6::parse(&Frame::from(&mut request[..]), 0).unwrap();
        for kind in [1, 2, 3, 4, 127] {
            let bytes = error6(kind, &reply);
            let found = parse6_bytes(&bytes).unwrap();
            assert_eq!(found.key, request.key);
            assert_eq!((found.hop_limit, found.length), (33, bytes.len() as u32));
        }
    }

    #[test]
    fn extension_headers_before_and_in_the_quote_are_walked() {
        let (mut request, mut reply) = exchange6();
        let request = ipv6::parse(&Frame::from(&mut request[..]), 0).unwrap();
        let insert = |bytes: &mut Vec<u8>| {
            let header = [bytes[6], 0, 1, 4, 0, 0, 0, 0];
            bytes[6] = 60;
            bytes[5] += 8;
            bytes.splice(40..40, header);
        };
        insert(&mut reply);
        let mut bytes = error6(1, &reply);
        insert(&mut bytes);
        assert_eq!(parse6_bytes(&bytes).unwrap().key, request.key);
    }

    #[test]
    fn echo_and_other_messages_are_not_about_a_connection() {
        let (_, reply) = exchange();
        for kind in [0, 5, 8, 12, 13] {
            assert_eq!(
                parse4_bytes(&error(kind, &reply)),
                Err(Refusal::OtherProtocol)
            );
        }
        let (_, reply) = exchange6();
        for kind in [128, 129, 135, 255] {
            assert_eq!(
                parse6_bytes(&error6(kind, &reply)),
                Err(Refusal::OtherProtocol)
            );
        }
    }

    #[test]
    fn the_four_bytes_of_ports_are_enough_and_no_fewer() {
        let (_, reply) = exchange();
        assert!(parse4_bytes(&error(3, &reply[..24])).is_ok());
        assert_eq!(
            parse4_bytes(&error(3, &reply[..23])),
            Err(Refusal::Truncated)
        );
        let (_, reply) = exchange6();
        assert!(parse6_bytes(&error6(1, &reply[..44])).is_ok());
        assert_eq!(
            parse6_bytes(&error6(1, &reply[..43])),
            Err(Refusal::Truncated)
        );
    }

    #[test]
    fn ports_behind_the_packets_end_do_not_count() {
        let (_, reply) = exchange();
        let mut bytes = error(3, &reply[..23]);
        bytes.resize(60, 0);
        assert_eq!(parse4_bytes(&bytes), Err(Refusal::Truncated));
    }

    #[test]
    fn a_quoted_first_fragment_has_ports_and_a_later_one_has_none() {
        let (_, mut reply) = exchange();
        reply[6..8].copy_from_slice(&[0x20, 0]);
        assert!(parse4_bytes(&error(3, &reply)).is_ok());
        reply[6..8].copy_from_slice(&[0, 1]);
        assert_eq!(parse4_bytes(&error(3, &reply)), Err(Refusal::OtherProtocol));
    }

    #[test]
    fn an_error_that_is_a_fragment_is_told_apart() {
        let (_, reply) = exchange();
        let mut bytes = error(3, &reply);
        bytes[6..8].copy_from_slice(&[0x20, 0]);
        assert_eq!(parse4_bytes(&bytes), Err(Refusal::Fragment));

        let (_, reply) = exchange6();
        let fragment = |kind| {
            let mut bytes = error6(kind, &reply);
            bytes[6] = 44;
            bytes[5] += 8;
            bytes.splice(40..40, [58, 0, 0, 1, 0, 0, 0, 7]);
            bytes
        };
        assert_eq!(parse6_bytes(&fragment(1)), Err(Refusal::Fragment));
        assert_eq!(parse6_bytes(&fragment(128)), Err(Refusal::OtherProtocol));
    }

    #[test]
    fn an_error_about_another_protocol_is_nobodys() {
        let (_, mut reply) = exchange();
        reply[9] = 47;
        assert_eq!(parse4_bytes(&error(3, &reply)), Err(Refusal::OtherProtocol));
    }

    #[test]
    fn every_truncation_is_refused() {
        let (_, reply) = exchange();
        let whole = error(3, &reply);
        for length in 0..20 + 8 + 24 {
            assert_eq!(
                parse4_bytes(&whole[..length]),
                Err(Refusal::Truncated),
                "{length}"
            );
        }
        let (_, reply) = exchange6();
        let whole = error6(1, &reply);
        for length in 0..40 + 8 + 44 {
            assert_eq!(
                parse6_bytes(&whole[..length]),
                Err(Refusal::Truncated),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_read_past_the_end(
            start in prop::sample::select(vec![exchange(), exchange6()]),
            changes in prop::collection::vec((0..100usize, any::<u8>()), 0..8),
            length in 0..140usize,
        ) {
            let mut bytes = if start.1[0] >> 4 == 4 { error(3, &start.1) } else { error6(1, &start.1) };
            for (at, byte) in changes {
                if let Some(changed) = bytes.get_mut(at) {
                    *changed = byte;
                }
            }
            bytes.truncate(length);
            let _ = parse4_bytes(&bytes);
            let _ = parse6_bytes(&bytes);
        }
    }
}
