//! Tunnels: a packet becomes the payload of one to its real server, which answers the client itself.
//!
//! ```text
//! send ─▶ dray_tunnel: TTL, MTU ─▶ MSS ─▶ TTL − 1 ─▶ sum_up ─▶ into_ipv4 │ into_ipv6 ─▶ leave
//! ```
//!
//! What the outer headers say is `dray_packet::encapsulate`'s matter; here is how room is made for them in the kernel. All of it
//! is a function of its own, with a symbol, so that the way of other packets has no more stack and instructions for it.

use aya_ebpf::{
    bindings::xdp_md,
    helpers::{bpf_get_prandom_u32, bpf_xdp_adjust_head},
    programs::XdpContext,
};
use dray_abi::{Hop, Reason};
use dray_packet::{
    Frame,
    checksum::{self, Sum},
    encapsulate::{self, Inner, Outer},
    ethernet,
    tunnel::{self, Family, Kind},
};

use crate::{
    answer,
    family::{Datagram, Link},
    frame, maps, mss,
    send::{self, Egress, Stop, Way},
    service::words,
};

/// Sends the packet through the tunnel of the next hop of that number. `flow` is a hash of the packet's flow.
#[inline(always)]
pub(crate) fn send(
    context: &XdpContext,
    link: &Link,
    is_syn: bool,
    hop: u32,
    flow: u32,
) -> Result<Egress, Stop> {
    let link = Arrived::encode(link, is_syn);
    decode(dray_tunnel(context.ctx, link, hop, flow)).map(Egress::by)
}

/// How the packet came, in one register: the number of its VLAN tags, whether it is a SYN, and the VLAN identifier.
struct Arrived;

impl Arrived {
    const SYN: u32 = 1 << 8;

    #[inline(always)]
    fn encode(link: &Link, is_syn: bool) -> u32 {
        (link.vlan as u32) << 16 | (is_syn as u32 * Self::SYN) | link.tags as u32
    }

    #[inline(always)]
    fn decode(arrived: u32) -> (Link, bool) {
        let tags = match arrived as u8 {
            0 => 0,
            1 => 1,
            _ => 2,
        };
        let link = Link {
            offset: ethernet::LENGTH + tags * ethernet::TAG_LENGTH,
            vlan: (arrived >> 16) as u16,
            tags,
        };
        (link, arrived & Self::SYN != 0)
    }
}

/// The port that the packet leaves by; or one more than the reason why not in the high half, and the largest packet that fits.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_tunnel(context: *mut xdp_md, arrived: u32, hop: u32, flow: u32) -> u64 {
    let (link, is_syn) = Arrived::decode(arrived);
    match through(&XdpContext::new(context), &link, is_syn, hop, flow) {
        Ok(port) => port as u64,
        Err(stop) => (stop.reason as u64 + 1) << 32 | stop.mtu as u64,
    }
}

#[inline(always)]
fn decode(outcome: u64) -> Result<u32, Stop> {
    let low = outcome as u32;
    match (outcome >> 32) as u32 {
        0 => Ok(low),
        reason => Err(Stop {
            reason: Reason::from_number(reason - 1).unwrap_or(Reason::NoNextHop),
            mtu: low,
        }),
    }
}

#[inline(always)]
fn through(
    context: &XdpContext,
    link: &Link,
    is_syn: bool,
    number: u32,
    flow: u32,
) -> Result<u32, Stop> {
    let hop = maps::HOPS.get(number).ok_or(Reason::NoNextHop)?;
    take_hop(context, link.offset, hop)?;
    if is_syn && send::limits_segments(hop) {
        mss::clamp(context, link.offset, hop.mss);
    }
    let mut sum = Sum::default();
    if is_summed(hop) && sum_up(context.ctx, link.offset, &mut sum) == 0 {
        return Err(Reason::TunnelChecksum.into());
    }
    let entered = match mapped(hop.real) {
        Some(_) => into_ipv4(context.ctx, link.offset, hop, flow, sum),
        None => into_ipv6(context.ctx, link.offset, hop, flow, sum),
    };
    // The frame may be half changed.
    if entered == 0 {
        return Err(Reason::NoRoom.into());
    }
    send::leave(context, link, &Way::of(hop))?;
    Ok(hop.port)
}

/// Counts the packet's TTL or hop limit down, if it may go on and fits.
#[inline(always)]
fn take_hop(context: &XdpContext, offset: usize, hop: &Hop) -> Result<(), Stop> {
    let frame = frame(context);
    let inner = Inner::read(&frame, offset).ok_or(Reason::Truncated)?;
    send::check(&inner, hop)?;
    inner.take_hop(&frame, offset).ok_or(Reason::Truncated)?;
    Ok(())
}

#[inline(always)]
fn is_summed(hop: &Hop) -> bool {
    hop.checksum != 0 && hop.tunnel != Hop::IPIP
}

/// Sums the packet up that is to go into the tunnel: 1, or 0 when its bytes cannot be reached.
#[inline(never)]
fn sum_up(context: *mut xdp_md, offset: usize, sum: &mut Sum) -> u32 {
    let context = XdpContext::new(context);
    let inner = Inner::read(&frame(&context), offset);
    let found = inner.and_then(|inner| answer::sum(&context, offset, inner.length as usize));
    let Some(found) = found else {
        return 0;
    };
    *sum = found;
    1
}

/// Puts the packet at `link` into an IPv4 tunnel: 1, or 0 when there is no room.
#[inline(never)]
fn into_ipv4(context: *mut xdp_md, link: usize, hop: &Hop, flow: u32, sum: Sum) -> u32 {
    let context = &XdpContext::new(context);
    let put = || {
        let (kind, inner) = make_room(context, link, hop, Family::Ipv4)?;
        let [_, source] = source(hop, flow);
        let random = if inner.dont_fragment {
            0
        } else {
            // SAFETY: a helper without arguments.
            unsafe { bpf_get_prandom_u32() }
        };
        let outer = Outer {
            kind,
            source: ((source >> 32) as u32).to_le_bytes(),
            destination: mapped(hop.real)?,
            port: hop.tunnel_port,
            flow,
            identification: (random as u16).to_be_bytes(),
        };
        let sum = is_summed(hop).then_some(sum);
        encapsulate::to_ipv4(&frame(context), link, &outer, &inner, sum).ok()
    };
    put().is_some() as u32
}

/// The same with an IPv6 tunnel.
#[inline(never)]
fn into_ipv6(context: *mut xdp_md, link: usize, hop: &Hop, flow: u32, sum: Sum) -> u32 {
    let context = &XdpContext::new(context);
    let put = || {
        let (kind, inner) = make_room(context, link, hop, Family::Ipv6)?;
        let outer = Outer {
            kind,
            source: source(hop, flow).map(u64::to_le_bytes),
            destination: words(hop.real).map(u64::to_le_bytes),
            port: hop.tunnel_port,
            flow,
            identification: [0; 2],
        };
        let sum = is_summed(hop).then_some(sum);
        encapsulate::to_ipv6(&frame(context), link, &outer, &inner, sum).ok()
    };
    put().is_some() as u32
}

/// Makes room for the tunnel's headers in front. The packet is read only then, because the stack is too small to keep it
/// meanwhile.
#[inline(always)]
fn make_room(context: &XdpContext, link: usize, hop: &Hop, outer: Family) -> Option<(Kind, Inner)> {
    let kind = Kind::from_number(hop.tunnel)?;
    let bytes = tunnel::overhead(kind, is_summed(hop), outer);
    // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
    if unsafe { bpf_xdp_adjust_head(context.ctx, -(bytes as i32)) } != 0 {
        return None;
    }
    let inner = Inner::read(&frame(context), link + bytes)?;
    Some((kind, inner))
}

/// The outer source, as two words: its low `spread` bits come from the flow, so that a network card that sees no ports in tunnels
/// spreads flows over its queues all the same.
#[inline(always)]
fn source(hop: &Hop, flow: u32) -> [u64; 2] {
    let [high, low] = words(hop.source_address);
    let varied = ((1_u64 << (hop.spread & 0x3f)) - 1) as u32;
    let last = ((low >> 32) as u32).swap_bytes() & !varied | flow & varied;
    [high, low as u32 as u64 | (last.swap_bytes() as u64) << 32]
}

/// The IPv4 address that is mapped into this IPv6 address.
#[inline(always)]
fn mapped(address: [u8; 16]) -> Option<[u8; 4]> {
    const PREFIX: u32 = u32::from_le_bytes([0, 0, 0xff, 0xff]);
    let [high, low] = words(address);
    (high == 0 && low as u32 == PREFIX).then_some(((low >> 32) as u32).to_le_bytes())
}

/// A packet of either family, as far as tunnels look.
impl Datagram for Inner {
    #[inline(always)]
    fn hops_left(&self) -> u8 {
        self.hops
    }

    #[inline(always)]
    fn take_hop(&self, frame: &Frame<'_>, offset: usize) -> Option<()> {
        match self.family {
            Family::Ipv4 => {
                let [ttl, protocol, high, low]: [u8; 4] = frame.read(offset + 8)?;
                let [high, low] = checksum::after_ttl_decrement([high, low]);
                frame.write(offset + 8, [ttl.wrapping_sub(1), protocol, high, low])
            }
            Family::Ipv6 => frame.write(offset + 7, self.hops.wrapping_sub(1)),
        }
    }

    #[inline(always)]
    fn length(&self) -> u32 {
        self.length
    }

    #[inline(always)]
    fn stays_whole(&self) -> bool {
        self.dont_fragment || self.family == Family::Ipv6
    }
}
