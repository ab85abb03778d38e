//! The last stage: a packet becomes a frame for its destination's next hop.
//!
//! ```text
//! TTL, MTU ─▶ SYN: mss::clamp ─▶ TTL − 1 ─┬─────────────────▶ leave: VLAN tag, Ethernet addresses ─▶ port
//!                                         └─ tunnel::send ──▶
//! ```
//!
//! Nothing is changed before it is known that the packet fits, because an answer quotes it as it came.

use core::mem::offset_of;

use aya_ebpf::{helpers::bpf_xdp_adjust_head, programs::XdpContext};
use dray_abi::{Destination, Features, Hop, Reason};
use dray_packet::{
    TransportProtocol,
    ethernet::{self, CUSTOMER_TAG},
    tcp,
};

use crate::{
    constants,
    datagram::{Datagram, Hops},
    family::Packet,
    frame,
    link::Link,
    maps, mss, tunnel,
};

/// The way a packet leaves by.
pub(crate) enum Egress {
    /// The port that it came in by.
    SamePort,
    /// Another one.
    Port(u32),
}

impl Egress {
    #[inline(always)]
    pub(crate) fn by(port: u32) -> Self {
        if port == constants::port() {
            Self::SamePort
        } else {
            Self::Port(port)
        }
    }
}

/// Why a packet does not leave.
pub(crate) struct Stop {
    pub(crate) reason: Reason,
    /// The largest packet that fits, where that is the reason.
    pub(crate) mtu: u32,
}

impl From<Reason> for Stop {
    #[inline(always)]
    fn from(reason: Reason) -> Self {
        Self { reason, mtu: 0 }
    }
}

/// Makes the frame one for the destination's next hop. The packet may be one without a transport header.
#[inline(always)]
pub(crate) fn send<P: Packet>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    destination: &Destination,
) -> Result<Egress, Stop> {
    if destination.hop == 0 {
        return Err(unsendable(destination).into());
    }
    if destination.method() != Destination::DIRECT_ROUTING {
        if !is_tunnelled(destination) {
            return Err(unsendable(destination).into());
        }
        let is_syn = is_syn(packet);
        let flow = match constants::features() & Features::FLOW {
            0 => 0,
            _ => packet.flow_hash(),
        };
        return tunnel::send(context, link, is_syn, destination.hop, flow);
    }
    let hop = hop(destination)?;
    take_hop(context, link, packet, hop.mtu)?;
    // Its addresses are read only behind the tag: before, they would have to wait on the stack.
    tag(context, link, hop.vlan)?;
    address(context, addresses(hop))?;
    if limits_segments(hop) && is_syn(packet) {
        mss::clamp(context, Link::to(hop.vlan).offset(), hop.mss);
    }
    Ok(Egress::by(hop.port))
}

#[inline(always)]
fn is_tunnelled(destination: &Destination) -> bool {
    destination.method() == Destination::TUNNEL && constants::features() & Features::TUNNEL != 0
}

/// Whether the packet says how large segments may be.
#[inline(always)]
pub(crate) fn is_syn<P: Packet>(packet: &P) -> bool {
    packet.protocol() == TransportProtocol::Tcp && packet.flags() & tcp::SYN != 0
}

/// Whether what SYNs announce is limited on the way to this next hop.
#[inline(always)]
pub(crate) fn limits_segments(hop: &Hop) -> bool {
    hop.mss != 0 && constants::features() & Features::MSS != 0
}

/// The destination's next hop.
#[inline(always)]
pub(crate) fn hop(destination: &Destination) -> Result<&'static Hop, Reason> {
    maps::HOPS.get(destination.hop).ok_or(Reason::NoNextHop)
}

#[inline(always)]
fn unsendable(destination: &Destination) -> Reason {
    if destination.flags & Destination::LOCAL != 0 {
        Reason::LocalRealServer
    } else {
        Reason::NoNextHop
    }
}

/// Counts the packet's TTL or hop limit down, if it may go on and fits.
#[inline(always)]
pub(crate) fn take_hop<D: Datagram>(
    context: &XdpContext,
    link: &Link,
    datagram: &D,
    mtu: u32,
) -> Result<(), Stop> {
    let hops = datagram
        .hops(&frame(context), link.offset())
        .ok_or(Reason::Truncated)?;
    if hops.left() <= 1 {
        return Err(Reason::TimeToLive.into());
    }
    if datagram.length() > mtu {
        return Err(too_long(datagram, mtu));
    }
    hops.take();
    Ok(())
}

/// Why a packet does not leave that is longer than `mtu`.
#[inline(always)]
pub(crate) fn too_long<D: Datagram>(datagram: &D, mtu: u32) -> Stop {
    let reason = if datagram.stays_whole() {
        Reason::TooBig
    } else {
        Reason::NeedsFragmenting
    };
    Stop { reason, mtu }
}

/// What a frame's link layer becomes, and where it leaves.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    /// Destination and source of frames, as they lie in one.
    pub(crate) addresses: [u32; 3],
    /// VLAN identifier, 0 for none.
    pub(crate) vlan: u32,
    pub(crate) port: u32,
}

impl Way {
    #[inline(always)]
    pub(crate) fn of(hop: &Hop) -> Self {
        Self {
            addresses: addresses(hop),
            vlan: hop.vlan,
            port: hop.port,
        }
    }
}

/// Sends the frame, which came with this link layer.
#[inline(always)]
pub(crate) fn leave(context: &XdpContext, link: &Link, way: &Way) -> Result<Egress, Reason> {
    tag(context, link, way.vlan)?;
    address(context, way.addresses)?;
    Ok(Egress::by(way.port))
}

/// The addresses of frames for a next hop, as they lie in one.
#[inline(always)]
fn addresses(hop: &Hop) -> [u32; 3] {
    const { assert!(offset_of!(Hop, destination) == 0 && offset_of!(Hop, source) == 6) };
    // By words: byte by byte, as the compiler would copy the two fields, they cost a tenth of the whole way.
    // SAFETY: a hop begins with its twelve bytes of addresses and is as aligned as a word.
    unsafe { core::ptr::from_ref(hop).cast::<[u32; 3]>().read_volatile() }
}

#[inline(always)]
fn address(context: &XdpContext, addresses: [u32; 3]) -> Result<(), Reason> {
    frame(context)
        .write_words(0, addresses)
        .ok_or(Reason::Truncated)
}

/// Gives the frame the next hop's VLAN tag, or none.
#[inline(always)]
fn tag(context: &XdpContext, link: &Link, vlan: u32) -> Result<(), Reason> {
    let wanted = Link::to(vlan);
    if link.0 == wanted.0 {
        return Ok(());
    }
    retag(context, link, wanted).ok_or(Reason::NoRoom)
}

/// Adds, removes or rewrites VLAN tags. Whatever tags the frame has, it leaves with the next hop's one, or
/// none; the payload's EtherType stays in front of the payload.
#[inline(always)]
fn retag(context: &XdpContext, link: &Link, wanted: Link) -> Option<()> {
    let surplus = link.offset() as i32 - wanted.offset() as i32;
    // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
    if surplus != 0 && unsafe { bpf_xdp_adjust_head(context.ctx, surplus) } != 0 {
        return None;
    }
    if wanted.vlan() == 0 {
        return Some(());
    }
    let [high, low] = wanted.vlan().to_be_bytes();
    let [first, second] = CUSTOMER_TAG;
    frame(context).write(ethernet::LENGTH - 2, [first, second, high, low])
}
