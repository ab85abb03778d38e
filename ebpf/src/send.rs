//! The last stage: a packet becomes a frame for its destination's next hop.
//!
//! ```text
//! TTL, MTU ─▶ TTL − 1 ─▶ leave: VLAN tag, Ethernet addresses ─▶ port
//! ```
//!
//! Nothing is changed before it is known that the packet fits, because an answer quotes it as it came.

use aya_ebpf::{helpers::bpf_xdp_adjust_head, programs::XdpContext};
use dray_abi::{Destination, Hop, Reason};
use dray_packet::ethernet::{self, Addresses, CUSTOMER_TAG, TAG_LENGTH};

use crate::{
    constants,
    family::{Datagram, Link},
    frame, maps,
};

/// The way a packet leaves by.
pub(crate) enum Egress {
    /// The port that it came in by.
    SamePort,
    /// Another one.
    Port(u32),
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

/// Makes the frame one for the destination's next hop.
#[inline(always)]
pub(crate) fn send<D: Datagram>(
    context: &XdpContext,
    link: &Link,
    datagram: &D,
    destination: &Destination,
) -> Result<Egress, Stop> {
    if destination.hop == 0 || destination.method() != Destination::DIRECT_ROUTING {
        return Err(unsendable(destination).into());
    }
    let hop = hop(destination)?;
    check(datagram, hop)?;
    datagram
        .take_hop(&frame(context), link.offset)
        .ok_or(Reason::Truncated)?;
    Ok(leave(context, link, &Way::of(hop))?)
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

/// Whether the packet may go on, and fits.
#[inline(always)]
pub(crate) fn check<D: Datagram>(datagram: &D, hop: &Hop) -> Result<(), Stop> {
    if datagram.hops_left() <= 1 {
        return Err(Reason::TimeToLive.into());
    }
    if datagram.length() > hop.mtu {
        let reason = if datagram.stays_whole() {
            Reason::TooBig
        } else {
            Reason::NeedsFragmenting
        };
        let mtu = hop.mtu;
        return Err(Stop { reason, mtu });
    }
    Ok(())
}

/// What a frame's link layer becomes, and where it leaves.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) addresses: Addresses,
    /// VLAN identifier, 0 for none.
    pub(crate) vlan: u32,
    pub(crate) port: u32,
}

impl Way {
    #[inline(always)]
    pub(crate) fn of(hop: &Hop) -> Self {
        let addresses = Addresses {
            destination: hop.destination,
            source: hop.source,
        };
        Self {
            addresses,
            vlan: hop.vlan,
            port: hop.port,
        }
    }
}

/// Sends the frame, which came with this link layer.
#[inline(always)]
pub(crate) fn leave(context: &XdpContext, link: &Link, way: &Way) -> Result<Egress, Reason> {
    if link.tags != (way.vlan != 0) as usize || link.vlan as u32 != way.vlan {
        retag(context, link.tags as u32, way.vlan).ok_or(Reason::NoRoom)?;
    }
    frame(context)
        .write(0, way.addresses)
        .ok_or(Reason::Truncated)?;
    if way.port == constants::port() {
        Ok(Egress::SamePort)
    } else {
        Ok(Egress::Port(way.port))
    }
}

/// Adds, removes or rewrites VLAN tags. Whatever tags the frame has, it leaves with the next hop's one, or
/// none; the payload's EtherType stays in front of the payload.
#[inline(always)]
fn retag(context: &XdpContext, tags: u32, vlan: u32) -> Option<()> {
    let wanted = (vlan != 0) as i32;
    let surplus = (tags as i32 - wanted) * TAG_LENGTH as i32;
    // SAFETY: the helper gets the context that the kernel gave; frames are taken anew after it.
    if surplus != 0 && unsafe { bpf_xdp_adjust_head(context.ctx, surplus) } != 0 {
        return None;
    }
    if wanted == 0 {
        return Some(());
    }
    let [high, low] = (vlan as u16).to_be_bytes();
    let [first, second] = CUSTOMER_TAG;
    frame(context).write(ethernet::LENGTH - 2, [first, second, high, low])
}
