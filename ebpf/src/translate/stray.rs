//! Packets without ports of their own: later fragments, and ICMP errors, which quote a packet that went the other way.

use aya_ebpf::programs::XdpContext;
use dray_abi::{Reason, Translation};

use super::{
    Sides, Step, Translated, check, hop, job, learn, reason, room, sense, take_hop, way_back,
};
use crate::{
    fragment, frame, open,
    send::{self, Stop, Way},
    stats, table,
};

/// Makes the packet that waits one to the other side.
#[inline(always)]
pub(super) fn pass_on<P: Translated>(context: &XdpContext, is_error: bool) -> Result<Step, Stop> {
    let (job, sense) = (job()?, sense());
    let link = job.link;
    let datagram = P::outer(&frame(context), link.offset()).map_err(crate::reason)?;
    let slot = table::slot::<Translation>(sense.translation).ok_or(Reason::NoTranslation)?;
    let is_reply = sense.is_reply != 0;
    let length = datagram.length() as u64;
    // SAFETY: the slot of a translation, here and below.
    let family = unsafe {
        if is_reply {
            (&raw const (*slot).client_family).read_volatile()
        } else {
            (&raw const (*slot).server_family).read_volatile()
        }
    };
    let (sides, mtu) = if is_reply {
        stats::count_reply(job.destination, length);
        let port = way_back(slot)?.port;
        (Sides::reply(slot), room(context, &datagram, 0, port))
    } else {
        stats::count_packet(job.destination, length);
        (Sides::forward(slot), hop(job.destination)?.1.mtu)
    };
    if family != P::FAMILY {
        return Err(Reason::OtherFamily.into());
    }
    check(&datagram, 0, mtu)?;
    let key = if is_error {
        if !is_reply {
            learn::first_hop(context, &link, slot);
        }
        sides.key::<P, P>(&open::arrival::<P>()?.packet)?.0
    } else {
        // SAFETY: as above.
        if !fragment::is_of(sense.translation) || !unsafe { datagram.is_between(sides.own) } {
            return Err(Reason::NoTranslation.into());
        }
        // SAFETY: as above.
        P::turned(&unsafe { P::load(sides.other) })
    };
    take_hop(context, &link, &datagram)?;
    let rewritten = if is_error {
        P::rewrite_error(context, link.offset(), &key)
    } else {
        P::rewrite_fragment(&frame(context), link.offset(), &key)
    };
    rewritten.map_err(reason)?;
    // Found only now, because the stack has no room for it before.
    let way = if is_reply {
        way_back(slot)?
    } else {
        Way::of(hop(super::job()?.destination)?.1)
    };
    Ok(Step::Gone(send::leave(context, &link, &way)?))
}
