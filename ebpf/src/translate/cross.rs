//! A packet of the one family becomes one of the other: the key that it is to carry lies in the scratch memory.

use aya_ebpf::{helpers::bpf_xdp_adjust_head, programs::XdpContext};
use dray_abi::Reason;
use dray_packet::{
    Obstacle, ipv4, ipv6,
    translate::{
        Mended,
        cross::{self, SURPLUS},
    },
};

use super::{Translated, finish, job, take_hop};
use crate::{datagram::Datagram, frame, open};

/// Makes the IPv4 packet that waits an IPv6 one.
#[inline(always)]
pub(super) fn to_ipv6(context: &XdpContext) -> Result<(), Reason> {
    let packet = &open::arrival::<ipv4::Packet>()?.packet;
    let link = job()?.link;
    cross::check4(packet).map_err(reason)?;
    let key = ipv6::Packet::kept()?;
    take_hop(context, &link, packet)?;
    let link = link.offset();
    // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
    if unsafe { bpf_xdp_adjust_head(context.ctx, -(SURPLUS as i32)) } != 0 {
        return Err(Reason::NoRoom);
    }
    let mended = cross::to_ipv6(&frame(context), link, packet, &key).map_err(reason)?;
    if mended == Mended::Whole {
        return Ok(());
    }
    let length = packet.length() - size_of::<ipv4::Header>() as u32;
    let upper = (link + size_of::<ipv6::Header>()) as u32;
    finish::complete_too(upper, length)
}

/// Makes the IPv6 packet that waits an IPv4 one.
#[inline(always)]
pub(super) fn to_ipv4(context: &XdpContext) -> Result<(), Reason> {
    let packet = &open::arrival::<ipv6::Packet>()?.packet;
    let link = job()?.link;
    cross::check6(packet).map_err(reason)?;
    let key = ipv4::Packet::kept()?;
    take_hop(context, &link, packet)?;
    let link = link.offset();
    let mended = cross::to_ipv4(&frame(context), link, packet, &key).map_err(reason)?;
    // SAFETY: as above.
    if unsafe { bpf_xdp_adjust_head(context.ctx, SURPLUS as i32) } != 0 {
        return Err(Reason::NoRoom);
    }
    if mended == Mended::Whole {
        return Ok(());
    }
    let length = packet
        .length()
        .saturating_sub(size_of::<ipv6::Header>() as u32);
    let upper = (link + size_of::<ipv4::Header>()) as u32;
    finish::complete_too(upper, length)
}

/// Why a packet is dropped that cannot become one of the other family.
#[inline(always)]
fn reason(obstacle: Obstacle) -> Reason {
    match obstacle {
        Obstacle::Truncated => Reason::NoRoom,
        Obstacle::Fragment | Obstacle::Options | Obstacle::TooLong => Reason::OtherFamily,
    }
}
