//! FULLNAT: telling the real server who the client is, by a TCP option on the packets that acknowledge no data yet.

use aya_ebpf::{bindings::xdp_md, helpers::bpf_xdp_adjust_head, programs::XdpContext};
use dray_abi::{Hop, Reason, Translation};
use dray_packet::{
    Obstacle, TransportProtocol,
    ethernet::{self, TAG_LENGTH},
    ipv4, ipv6, tcp,
    toa::{self, Client4, Client6, Toa},
};

use super::{Translated, done, number, reason};
use crate::{family::Packet, frame, icmp::Message, link::Link, table};

const TAGGED: usize = ethernet::LENGTH + TAG_LENGTH;
const TAGGED_TWICE: usize = TAGGED + TAG_LENGTH;

/// Whether the packet is one that tells.
#[inline(always)]
pub(super) fn is_due<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    slot: *mut Translation,
    hop: &Hop,
) -> bool {
    /// Offset of the acknowledgement number in a TCP header.
    const ACKNOWLEDGEMENT: usize = 8;
    let acknowledges = packet.flags() & (tcp::ACK | tcp::SYN | tcp::RST) == tcp::ACK;
    if hop.address_option == 0 || packet.protocol() != TransportProtocol::Tcp || !acknowledges {
        return false;
    }
    // Behind options and extension headers there is no place for it.
    let header = if P::FAMILY == 4 {
        size_of::<ipv4::Header>()
    } else {
        size_of::<ipv6::Header>()
    };
    if packet.upper(0) != header {
        return false;
    }
    // SAFETY: words of a translation's slot.
    let (flags, expected) = unsafe {
        (
            (&raw const (*slot).flags).read_volatile(),
            (&raw const (*slot).acknowledged).read_volatile(),
        )
    };
    let at = packet.upper(link.offset()) + ACKNOWLEDGEMENT;
    flags & Translation::TELLS_ADDRESS != 0
        && frame(context).read(at).map(u32::from_be_bytes) == Some(expected)
}

/// Puts the option into the packet, which is of that family by now, unless it has no room for it: then a later one tells.
#[inline(always)]
pub(super) fn tell(
    context: *mut xdp_md,
    link: &Link,
    family: u8,
    translation: u32,
    hop: &Hop,
) -> Result<(), Reason> {
    let (offset, kind) = (link.offset() as u32, hop.address_option as u32);
    done(if family == 4 {
        dray_tell4(context, offset, translation, kind, hop.mtu)
    } else {
        dray_tell6(context, offset, translation, kind, hop.mtu)
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_tell4(
    context: *mut xdp_md,
    offset: u32,
    translation: u32,
    kind: u32,
    mtu: u32,
) -> u32 {
    let context = XdpContext::new(context);
    number(insert::<ipv4::Packet>(
        &context,
        offset,
        translation,
        kind as u8,
        mtu,
    ))
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_tell6(
    context: *mut xdp_md,
    offset: u32,
    translation: u32,
    kind: u32,
    mtu: u32,
) -> u32 {
    let context = XdpContext::new(context);
    number(insert::<ipv6::Packet>(
        &context,
        offset,
        translation,
        kind as u8,
        mtu,
    ))
}

#[inline(always)]
fn insert<P: Tells>(
    context: &XdpContext,
    offset: u32,
    translation: u32,
    kind: u8,
    mtu: u32,
) -> Result<(), Reason> {
    let offset = offset as usize;
    let Some(slot) = table::slot::<Translation>(translation) else {
        return Ok(());
    };
    // SAFETY: the slot of a translation.
    let (family, client) = unsafe {
        (
            (&raw const (*slot).client_family).read_volatile(),
            &raw const (*slot).client,
        )
    };
    if family == 4 {
        // SAFETY: as above.
        let [addresses, tail] = unsafe { ipv4::Packet::load(client) };
        let option = Client4::new(kind, (addresses as u32).to_le_bytes(), port(tail));
        put::<P, _>(context, offset, option, mtu)
    } else {
        // SAFETY: as above.
        let [high, low, _, _, tail] = unsafe { ipv6::Packet::load(client) };
        let option = Client6::new(kind, [high.to_le_bytes(), low.to_le_bytes()], port(tail));
        put::<P, _>(context, offset, option, mtu)
    }
}

/// The first port in a key's last word, as it lies in packets.
#[inline(always)]
fn port(tail: u64) -> [u8; 2] {
    (tail as u16).to_le_bytes()
}

#[inline(always)]
fn put<P: Tells, T: Toa>(
    context: &XdpContext,
    offset: usize,
    option: T,
    mtu: u32,
) -> Result<(), Reason> {
    let room = match offset {
        ethernet::LENGTH => P::room(context, ethernet::LENGTH, T::LENGTH),
        TAGGED => P::room(context, TAGGED, T::LENGTH),
        TAGGED_TWICE => P::room(context, TAGGED_TWICE, T::LENGTH),
        _ => None,
    };
    let fits = room.is_some_and(|length| length + T::LENGTH as u32 <= mtu);
    // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
    if !fits || unsafe { bpf_xdp_adjust_head(context.ctx, -(T::LENGTH as i32)) } != 0 {
        return Ok(());
    }
    // The verifier follows numbers that it knows.
    match offset {
        ethernet::LENGTH => P::insert(context, ethernet::LENGTH, option),
        TAGGED => P::insert(context, TAGGED, option),
        _ => P::insert(context, TAGGED_TWICE, option),
    }
    .map_err(reason)
}

/// A family's packets with the option.
trait Tells {
    /// The length of the packet, if it can take an option of so many bytes.
    fn room(context: &XdpContext, offset: usize, length: usize) -> Option<u32>;
    /// Puts it into the room in front of the frame.
    fn insert<T: Toa>(context: &XdpContext, link: usize, option: T) -> Result<(), Obstacle>;
}

impl Tells for ipv4::Packet {
    #[inline(always)]
    fn room(context: &XdpContext, offset: usize, length: usize) -> Option<u32> {
        let packet = ipv4::Packet::outer(&frame(context), offset).ok()?;
        toa::check4(&frame(context), offset, &packet, length).ok()?;
        Some(packet.length as u32)
    }

    #[inline(always)]
    fn insert<T: Toa>(context: &XdpContext, link: usize, option: T) -> Result<(), Obstacle> {
        toa::insert4(&frame(context), link, option)
    }
}

impl Tells for ipv6::Packet {
    #[inline(always)]
    fn room(context: &XdpContext, offset: usize, length: usize) -> Option<u32> {
        let packet = ipv6::Packet::outer(&frame(context), offset).ok()?;
        toa::check6(&frame(context), offset, &packet, length).ok()?;
        Some(packet.length)
    }

    #[inline(always)]
    fn insert<T: Toa>(context: &XdpContext, link: usize, option: T) -> Result<(), Obstacle> {
        toa::insert6(&frame(context), link, option)
    }
}
