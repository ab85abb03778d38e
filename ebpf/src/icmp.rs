//! ICMP errors about connections go to the real server whose packet they are about. They say nothing of the client, so the
//! connection's state and time stay as they are.

use aya_ebpf::programs::XdpContext;
use dray_abi::{Meta, Port, Reason, Settings};
use dray_packet::{Refusal, TransportProtocol, icmp, ipv4, ipv6, sctp, state::State, tcp};

use crate::{
    answer, atomic, connection, extension,
    family::Packet,
    frame,
    open::{self, Outcome},
    reason,
    slot::Slot as _,
    stats,
    table::{self, Found},
};

/// How long a connection lasts that began with an error: IPVS's time for one before its first packet, 3 s, in ticks.
const NO_PACKET_YET: u32 = (3_000_000_000_u64 >> dray_abi::TICK_SHIFT) as u32;

/// A family's ICMP.
pub(crate) trait Message: Packet {
    /// The error in the packet at `offset`, as if the client had sent it.
    fn error(context: &XdpContext, offset: usize) -> Result<Self, Reason>;

    /// Whether its checksum is right, as far as Linux looks.
    fn is_right(&self, context: &XdpContext, settings: &Settings, offset: usize) -> bool;

    /// The same with other TCP flags, or another SCTP event.
    fn with_flags(self, flags: u8) -> Self;
}

/// The destination of an ICMP error: its connection's. `offset` is where its IP header lies.
#[inline(never)]
pub(crate) fn relay<P: Message>(
    context: &XdpContext,
    port: &'static Port,
    offset: usize,
    tick: u32,
) -> Outcome {
    Outcome::encode(destination::<P>(context, port, offset, tick))
}

#[inline(always)]
fn destination<P: Message>(
    context: &XdpContext,
    port: &'static Port,
    offset: usize,
    tick: u32,
) -> Result<u32, Reason> {
    let error = P::error(context, offset)?;
    let settings = &port.settings;
    let number = match connection::find(&error, error.place(), tick) {
        Some(found) => found.meta.destination(),
        None if is_reply(&error, tick) => return Err(Reason::Reply),
        None => schedule(error, settings, tick)?,
    };
    if error.is_right(context, settings, offset) {
        Ok(number)
    } else {
        Err(Reason::IcmpChecksum)
    }
}

/// Whether it is a real server's error about a client's packet, which the host routes; if so it is counted.
#[inline(always)]
fn is_reply<P: Packet>(error: &P, tick: u32) -> bool {
    let key = error.reply_key();
    let Some(found) = table::find::<P::Slot>(&key, P::Slot::place(&key), tick) else {
        return false;
    };
    stats::count_reply(found.meta.destination(), u64::from(error.length()));
    true
}

/// With `schedule_icmp` an error about nothing known begins a connection, as the packet that it is about would have.
#[inline(always)]
fn schedule<P: Message>(error: P, settings: &Settings, tick: u32) -> Result<u32, Reason> {
    if settings.options & Settings::SCHEDULE_ICMP == 0 {
        return Err(Reason::OtherProtocol);
    }
    let opening = match error.protocol() {
        TransportProtocol::Tcp => tcp::SYN,
        TransportProtocol::Udp => 0,
        TransportProtocol::Sctp => sctp::INIT,
    };
    let place = error.place();
    let number = open::open(&error.with_flags(opening), place, tick, Found::NONE)?;
    if let Some(found) = connection::find(&error, place, tick) {
        unjudge::<P>(&found, error.protocol(), tick);
    }
    Ok(number)
}

/// Takes back what the connection was told of a first packet: there was none.
#[inline(always)]
fn unjudge<P: Packet>(found: &Found<P::Slot>, protocol: TransportProtocol, tick: u32) {
    let before = found.meta;
    let state = State::first(protocol) as u8;
    let over = tick.wrapping_add(NO_PACKET_YET);
    let meta = Meta::new(over, before.destination(), state | before.flags());
    // SAFETY: the word of a slot. If another processor has changed it meanwhile, a packet of the connection came.
    if unsafe { atomic::replace(P::Slot::meta(found.slot), before.0, meta.0) } {
        stats::move_connection(before.destination(), before.state(), state);
    }
}

impl Message for ipv4::Packet {
    #[inline(always)]
    fn error(context: &XdpContext, offset: usize) -> Result<Self, Reason> {
        icmp::parse4(&frame(context), offset).map_err(reason)
    }

    /// Linux 6.1.176 looks at it whatever the forwarding method, later kernels only where they change the message.
    #[inline(always)]
    fn is_right(&self, context: &XdpContext, settings: &Settings, offset: usize) -> bool {
        if settings.options & Settings::RULES_6_1_176 == 0 {
            return true;
        }
        let Some(version_ihl) = frame(context).read::<u8>(offset) else {
            return false;
        };
        let header = (version_ihl & 0xf) as usize * 4;
        let length = (self.length as usize).saturating_sub(header);
        answer::sum(context, offset + header, length).is_some_and(|sum| sum.is_right())
    }

    #[inline(always)]
    fn with_flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
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
    fn is_right(&self, _: &XdpContext, _: &Settings, _: usize) -> bool {
        true
    }

    #[inline(always)]
    fn with_flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }
}
