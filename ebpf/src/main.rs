//! The data plane. A packet's way, as a table of contents:
//!
//! ```text
//! director ─▶ ethernet ─▶ IPv4 │ IPv6 ─▶ connection::find ─┬─ hit ─▶ connection::refresh ─┐
//!                            │             (later fragment: └─ miss ─▶ open::open ────────┤
//!                            │              fragment::follow ─────────────────────────────┤
//!                            └─▶ icmp::relay (an error about a connection) ───────────────┤
//!                              XDP_TX │ XDP_REDIRECT ◀─┬─ send::send ◀─────────────────────┤
//!                                                      └─ translate::pass (NAT, FULLNAT) ◀┘
//!                              XDP_TX ◀─ answer (no real server, TTL, MTU)
//! ```
//!
//! Only this file knows XDP's verdicts. Every stage gives a [`Reason`] when a packet's way ends there; what
//! becomes of it then, and where it is counted, is the reason's matter.
//!
//! What an established connection's packet runs through is one function; [`open`], which is long and rare, is
//! called, so that it costs the others no registers.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch, core_intrinsics)]
#![expect(internal_features, reason = "core has no atomics for this target")]

mod answer;
mod atomic;
mod clock;
mod connection;
mod constants;
mod datagram;
mod decapsulator;
mod extension;
mod family;
mod fragment;
mod guest;
mod icmp;
mod lab;
mod link;
mod local;
mod maps;
mod marks;
mod mss;
mod open;
mod reply;
mod schedule;
mod send;
mod service;
mod sip;
mod slot;
mod stats;
mod table;
mod tables;
mod template;
mod translate;
mod translation;
mod tunnel;

use aya_ebpf::{bindings::xdp_action, macros::xdp, programs::XdpContext};
use dray_abi::{Destination, Meta, Port, Reason, Settings, Verdict};
use dray_packet::{Frame, Refusal, ethernet, hash::Place, ipv4, ipv6, state::State};

use crate::{
    connection::Event,
    family::Packet,
    icmp::Message as _,
    link::Link,
    send::{Egress, Stop},
    table::Seen,
    translate::{Sense, Translated},
};

/// Forwards what belongs to a virtual service and leaves everything else to the host.
#[xdp(frags)]
pub fn director(context: XdpContext) -> u32 {
    match forward(&context).and_then(leave) {
        Ok(verdict) => verdict,
        Err(reason) => {
            stats::count_reason(reason);
            match reason.verdict() {
                Verdict::Pass => xdp_action::XDP_PASS,
                Verdict::Forward => xdp_action::XDP_TX,
                Verdict::Drop => xdp_action::XDP_DROP,
            }
        }
    }
}

#[inline(always)]
fn forward(context: &XdpContext) -> Result<Egress, Reason> {
    let ethernet = ethernet::parse(&frame(context)).map_err(reason)?;
    let port = maps::port()?;
    if ethernet.destination != port.mac {
        return Err(Reason::OtherHost);
    }
    let link = Link::of(&ethernet);
    let tick = clock::now(&port.settings);
    let outcome = match ethernet.ether_type {
        ethernet::IPV4 => match ipv4::Packet::parse(context, link.offset()) {
            Ok(packet) => balance(context, port, &link, &packet, tick),
            Err(refusal) => stray::<ipv4::Packet>(context, port, &link, refusal, tick),
        },
        ethernet::IPV6 => match ipv6::Packet::parse(context, link.offset()) {
            Ok(packet) => balance(context, port, &link, &packet, tick),
            Err(refusal) => stray::<ipv6::Packet>(context, port, &link, refusal, tick),
        },
        _ => return Err(Reason::NotIp),
    };
    outcome.map_err(|stop| {
        if answer::is_due(stop.reason) {
            answer::answer(context, stop.reason, link.offset(), stop.mtu, tick)
        } else {
            stop.reason
        }
    })
}

/// From a client's packet to the way it leaves by, for either family.
#[inline(always)]
fn balance<P: Translated>(
    context: &XdpContext,
    port: &'static Port,
    link: &Link,
    packet: &P,
    tick: u32,
) -> Result<Egress, Stop> {
    let settings = &port.settings;
    let place = packet.place();
    let (number, destination) = match find(packet, place, settings, tick)? {
        Seat::Taken(number, destination) => (number, destination),
        Seat::Translated(number, sense) => {
            return translate::pass(context, link, packet, place, tick, (number, sense));
        }
        Seat::Free(ended) => {
            let number = take_seat(context, link, packet, place, tick, ended)?;
            if translation::is_wanted() && translate::sense().translation != 0 {
                let way = (number, translate::sense());
                return translate::pass(context, link, packet, place, tick, way);
            }
            (number, maps::destination(number)?)
        }
    };
    stats::count_packet(number, packet.length() as u64);
    if packet.has_fragments() {
        fragment::remember(packet, tick, number, Sense::NONE);
    }
    send::send(context, link, packet, destination)
}

/// The destination of a packet without a connection; `ended` is one of the same key that is no more.
#[inline(always)]
fn take_seat<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    place: Place,
    tick: u32,
    ended: Option<Seen<P::Slot>>,
) -> Result<u32, Reason> {
    open::wait(packet, place, tick, ended, false)?;
    match open::enter::<P>() {
        // The service's persistence engine has to look at the packet first.
        Err(Reason::NoSession) if sip::read::<P>(context, link.offset()) != 0 => open::enter::<P>(),
        result => result,
    }
}

/// What there is for a packet.
enum Seat<S> {
    /// A connection: its destination.
    Taken(u32, &'static Destination),
    /// A connection with a translation.
    Translated(u32, Sense),
    /// None; one of the same key that is no more, if there was one.
    Free(Option<Seen<S>>),
}

/// Finds the packet's connection and notes the packet in it.
#[inline(always)]
fn find<P: Packet>(
    packet: &P,
    place: Place,
    settings: &Settings,
    tick: u32,
) -> Result<Seat<P::Slot>, Reason> {
    let event = Event::of(packet);
    let kept = event.kept_state();
    let Some(seen) = table::see::<P::Slot>(packet.key(), place, tick) else {
        return Ok(Seat::Free(None));
    };
    let meta = seen.meta;
    let sense = Sense::of(&seen);
    if sense.is_reply != 0 {
        return Ok(Seat::Translated(meta.destination(), sense));
    }
    let destination = maps::destination(meta.destination())?;
    let is_usual = meta.state() == kept;
    if !is_usual && packet.is_new() && begins_anew(meta, destination, settings) {
        return Ok(Seat::Free(Some(seen)));
    }
    if destination.flags & Destination::AVAILABLE == 0 {
        if settings.options & Settings::EXPIRE_NODEST_CONN != 0 {
            return Ok(Seat::Free(Some(seen)));
        }
        if settings.options & Settings::FINISH_REMOVED == 0 {
            return Err(Reason::RealServerRemoved);
        }
    }
    connection::note(&seen, settings, tick, event, kept);
    if sense.translation != 0 {
        return Ok(Seat::Translated(meta.destination(), sense));
    }
    Ok(Seat::Taken(meta.destination(), destination))
}

/// Whether a packet that asks for a new connection gets one, though its client's last one is known.
#[inline(always)]
fn begins_anew(meta: Meta, destination: &Destination, settings: &Settings) -> bool {
    let options = settings.options;
    if options & Settings::EXPIRE_NODEST_CONN != 0 && destination.flags & Destination::QUIESCED != 0
    {
        return true;
    }
    if meta.flags() & Meta::CONTROLLED != 0 {
        return false;
    }
    let closed = [State::TimeWait, State::Close, State::SctpClosed];
    let waits = meta.state() == State::FinWait as u8 && meta.flags() & Meta::REPLIED == 0;
    options & Settings::REUSE_FIN_WAIT != 0 && waits
        || options & (Settings::REUSE_CLOSED | Settings::REUSE_FIN_WAIT) != 0
            && closed.iter().any(|state| meta.state() == *state as u8)
}

/// From a packet without ports to the way it leaves by: that of the connection that it is about.
#[inline(always)]
fn stray<P: Translated>(
    context: &XdpContext,
    port: &'static Port,
    link: &Link,
    refusal: Refusal,
    tick: u32,
) -> Result<Egress, Stop> {
    let (number, is_error) = match refusal {
        Refusal::Fragment => {
            let number = fragment::follow::<P>(context, link.offset(), tick).decode()?;
            (number, false)
        }
        Refusal::OtherProtocol => {
            let number = icmp::relay::<P>(context, port, link.offset(), tick)?;
            (number, true)
        }
        Refusal::Truncated => return Err(Reason::Truncated.into()),
    };
    if translation::is_wanted() && translate::sense().translation != 0 {
        return translate::stray::<P>(context, link, number, is_error);
    }
    let datagram = P::outer(&frame(context), link.offset()).map_err(reason)?;
    let destination = maps::destination(number)?;
    stats::count_packet(number, datagram.length() as u64);
    send::send(context, link, &datagram, destination)
}

#[inline(always)]
fn leave(egress: Egress) -> Result<u32, Reason> {
    match egress {
        Egress::SamePort => Ok(xdp_action::XDP_TX),
        // The kernel takes an interface that goes out of the map, so that its next hops are none any more.
        Egress::Port(port) => maps::EGRESS
            .redirect(port, 0)
            .map_err(|_| Reason::NoNextHop),
    }
}

#[inline(always)]
fn frame(context: &XdpContext) -> Frame<'_> {
    // SAFETY: the kernel gives data..data_end to this run of the program alone.
    unsafe { Frame::from_raw(context.data() as *mut u8, context.data_end() as *mut u8) }
}

/// The same context, for a function that is not inlined: the compiler would have its callers pass the two addresses that it
/// reads of it, which the verifier then does not know for addresses any more.
#[inline(always)]
fn own(context: &XdpContext) -> &XdpContext {
    let mut context = core::ptr::from_ref(context);
    // SAFETY: the pointer stays what it was; the compiler no longer knows it.
    unsafe {
        core::arch::asm!("{0} = {0}", inout(reg) context, options(readonly, nostack, preserves_flags));
        &*context
    }
}

#[inline(always)]
fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::Truncated => Reason::Truncated,
        Refusal::Fragment => Reason::Fragment,
        Refusal::OtherProtocol => Reason::OtherProtocol,
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";
