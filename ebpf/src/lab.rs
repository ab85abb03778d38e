//! Helpers of the lab, which has veth pairs for cables and no VLAN devices.

use aya_ebpf::{
    bindings::xdp_action, helpers::bpf_xdp_adjust_head, macros::xdp, programs::XdpContext,
};
use dray_packet::ethernet::{Addresses, CUSTOMER_TAG, TAG_LENGTH};

use crate::{constants, frame, maps};

/// Passes everything. A veth delivers frames that XDP sends only when its other end has a program, too.
#[xdp(frags)]
pub fn pass(_context: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// Pushes the VLAN tag of next hop 0 and sends the frame out by port 0: the trunk of a switch without VLANs.
#[xdp(frags)]
pub fn tag(context: XdpContext) -> u32 {
    push_tag(&context).map_or(xdp_action::XDP_ABORTED, |()| {
        maps::EGRESS
            .redirect(constants::port(), 0)
            .unwrap_or(xdp_action::XDP_ABORTED)
    })
}

#[inline(always)]
fn push_tag(context: &XdpContext) -> Option<()> {
    let addresses: Addresses = frame(context).read(0)?;
    let vlan = maps::HOPS.get(0)?.vlan;
    // SAFETY: the helper gets the context that the kernel gave; the frame is taken anew after it.
    if unsafe { bpf_xdp_adjust_head(context.ctx, -(TAG_LENGTH as i32)) } != 0 {
        return None;
    }
    let [high, low] = (vlan as u16).to_be_bytes();
    let [first, second] = CUSTOMER_TAG;
    let tagged = frame(context);
    tagged.write(0, addresses)?;
    tagged.write(12, [first, second, high, low])
}
