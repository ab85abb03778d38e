//! Answers that the director gives itself to the sender of a packet: ICMP errors as Linux makes them, and TCP resets. The
//! frame that brought the packet becomes the answer.
//!
//! ```text
//! error:  link │ IP │ payload ────────────▶ link │ IP │ ICMP │ IP │ payload, cut    (room made in front)
//! reset:  link │ IP │ TCP │ payload ──────▶ link │ IP │ TCP                         (cut)
//! ```
//!
//! The way is [`answer`]; what it needs of a frame whose ends move is a [`Buffer`], which the kernel's and a test's are.

mod ip;
mod message;
mod reset;

use crate::{
    Frame, Refusal, TransportProtocol, Upper,
    checksum::Sum,
    ethernet,
    icmp::{ICMP, ICMPV6},
    ipv4, ipv6, tcp,
};
use message::{Message4, Message6};
use reset::{Reset4, Reset6};

/// What the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// ICMP port unreachable.
    PortUnreachable,
    /// ICMP time exceeded: the TTL or hop limit was used up.
    TimeExceeded,
    /// ICMP fragmentation needed, or ICMPv6 packet too big: the largest packet that fits, in bytes.
    TooBig(u32),
    /// A TCP reset.
    Reset,
}

impl Answer {
    #[inline(always)]
    fn without_reset(self) -> Self {
        match self {
            Self::Reset => Self::PortUnreachable,
            error => error,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Such a packet is not answered (RFC 1122 section 3.2.2, RFC 4443 section 2.4, RFC 9293 section 3.10.7.1).
    Unanswerable,
    /// There were too many answers.
    Exceeded,
    /// The frame could not be changed, or ends before its packet's headers do. It may be half changed.
    NoRoom,
}

/// A frame whose ends can be moved.
pub trait Buffer {
    /// Its bytes.
    fn frame(&mut self) -> Frame<'_>;

    /// How many bytes it has.
    fn length(&self) -> usize;

    /// Leaves its first `length` bytes, of at least as many.
    fn cut(&mut self, length: usize) -> Option<()>;

    /// Adds `bytes` bytes in front, which may be any.
    fn prepend(&mut self, bytes: usize) -> Option<()>;

    /// The header of the IPv6 packet at `offset` (see [`ipv6::header_by`]).
    ///
    /// # Errors
    /// As for [`ipv6::header`].
    fn header6(&mut self, offset: usize) -> Result<(ipv6::Packet, Upper), Refusal> {
        ipv6::header(&self.frame(), offset)
    }

    /// The sum of `length` bytes at `offset` (see [`Summing`](crate::checksum::Summing)).
    fn sum(&mut self, offset: usize, length: usize) -> Option<Sum>;

    /// Takes leave to give one answer more.
    fn permit(&mut self) -> bool;
}

/// Makes the frame in `buffer`, whose link layer is `link` bytes long, an answer to its sender, which leaves from the
/// Ethernet address `own`, and says which one it is: [`Answer::Reset`] is for TCP alone, others hear
/// [`Answer::PortUnreachable`] instead. An error quotes the packet as it lies in the frame; one that is too big, as in Linux, with
/// one taken from its TTL or hop limit, which is at least 1.
///
/// # Errors
/// [`Silence`] says why there is none.
#[inline(always)]
pub fn answer<B: Buffer>(
    buffer: &mut B,
    link: usize,
    own: [u8; 6],
    answer: Answer,
) -> Result<Answer, Silence> {
    let version: u8 = buffer.frame().read(link).ok_or(Silence::NoRoom)?;
    match version >> 4 {
        4 => answer4(buffer, link, own, answer),
        6 => answer6(buffer, link, own, answer),
        _ => Err(Silence::Unanswerable),
    }
}

#[inline(always)]
fn answer4<B: Buffer>(
    buffer: &mut B,
    link: usize,
    own: [u8; 6],
    answer: Answer,
) -> Result<Answer, Silence> {
    const ROOM: usize = size_of::<Message4>();
    let frame = buffer.frame();
    let (packet, upper) = ipv4::header(&frame, link).map_err(|_| Silence::Unanswerable)?;
    if !ip::answerable4(&packet) || upper.protocol == ICMP {
        return Err(Silence::Unanswerable);
    }
    if answer == Answer::Reset && upper.protocol == TransportProtocol::Tcp.number() {
        let header = frame.read(link).ok_or(Silence::NoRoom)?;
        let segment: tcp::Header = frame.read(upper.offset).ok_or(Silence::NoRoom)?;
        let length = link + packet.length as usize - upper.offset;
        let reset = Reset4::new(&header, &segment, length).ok_or(Silence::Unanswerable)?;
        replace(buffer, link, own, size_of::<Reset4>())?;
        buffer.frame().write(link, reset).ok_or(Silence::NoRoom)?;
        return Ok(Answer::Reset);
    }
    let answer = answer.without_reset();
    if !buffer.permit() {
        return Err(Silence::Exceeded);
    }
    if let Answer::TooBig(_) = answer {
        ipv4::decrement_ttl(&buffer.frame(), link).ok_or(Silence::NoRoom)?;
    }
    let quote = (packet.length as usize).min(message::LONGEST4 - ROOM);
    let (header, quote) = make_room::<_, ipv4::Header>(buffer, link, own, quote, ROOM)?;
    let sum = buffer.sum(link + ROOM, quote).ok_or(Silence::NoRoom)?;
    let message = Message4::new(&header, answer, quote, sum);
    buffer.frame().write(link, message).ok_or(Silence::NoRoom)?;
    Ok(answer)
}

#[inline(always)]
fn answer6<B: Buffer>(
    buffer: &mut B,
    link: usize,
    own: [u8; 6],
    answer: Answer,
) -> Result<Answer, Silence> {
    const ROOM: usize = size_of::<Message6>();
    let (packet, upper) = buffer.header6(link).map_err(|_| Silence::Unanswerable)?;
    if !ip::answerable6(&packet) || upper.protocol == ICMPV6 {
        return Err(Silence::Unanswerable);
    }
    if answer == Answer::Reset && upper.protocol == TransportProtocol::Tcp.number() {
        let frame = buffer.frame();
        let header = frame.read(link).ok_or(Silence::NoRoom)?;
        let segment: tcp::Header = frame.read(upper.offset).ok_or(Silence::NoRoom)?;
        let length = link + packet.length as usize - upper.offset;
        let reset = Reset6::new(&header, &segment, length).ok_or(Silence::Unanswerable)?;
        replace(buffer, link, own, size_of::<Reset6>())?;
        buffer.frame().write(link, reset).ok_or(Silence::NoRoom)?;
        return Ok(Answer::Reset);
    }
    let answer = answer.without_reset();
    if !buffer.permit() {
        return Err(Silence::Exceeded);
    }
    if let Answer::TooBig(_) = answer {
        ipv6::decrement_hop_limit(&buffer.frame(), link).ok_or(Silence::NoRoom)?;
    }
    let quote = (packet.length as usize).min(message::LONGEST6 - ROOM);
    let (header, quote) = make_room::<_, ipv6::Header>(buffer, link, own, quote, ROOM)?;
    let sum = buffer.sum(link + ROOM, quote).ok_or(Silence::NoRoom)?;
    let message = Message6::new(&header, answer, quote, sum);
    buffer.frame().write(link, message).ok_or(Silence::NoRoom)?;
    Ok(answer)
}

/// Leaves `quote` bytes of the packet, or as many as there are, and puts `room` bytes and the link layer before it. Gives
/// the packet's header and how many bytes were left.
#[inline(always)]
fn make_room<B: Buffer, H: zerocopy::FromBytes + zerocopy::Unaligned + Copy>(
    buffer: &mut B,
    link: usize,
    own: [u8; 6],
    quote: usize,
    room: usize,
) -> Result<(H, usize), Silence> {
    let quote = quote.min(buffer.length().saturating_sub(link));
    buffer.cut(link + quote).ok_or(Silence::NoRoom)?;
    buffer.prepend(room).ok_or(Silence::NoRoom)?;
    let frame = buffer.frame();
    ethernet::turn_back(&frame, room, link, own).ok_or(Silence::NoRoom)?;
    let header = frame.read(room + link).ok_or(Silence::NoRoom)?;
    Ok((header, quote))
}

/// Leaves room for an answer of `length` bytes behind the link layer, instead of the packet.
#[inline(always)]
fn replace<B: Buffer>(
    buffer: &mut B,
    link: usize,
    own: [u8; 6],
    length: usize,
) -> Result<(), Silence> {
    if !buffer.permit() {
        return Err(Silence::Exceeded);
    }
    buffer.cut(link + length).ok_or(Silence::NoRoom)?;
    ethernet::turn_back(&buffer.frame(), 0, link, own).ok_or(Silence::NoRoom)
}

#[cfg(test)]
mod tests;
