//! Direct routing: the packet leaves as it came, but for its Ethernet addresses, its TTL, and its VLAN tag
//! where the real server is on another VLAN than the client.

use core::mem::offset_of;

use aya_ebpf::{helpers::bpf_xdp_adjust_head, programs::XdpContext};
use dray_abi::{Destination, Hop, Reason};
use dray_packet::ethernet::{self, CUSTOMER_TAG, TAG_LENGTH};

use crate::{
    constants,
    family::{Datagram, Link},
    frame, maps,
};

/// IPVS's number of this forwarding method.
const METHOD: u16 = 3;

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
    if destination.hop == 0 || destination.method() != METHOD {
        return Err(unsendable(destination).into());
    }
    let hop = maps::HOPS.get(destination.hop).ok_or(Reason::NoNextHop)?;
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
    datagram
        .take_hop(&frame(context), link.offset)
        .ok_or(Reason::Truncated)?;
    if link.tags != (hop.vlan != 0) as usize || link.vlan as u32 != hop.vlan {
        retag(context, link.tags as u32, hop.vlan).ok_or(Reason::NoRoom)?;
    }
    write_addresses(context, hop)?;
    if hop.port == constants::port() {
        Ok(Egress::SamePort)
    } else {
        Ok(Egress::Port(hop.port))
    }
}

#[inline(always)]
fn unsendable(destination: &Destination) -> Reason {
    if destination.flags & Destination::LOCAL != 0 {
        Reason::LocalRealServer
    } else if destination.method() != METHOD {
        Reason::OtherMethod
    } else {
        Reason::NoNextHop
    }
}

#[inline(always)]
fn write_addresses(context: &XdpContext, hop: &Hop) -> Result<(), Reason> {
    const { assert!(offset_of!(Hop, destination) == 0 && offset_of!(Hop, source) == 6) };
    // By words: byte by byte, as the compiler would copy the two fields, they cost a tenth of the whole way.
    // SAFETY: a hop begins with its twelve bytes of addresses and is as aligned as a word.
    let addresses = unsafe { core::ptr::from_ref(hop).cast::<[u32; 3]>().read() };
    frame(context)
        .write_words(0, addresses)
        .ok_or(Reason::Truncated)
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
