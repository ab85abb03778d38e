//! Tunnels: a packet becomes the payload of one to its real server, which answers the client itself.
//!
//! ```text
//! send ─┬──────────────────────────────────────────────────▶ dray_tunnel: TTL ─▶ into_ipv4 │ into_ipv6
//!       └─ SYN, checksum: dray_prepare_tunnel: TTL ─▶ MSS ─▶ sum ─▶ dray_tunnel ────▶
//! ```
//!
//! What the outer headers say is `dray_packet::encapsulate`'s matter; here is how room is made for them in the kernel. All of it
//! is done by functions with a symbol, so that the way of other packets has no more stack and instructions for it.

use aya_ebpf::{
    bindings::xdp_md,
    helpers::{bpf_get_prandom_u32, bpf_xdp_adjust_head},
    programs::XdpContext,
};
use dray_abi::{Features, Hop, Reason};
use dray_packet::{
    Frame,
    checksum::Sum,
    encapsulate::{self, Inner, Outer},
    ethernet, ipv4, ipv6,
    tunnel::{self, Family, Kind},
};

use crate::{
    answer, constants,
    datagram::{Datagram, Hops},
    frame,
    link::Link,
    maps, mss,
    send::{self, Egress, Stop, Way},
    service::words,
};

/// Sends the packet through the tunnel of the next hop of that number. `flow` is a hash of the packet's flow, where any tunnel
/// needs one.
#[inline(always)]
pub(crate) fn send(
    context: &XdpContext,
    link: &Link,
    is_syn: bool,
    hop: u32,
    flow: u32,
) -> Result<Egress, Stop> {
    let enter = |prepared| dray_tunnel(context.ctx, link.0, prepared, hop, flow);
    let prepare = || decode(dray_prepare_tunnel(context.ctx, link.0, hop, is_syn as u32));
    // SYNs are rare, and so are tunnels with a checksum.
    let outcome = if is_syn && constants::features() & Features::MSS != 0 {
        enter(prepare()?)
    } else {
        match enter(0) {
            UNPREPARED => enter(prepare()?),
            outcome => outcome,
        }
    };
    decode(outcome).map(Egress::by)
}

/// What is known of a packet whose TTL is counted down and whose segments are limited: this, and if the tunnel has checksums the
/// sum of its bytes in the low half.
const PREPARED: u32 = 1 << 16;
/// [`dray_tunnel`] has changed nothing: the packet has to be prepared.
const UNPREPARED: u64 = u64::MAX;

/// Does for a packet what has a stack of its own: [`PREPARED`] with the sum, or as [`dray_tunnel`] why it does not leave.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_prepare_tunnel(context: *mut xdp_md, link: u32, hop: u32, is_syn: u32) -> u64 {
    encode(prepare(
        &XdpContext::new(context),
        Link(link),
        hop,
        is_syn != 0,
    ))
}

#[inline(always)]
fn prepare(context: &XdpContext, link: Link, number: u32, is_syn: bool) -> Result<u32, Stop> {
    let hop = maps::HOPS.get(number).ok_or(Reason::NoNextHop)?;
    let inner = Inner::read(&frame(context), link.offset()).ok_or(Reason::Truncated)?;
    send::take_hop(context, &link, &inner, hop.mtu)?;
    if is_syn && send::limits_segments(hop) {
        mss::clamp(context, link.offset(), hop.mss);
    }
    if !is_summed(hop) {
        return Ok(PREPARED);
    }
    let sum = answer::sum(context, link.offset(), inner.length as usize);
    Ok(PREPARED | sum.ok_or(Reason::TunnelChecksum)?.folded() as u32)
}

/// Sends the packet: the port that it leaves by; or one more than the reason why not in the high half, and the largest packet that
/// fits; or [`UNPREPARED`]. `prepared` is what [`dray_prepare_tunnel`] gave, or 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_tunnel(
    context: *mut xdp_md,
    link: u32,
    prepared: u32,
    hop: u32,
    flow: u32,
) -> u64 {
    let Some(hop) = maps::HOPS.get(hop) else {
        return encode(Err(Reason::NoNextHop.into()));
    };
    if prepared == 0 && is_summed(hop) {
        return UNPREPARED;
    }
    let context = &XdpContext::new(context);
    encode(through(context, Link(link), prepared, hop, flow))
}

#[inline(always)]
fn encode(result: Result<u32, Stop>) -> u64 {
    match result {
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

/// IPIP, the commonest, and each family have a copy of the code, out of which the compiler leaves what only others need.
#[inline(always)]
fn through(
    context: &XdpContext,
    link: Link,
    prepared: u32,
    hop: &Hop,
    flow: u32,
) -> Result<u32, Stop> {
    let tunnel = |kind| Tunnel {
        context,
        link,
        hop,
        kind,
        flow,
    };
    let family = Family::of_packet(&frame(context), link.offset()).ok_or(Reason::Truncated)?;
    match (family, Kind::from_number(hop.tunnel).ok_or(Reason::NoRoom)?) {
        (Family::Ipv4, Kind::Ipip) => tunnel(Kind::Ipip).enter(prepared, Inner::ipv4),
        (Family::Ipv4, kind) => tunnel(kind).enter(prepared, Inner::ipv4),
        (Family::Ipv6, Kind::Ipip) => tunnel(Kind::Ipip).enter(prepared, Inner::ipv6),
        (Family::Ipv6, kind) => tunnel(kind).enter(prepared, Inner::ipv6),
    }
}

#[inline(always)]
fn is_summed(hop: &Hop) -> bool {
    hop.checksum != 0 && hop.tunnel != Hop::IPIP
}

/// The tunnel that the packet behind `link` enters.
#[derive(Clone, Copy)]
struct Tunnel<'a> {
    context: &'a XdpContext,
    link: Link,
    hop: &'a Hop,
    kind: Kind,
    flow: u32,
}

impl Tunnel<'_> {
    /// Sends the packet, of a family that `read` is for. Gives the port that it leaves by.
    #[inline(always)]
    fn enter(
        self,
        prepared: u32,
        read: impl FnOnce(&Frame<'_>, usize) -> Option<Inner>,
    ) -> Result<u32, Stop> {
        let frame = frame(self.context);
        let mut inner = read(&frame, self.link.offset()).ok_or(Reason::Truncated)?;
        if prepared == 0 {
            send::take_hop(self.context, &self.link, &inner, self.hop.mtu)?;
            inner.hops = inner.hops.wrapping_sub(1);
        }
        let is_summed = self.kind != Kind::Ipip && self.hop.checksum != 0;
        let sum = is_summed.then_some(Sum::of_words([prepared & (PREPARED - 1)]));
        let entered = match mapped(self.hop.real) {
            Some(real) => self.into_ipv4(real, &inner, sum),
            None => self.into_ipv6(&inner, sum),
        };
        // The frame may be half changed.
        entered.ok_or(Reason::NoRoom)?;
        Ok(self.hop.port)
    }

    #[inline(always)]
    fn into_ipv4(self, real: [u8; 4], inner: &Inner, sum: Option<Sum>) -> Option<()> {
        let at = self.make_room(Family::Ipv4, sum.is_some())?;
        let [_, source] = source(self.hop, self.flow);
        let random = if inner.dont_fragment {
            0
        } else {
            // SAFETY: a helper without arguments.
            unsafe { bpf_get_prandom_u32() }
        };
        let outer = Outer {
            kind: self.kind,
            source: ((source >> 32) as u32).to_le_bytes(),
            destination: real,
            port: self.hop.tunnel_port,
            flow: self.flow,
            identification: (random as u16).to_be_bytes(),
        };
        encapsulate::to_ipv4(&frame(self.context), at, &outer, inner, sum).ok()
    }

    #[inline(always)]
    fn into_ipv6(self, inner: &Inner, sum: Option<Sum>) -> Option<()> {
        let at = self.make_room(Family::Ipv6, sum.is_some())?;
        let outer = Outer {
            kind: self.kind,
            source: source(self.hop, self.flow).map(u64::to_le_bytes),
            destination: words(self.hop.real).map(u64::to_le_bytes),
            port: self.hop.tunnel_port,
            flow: self.flow,
            identification: [0; 2],
        };
        encapsulate::to_ipv6(&frame(self.context), at, &outer, inner, sum).ok()
    }

    /// Makes room for its headers and writes the link layer that the frame leaves with; what was there need not move, because
    /// nothing of it stays. Gives where the headers belong.
    #[inline(always)]
    fn make_room(self, outer: Family, is_summed: bool) -> Option<usize> {
        let leaving = Link::to(self.hop.vlan);
        let headers = tunnel::overhead(self.kind, is_summed, outer);
        let bytes = headers + leaving.offset() - self.link.offset();
        // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
        if unsafe { bpf_xdp_adjust_head(self.context.ctx, -(bytes as i32)) } != 0 {
            return None;
        }
        let way = Way::of(self.hop);
        let frame = frame(self.context);
        ethernet::write(&frame, way.addresses, way.vlan as u16, outer.ether_type())?;
        Some(leaving.offset())
    }
}

/// The outer source, as two words: its low `spread` bits come from the flow, so that a network card that sees no ports in tunnels
/// spreads flows over its queues all the same.
#[inline(always)]
fn source(hop: &Hop, flow: u32) -> [u64; 2] {
    let [high, low] = words(hop.source_address);
    if constants::features() & Features::FLOW == 0 {
        return [high, low];
    }
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
    type Hops<'a> = HopsOfEither<'a>;

    #[inline(always)]
    fn hops<'a>(&self, frame: &Frame<'a>, offset: usize) -> Option<HopsOfEither<'a>> {
        match self.family {
            Family::Ipv4 => ipv4::Hops::of(frame, offset).map(HopsOfEither::Ipv4),
            Family::Ipv6 => ipv6::Hops::of(frame, offset).map(HopsOfEither::Ipv6),
        }
    }

    #[inline(always)]
    fn hops_left(&self) -> u8 {
        self.hops
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

/// The TTL or hop limit of a packet of either family.
#[derive(Clone, Copy)]
pub(crate) enum HopsOfEither<'a> {
    Ipv4(ipv4::Hops<'a>),
    Ipv6(ipv6::Hops<'a>),
}

impl Hops for HopsOfEither<'_> {
    #[inline(always)]
    fn left(self) -> u8 {
        match self {
            Self::Ipv4(hops) => hops.left(),
            Self::Ipv6(hops) => hops.left(),
        }
    }

    #[inline(always)]
    fn take(self) {
        match self {
            Self::Ipv4(hops) => hops.take(),
            Self::Ipv6(hops) => hops.take(),
        }
    }
}
