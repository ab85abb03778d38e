//! Ethernet II headers with up to two VLAN tags (IEEE 802.1Q, 802.1ad).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::{Frame, Refusal};

/// EtherType of IPv4, as it lies in the frame.
pub const IPV4: [u8; 2] = [0x08, 0x00];
/// EtherType of IPv6.
pub const IPV6: [u8; 2] = [0x86, 0xdd];
/// EtherType of a customer VLAN tag (802.1Q).
pub const CUSTOMER_TAG: [u8; 2] = [0x81, 0x00];
/// EtherType of a service VLAN tag (802.1ad).
pub const SERVICE_TAG: [u8; 2] = [0x88, 0xa8];
/// Bytes of a header without tags.
pub const LENGTH: usize = 14;
/// Bytes of one tag.
pub const TAG_LENGTH: usize = 4;

/// The two addresses of a frame, as they lie in it.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub struct Addresses {
    /// Destination.
    pub destination: [u8; 6],
    /// Source.
    pub source: [u8; 6],
}

/// A VLAN tag and the EtherType behind it.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
pub struct Tag {
    /// Priority (3 bits), drop eligible (1 bit), VLAN identifier (12 bits).
    pub control: [u8; 2],
    /// What follows.
    pub ether_type: [u8; 2],
}

impl Tag {
    /// The VLAN identifier, 0 to 4095.
    #[inline(always)]
    pub const fn vlan(self) -> u16 {
        u16::from_be_bytes(self.control) & 0xfff
    }
}

/// A frame's link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// The frame's destination address, as [`address_word`] makes it.
    pub destination: u64,
    /// VLAN identifier of the outer tag; 0 when there is none (or it is a priority tag only).
    pub vlan: u16,
    /// How many tags there are, 0 to 2.
    pub tags: usize,
    /// EtherType of the payload.
    pub ether_type: [u8; 2],
}

impl Ethernet {
    /// Where the payload starts.
    #[inline(always)]
    pub const fn length(&self) -> usize {
        LENGTH + self.tags * TAG_LENGTH
    }
}

/// Reads the link layer.
///
/// # Errors
/// [`Refusal::Truncated`] when the frame ends inside it.
#[inline(always)]
pub fn parse(frame: &Frame<'_>) -> Result<Ethernet, Refusal> {
    let header = frame.part::<LENGTH>(0).ok_or(Refusal::Truncated)?;
    let ether_type = header.load::<12, u16>().to_le_bytes();
    let mut ethernet = Ethernet {
        // Two bytes of the source are read along, so that it is one load.
        destination: header.load::<0, u64>() & ADDRESS_MASK,
        vlan: 0,
        tags: 0,
        ether_type,
    };
    if !is_tag(ether_type) {
        return Ok(ethernet);
    }
    let outer: Tag = frame.read(LENGTH).ok_or(Refusal::Truncated)?;
    ethernet = Ethernet {
        vlan: outer.vlan(),
        tags: 1,
        ether_type: outer.ether_type,
        ..ethernet
    };
    if !is_tag(outer.ether_type) {
        return Ok(ethernet);
    }
    let inner: Tag = frame.read(LENGTH + TAG_LENGTH).ok_or(Refusal::Truncated)?;
    Ok(Ethernet {
        tags: 2,
        ether_type: inner.ether_type,
        ..ethernet
    })
}

/// Makes the link layer of a frame that goes back to its sender: `length` bytes of it, tags and all, lie at `offset` and
/// come to lie at the start. `own` is the address that the frame leaves from.
///
/// `None` when the frame ends inside it, or `length` is none that [`parse`] gives.
#[inline(always)]
pub fn turn_back(frame: &Frame<'_>, offset: usize, length: usize, own: [u8; 6]) -> Option<()> {
    const TAGGED: usize = LENGTH + TAG_LENGTH;
    const TAGGED_TWICE: usize = LENGTH + 2 * TAG_LENGTH;
    const AFTER_ADDRESSES: usize = size_of::<Addresses>();
    let addresses: Addresses = frame.read(offset)?;
    let rest = offset + AFTER_ADDRESSES;
    match length {
        LENGTH => frame.write(AFTER_ADDRESSES, frame.read::<[u8; 2]>(rest)?)?,
        TAGGED => frame.write(AFTER_ADDRESSES, frame.read::<[u8; 6]>(rest)?)?,
        TAGGED_TWICE => frame.write(AFTER_ADDRESSES, frame.read::<[u8; 10]>(rest)?)?,
        _ => return None,
    }
    let addresses = Addresses {
        destination: addresses.source,
        source: own,
    };
    frame.write(0, addresses)
}

/// Moves the link layer, `length` bytes, from the offset `from` to `to`, and gives it this EtherType.
///
/// `None` when the frame ends inside it, or `length` is none that [`parse`] gives.
#[inline(always)]
pub fn shift(
    frame: &Frame<'_>,
    from: usize,
    to: usize,
    length: usize,
    ether_type: [u8; 2],
) -> Option<()> {
    const TAGGED: usize = LENGTH + TAG_LENGTH;
    const TAGGED_TWICE: usize = LENGTH + 2 * TAG_LENGTH;
    const AFTER_ADDRESSES: usize = size_of::<Addresses>();
    let addresses: Addresses = frame.read(from)?;
    // Where the type lies follows from the length alone: the verifier would not see it from an end.
    let (tags, rest) = (from + AFTER_ADDRESSES, to + AFTER_ADDRESSES);
    match length {
        LENGTH => frame.write(rest, ether_type)?,
        TAGGED => {
            frame.write(rest, frame.read::<[u8; TAG_LENGTH]>(tags)?)?;
            frame.write(rest + TAG_LENGTH, ether_type)?;
        }
        TAGGED_TWICE => {
            frame.write(rest, frame.read::<[u8; 2 * TAG_LENGTH]>(tags)?)?;
            frame.write(rest + 2 * TAG_LENGTH, ether_type)?;
        }
        _ => return None,
    }
    frame.write(to, addresses)
}

/// Writes the link layer of a frame: destination and source as three words whose lowest byte is the first, one tag of this VLAN or
/// none for 0, and the payload's EtherType. `None` (and nothing written) when the frame is shorter.
#[inline(always)]
pub fn write(frame: &Frame<'_>, addresses: [u32; 3], vlan: u16, ether_type: [u8; 2]) -> Option<()> {
    const TAGGED: usize = LENGTH + TAG_LENGTH;
    let ether_type = u16::from_le_bytes(ether_type);
    let header = if vlan == 0 {
        let header = frame.part::<LENGTH>(0)?;
        header.store::<12, u16>(ether_type);
        header
    } else {
        let header = frame.part::<TAGGED>(0)?;
        header.store::<12, u16>(u16::from_le_bytes(CUSTOMER_TAG));
        header.store::<14, u16>(vlan.swap_bytes());
        header.store::<16, u16>(ether_type);
        header.first()
    };
    header.store::<0, u32>(addresses[0]);
    header.store::<4, u32>(addresses[1]);
    header.store::<8, u32>(addresses[2]);
    Some(())
}

/// An Ethernet address as a number that is compared in one piece.
#[inline(always)]
pub const fn address_word(address: [u8; 6]) -> u64 {
    let [a, b, c, d, e, f] = address;
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

const ADDRESS_MASK: u64 = (1 << 48) - 1;

/// Whether this EtherType says that a VLAN tag follows.
#[inline(always)]
pub fn is_tag(ether_type: [u8; 2]) -> bool {
    ether_type == CUSTOMER_TAG || ether_type == SERVICE_TAG
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_bytes(tail: &[u8]) -> Result<Ethernet, Refusal> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        bytes.extend_from_slice(tail);
        parse(&Frame::from(&mut bytes[..]))
    }

    #[test]
    fn an_untagged_frame_has_its_payload_after_14_bytes() {
        let ethernet = parse_bytes(&IPV4).unwrap();
        assert_eq!(
            (ethernet.length(), ethernet.vlan, ethernet.ether_type),
            (14, 0, IPV4)
        );
        assert_eq!(ethernet.destination, address_word([2, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn the_outer_tag_names_the_vlan() {
        let ethernet = parse_bytes(&[0x88, 0xa8, 0x20, 7, 0x81, 0, 0, 9, 0x86, 0xdd]).unwrap();
        assert_eq!(
            (ethernet.length(), ethernet.vlan, ethernet.ether_type),
            (22, 7, IPV6)
        );
    }

    #[test]
    fn a_third_tag_is_not_looked_into() {
        let ethernet = parse_bytes(&[0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 0]).unwrap();
        assert_eq!((ethernet.tags, ethernet.ether_type), (2, CUSTOMER_TAG));
    }

    #[test]
    fn a_frame_goes_back_with_its_tags() {
        let tags = [0x88, 0xa8, 0x20, 7, 0x81, 0, 0, 9, 0x86, 0xdd];
        for length in [LENGTH, LENGTH + TAG_LENGTH, LENGTH + 2 * TAG_LENGTH] {
            for offset in [0, 28, 48] {
                let mut bytes = vec![0; offset];
                bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
                bytes.extend(&tags[22 - length..]);
                let mut expected = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3];
                expected.extend(&tags[22 - length..]);
                turn_back(
                    &Frame::from(&mut bytes[..]),
                    offset,
                    length,
                    [2, 0, 0, 0, 0, 3],
                )
                .unwrap();
                assert_eq!(bytes[..length], expected);
            }
        }
        let mut short = [0; 13];
        assert_eq!(
            turn_back(&Frame::from(&mut short[..]), 0, LENGTH, [0; 6]),
            None
        );
        assert_eq!(turn_back(&Frame::from(&mut short[..]), 0, 13, [0; 6]), None);
    }

    #[test]
    fn a_link_layer_is_written_with_one_tag_or_none() {
        let addresses = [0x0403_0201, 0x0807_0605, 0x0c0b_0a09];
        for (vlan, length) in [(0, LENGTH), (0x123, LENGTH + TAG_LENGTH)] {
            let mut bytes = [0; 20];
            assert_eq!(
                write(
                    &Frame::from(&mut bytes[..length - 1]),
                    addresses,
                    vlan,
                    IPV6
                ),
                None
            );
            assert_eq!(bytes, [0; 20]);
            write(&Frame::from(&mut bytes[..]), addresses, vlan, IPV6).unwrap();
            assert_eq!(bytes[..12], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
            let ethernet = parse(&Frame::from(&mut bytes[..])).unwrap();
            assert_eq!(
                (ethernet.vlan, ethernet.length(), ethernet.ether_type),
                (vlan, length, IPV6)
            );
        }
    }

    #[test]
    fn a_link_layer_moves_either_way_with_its_tags_and_gets_another_type() {
        let whole = [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0x20, 7, 0x81, 0, 0, 9, 8, 0,
        ];
        for length in [LENGTH, LENGTH + TAG_LENGTH, LENGTH + 2 * TAG_LENGTH] {
            for (from, to) in [(8, 0), (0, 8), (20, 0), (0, 20), (0, 92), (5, 5)] {
                let mut bytes = [0; 120];
                bytes[from..from + length].copy_from_slice(&whole[..length]);
                shift(&Frame::from(&mut bytes[..]), from, to, length, IPV6).unwrap();
                assert_eq!(bytes[to..to + length - 2], whole[..length - 2]);
                assert_eq!(bytes[to + length - 2..to + length], IPV6);
            }
        }
        let mut short = [0; LENGTH + 7];
        let frame = Frame::from(&mut short[..]);
        assert_eq!(shift(&frame, 0, 8, LENGTH, IPV6), None);
        assert_eq!(shift(&frame, 10, 0, LENGTH, IPV6), None);
        assert_eq!(shift(&frame, 0, 0, LENGTH + 1, IPV6), None);
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = [0x81, 0, 0, 1, 0x81, 0, 0, 2, 8, 0];
        for length in 0..whole.len() {
            assert_eq!(
                parse_bytes(&whole[..length]),
                Err(Refusal::Truncated),
                "{length}"
            );
        }
        assert!(parse_bytes(&whole).is_ok());
    }
}
