//! ICMP errors about connections go to the real server whose packet they are about. They say nothing of the client, so the
//! connection's state and time stay as they are.

use aya_ebpf::programs::XdpContext;
use dray_abi::{Port, Reason, Settings};
use dray_packet::{Frame, Refusal, Upper, icmp, ipv4, ipv6};

use crate::{
    answer, extension,
    family::Packet,
    frame,
    open::{self, Outcome},
    own, reason, translate, translation,
};

/// A family's packets as they are read from frames, and its ICMP.
pub(crate) trait Message: Packet {
    /// The error in the packet at `offset`, as if the client had sent it.
    fn error(context: &XdpContext, offset: usize) -> Result<Self, Reason>;

    /// Whether Linux looks at its checksum.
    fn is_checked(settings: &Settings) -> bool;

    /// The packet at `offset`, whole or the first fragment.
    fn parse(context: &XdpContext, offset: usize) -> Result<Self, Refusal>;

    /// The header of the packet at `offset`, and what it carries.
    fn header(context: &XdpContext, offset: usize) -> Result<(Self, Upper), Refusal>;

    /// The same without looking for what it carries.
    fn outer(frame: &Frame<'_>, offset: usize) -> Result<Self, Refusal>;
}

/// The destination of an ICMP error: its connection's. `offset` is where its IP header lies.
#[inline(always)]
pub(crate) fn relay<P: Message>(
    context: &XdpContext,
    port: &'static Port,
    offset: usize,
    tick: u32,
) -> Result<u32, Reason> {
    read::<P>(context, offset, tick).decode()?;
    let known = P::find();
    if known == 0 && P::note_reply() != 0 {
        return Err(Reason::Reply);
    }
    if known == 0 && port.settings.options & Settings::SCHEDULE_ICMP == 0 {
        return Err(Reason::OtherProtocol);
    }
    let changes = translate::sense().translation != 0 || known == 0 && translation::is_wanted();
    if (P::is_checked(&port.settings) || changes && P::FAMILY == 4)
        && is_right(context, offset) == 0
    {
        return Err(Reason::IcmpChecksum);
    }
    match known {
        0 => open::enter::<P>(),
        known => Ok(known),
    }
}

/// Reads the error; it waits in the scratch memory then.
#[inline(never)]
fn read<P: Message>(context: &XdpContext, offset: usize, tick: u32) -> Outcome {
    let waits = P::error(own(context), offset)
        .and_then(|error| open::wait_as_error(&error, error.place(), tick));
    Outcome::encode(waits.map(|()| 0))
}

/// Whether the checksum of the ICMP message in the IPv4 packet at `offset` is right: 1 if it is, else 0.
#[inline(never)]
fn is_right(context: &XdpContext, offset: usize) -> u32 {
    let context = own(context);
    let Ok((packet, upper)) = ipv4::header(&frame(context), offset) else {
        return 0;
    };
    let length = (offset + packet.length as usize).saturating_sub(upper.offset);
    answer::sum(context, upper.offset, length).is_some_and(|sum| sum.is_right()) as u32
}

impl Message for ipv4::Packet {
    #[inline(always)]
    fn error(context: &XdpContext, offset: usize) -> Result<Self, Reason> {
        icmp::parse4(&frame(context), offset).map_err(reason)
    }

    /// Linux 6.1.176 does whatever the forwarding method, all kernels where they change the message.
    #[inline(always)]
    fn is_checked(settings: &Settings) -> bool {
        settings.options & Settings::RULES_6_1_176 != 0
    }

    #[inline(always)]
    fn parse(context: &XdpContext, offset: usize) -> Result<Self, Refusal> {
        ipv4::parse(&frame(context), offset)
    }

    #[inline(always)]
    fn header(context: &XdpContext, offset: usize) -> Result<(Self, Upper), Refusal> {
        ipv4::header(&frame(context), offset)
    }

    #[inline(always)]
    fn outer(frame: &Frame<'_>, offset: usize) -> Result<Self, Refusal> {
        ipv4::header(frame, offset).map(|(packet, _)| packet)
    }
}

impl Message for ipv6::Packet {
    #[inline(always)]
    fn error(context: &XdpContext, offset: usize) -> Result<Self, Reason> {
        let drive = |walk| extension::drive(context, walk);
        icmp::parse6_by(&frame(context), offset, drive).map_err(|refusal| match refusal {
            Refusal::Fragment => Reason::IcmpFragment,
            other => reason(other),
        })
    }

    #[inline(always)]
    fn is_checked(_: &Settings) -> bool {
        false
    }

    #[inline(always)]
    fn parse(context: &XdpContext, offset: usize) -> Result<Self, Refusal> {
        let drive = |walk| extension::drive(context, walk);
        ipv6::parse_by(&frame(context), offset, drive)
    }

    #[inline(always)]
    fn header(context: &XdpContext, offset: usize) -> Result<(Self, Upper), Refusal> {
        extension::header(context, offset)
    }

    #[inline(always)]
    fn outer(frame: &Frame<'_>, offset: usize) -> Result<Self, Refusal> {
        ipv6::header_by(frame, offset, |walk| walk).map(|(packet, _)| packet)
    }
}
