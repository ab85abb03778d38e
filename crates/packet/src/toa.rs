//! The TCP option that tells a real server the client's address and port (TOA): a packet from the director's own address says
//! whom it is for. It follows the fixed TCP header, so that what has to make room is of constant size.
//!
//! ```text
//! link │ IP │ TCP │ options, data ──▶ (LENGTH) │ link │ IP │ TCP │ … ──▶ link │ IP │ TCP │ TOA │ options, data
//!                                     the caller's room                insert4, insert6
//! ```

use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned, transmute};

use crate::{
    Frame, Obstacle,
    checksum::{Change, Sum},
    ethernet, ipv4, ipv6, tcp,
};

/// The option for an IPv4 client.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, Unaligned)]
pub struct Client4 {
    kind: u8,
    length: u8,
    port: [u8; 2],
    address: [u8; 4],
}

/// The option for an IPv6 client.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, Unaligned)]
pub struct Client6 {
    kind: u8,
    length: u8,
    port: [u8; 2],
    address: [[u8; 8]; 2],
}

/// One of the two.
pub trait Toa: Copy + IntoBytes + Immutable + Unaligned + sealed::Sealed {
    /// Its bytes, which the frame grows by.
    const LENGTH: usize = size_of::<Self>();
    /// The sum of its bytes.
    fn sum(self) -> Sum;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Client4 {}
    impl Sealed for super::Client6 {}
}

impl Client4 {
    /// The option of this kind (a number of RFC 4727: 253 or 254) for a client's address and port, as they lie in packets.
    #[inline(always)]
    pub const fn new(kind: u8, address: [u8; 4], port: [u8; 2]) -> Self {
        Self {
            kind,
            length: size_of::<Self>() as u8,
            port,
            address,
        }
    }
}

impl Client6 {
    /// Likewise.
    #[inline(always)]
    pub const fn new(kind: u8, address: [[u8; 8]; 2], port: [u8; 2]) -> Self {
        Self {
            kind,
            length: size_of::<Self>() as u8,
            port,
            address,
        }
    }
}

impl Toa for Client4 {
    #[inline(always)]
    fn sum(self) -> Sum {
        Sum::of::<2>(transmute!(self))
    }
}

impl Toa for Client6 {
    #[inline(always)]
    fn sum(self) -> Sum {
        Sum::of::<5>(transmute!(self))
    }
}

/// Whether an option of `length` bytes has room in the IPv4 packet at `offset`, a TCP segment.
///
/// # Errors
/// [`Obstacle::Options`], [`Obstacle::Fragment`], [`Obstacle::TooLong`] and [`Obstacle::Truncated`].
#[inline(always)]
pub fn check4(
    frame: &Frame<'_>,
    offset: usize,
    packet: &ipv4::Packet,
    length: usize,
) -> Result<(), Obstacle> {
    if packet.has_options() {
        return Err(Obstacle::Options);
    }
    if packet.more_fragments() || packet.is_later_fragment() {
        return Err(Obstacle::Fragment);
    }
    check(
        frame,
        offset + size_of::<ipv4::Header>(),
        packet.length as u32,
        length,
    )
}

/// The same for the IPv6 packet at `offset`.
///
/// # Errors
/// As for [`check4`].
#[inline(always)]
pub fn check6(
    frame: &Frame<'_>,
    offset: usize,
    packet: &ipv6::Packet,
    length: usize,
) -> Result<(), Obstacle> {
    if packet.has_fragment_header() {
        return Err(Obstacle::Fragment);
    }
    if packet.has_extensions() {
        return Err(Obstacle::Options);
    }
    check(
        frame,
        offset + size_of::<ipv6::Header>(),
        packet.length,
        length,
    )
}

/// Puts the option into the IPv4 packet, of which [`check4`] thinks well. [`Toa::LENGTH`] bytes were put in front of the
/// frame; `link` is how long the link layer is, which moves to the front.
///
/// # Errors
/// [`Obstacle::Truncated`], [`Obstacle::TooLong`] and [`Obstacle::Options`].
#[inline(always)]
pub fn insert4<T: Toa>(frame: &Frame<'_>, link: usize, option: T) -> Result<(), Obstacle> {
    let from = link + T::LENGTH;
    let mut ip: ipv4::Header = frame.read(from).ok_or(Obstacle::Truncated)?;
    if ip.version_ihl != 0x45 {
        return Err(Obstacle::Options);
    }
    let (length, change) = longer::<T>(ip.length)?;
    ip.length = length;
    ip.checksum = change.mend(ip.checksum);
    let from = from + size_of::<ipv4::Header>();
    let segment = segment(frame, from, option, change)?;
    let at = link + size_of::<ipv4::Header>();
    ethernet::shift(frame, T::LENGTH, 0, link, ethernet::IPV4)
        .and_then(|()| frame.write(link, ip))
        .and_then(|()| frame.write(at, segment))
        .and_then(|()| frame.write(at + size_of::<tcp::Header>(), option))
        .ok_or(Obstacle::Truncated)
}

/// Puts the option into the IPv6 packet, of which [`check6`] thinks well, likewise.
///
/// # Errors
/// As for [`insert4`].
#[inline(always)]
pub fn insert6<T: Toa>(frame: &Frame<'_>, link: usize, option: T) -> Result<(), Obstacle> {
    let from = link + T::LENGTH;
    let mut ip: ipv6::Header = frame.read(from).ok_or(Obstacle::Truncated)?;
    let [next, _] = ip.next_hop_limit;
    if next != crate::TransportProtocol::Tcp.number() {
        return Err(Obstacle::Options);
    }
    let (length, change) = longer::<T>(ip.payload_length)?;
    ip.payload_length = length;
    let from = from + size_of::<ipv6::Header>();
    let segment = segment(frame, from, option, change)?;
    let at = link + size_of::<ipv6::Header>();
    ethernet::shift(frame, T::LENGTH, 0, link, ethernet::IPV6)
        .and_then(|()| frame.write(link, ip))
        .and_then(|()| frame.write(at, segment))
        .and_then(|()| frame.write(at + size_of::<tcp::Header>(), option))
        .ok_or(Obstacle::Truncated)
}

#[inline(always)]
fn check(frame: &Frame<'_>, segment: usize, packet: u32, length: usize) -> Result<(), Obstacle> {
    let header: tcp::Header = frame.read(segment).ok_or(Obstacle::Truncated)?;
    let longest = 0xf0 - ((length / 4) << 4) as u8;
    if header.data_offset & 0xf0 > longest || packet + length as u32 > u16::MAX as u32 {
        return Err(Obstacle::TooLong);
    }
    Ok(())
}

/// A length in an IP header with the option, and what that changes.
#[inline(always)]
fn longer<T: Toa>(length: [u8; 2]) -> Result<([u8; 2], Change), Obstacle> {
    let longer = u16::from_be_bytes(length).checked_add(T::LENGTH as u16);
    let longer = longer.ok_or(Obstacle::TooLong)?.to_be_bytes();
    let change = Change::of(
        u16::from_le_bytes(length) as u64,
        u16::from_le_bytes(longer) as u64,
    );
    Ok((longer, change))
}

/// The fixed header of the segment at `at` when the option follows it; `length` is what its pseudo-header changes by.
#[inline(always)]
fn segment<T: Toa>(
    frame: &Frame<'_>,
    at: usize,
    option: T,
    length: Change,
) -> Result<tcp::Header, Obstacle> {
    let mut header: tcp::Header = frame.read(at).ok_or(Obstacle::Truncated)?;
    let words = ((T::LENGTH / 4) << 4) as u8;
    let old = header.data_offset;
    header.data_offset = old.checked_add(words).ok_or(Obstacle::TooLong)?;
    let change = Change::of(old as u64, header.data_offset as u64)
        .and(Change::inserted(option.sum()))
        .and(length);
    header.checksum = change.mend(header.checksum);
    Ok(header)
}

#[cfg(test)]
mod tests;
