//! The data plane. A packet's way, as a table of contents:
//!
//! ```text
//! director ─▶ ethernet ─▶ IPv4 │ IPv6 ─▶ connection::find ─┬─ hit ─▶ connection::refresh ─┐
//!                                                          └─ miss ─▶ open::open ─────────┤
//!                                          XDP_TX │ XDP_REDIRECT ◀─ direct_routing::send ◀┘
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

mod atomic;
mod clock;
mod connection;
mod constants;
mod direct_routing;
mod family;
mod lab;
mod maps;
mod open;
mod stats;
mod tables;

use aya_ebpf::{bindings::xdp_action, macros::xdp, programs::XdpContext};
use dray_abi::{Port, Reason, Verdict};
use dray_packet::{Frame, Refusal, TransportProtocol, ethernet, ipv4, ipv6, tcp};

use crate::{
    connection::Found,
    direct_routing::Egress,
    family::{Link, Packet},
    open::Arrival,
};

/// Forwards what belongs to a virtual service and leaves everything else to the host.
#[xdp(frags)]
pub fn director(context: XdpContext) -> u32 {
    match forward(&context).and_then(leave) {
        Ok(verdict) => verdict,
        Err(reason) => {
            stats::count_reason(reason);
            match reason.verdict() {
                Verdict::Pass | Verdict::Forward => xdp_action::XDP_PASS,
                Verdict::Drop => xdp_action::XDP_DROP,
            }
        }
    }
}

#[inline(always)]
fn forward(context: &XdpContext) -> Result<Egress, Reason> {
    let frame = frame(context);
    let ethernet = ethernet::parse(&frame).map_err(reason)?;
    let port = maps::port()?;
    if ethernet.destination != port.mac {
        return Err(Reason::OtherHost);
    }
    let link = Link {
        offset: ethernet.length(),
        vlan: ethernet.vlan,
        tags: ethernet.tags,
    };
    match ethernet.ether_type {
        ethernet::IPV4 => {
            let packet = ipv4::parse(&frame, link.offset).map_err(reason)?;
            balance(context, port, &link, &packet)
        }
        ethernet::IPV6 => {
            let packet = ipv6::parse(&frame, link.offset).map_err(reason)?;
            balance(context, port, &link, &packet)
        }
        _ => Err(Reason::NotIp),
    }
}

/// From a client's packet to the way it leaves by, for either family.
#[inline(always)]
fn balance<P: Packet>(
    context: &XdpContext,
    port: &'static Port,
    link: &Link,
    packet: &P,
) -> Result<Egress, Reason> {
    let tick = clock::now(&port.settings);
    let place = packet.place();
    let destination = match connection::find(packet, place, &port.settings, tick) {
        Some(found) if !open::reopens(packet, found.meta) => {
            let state = match packet.protocol() {
                TransportProtocol::Tcp => tcp::after_input(found.meta.state(), packet.flags()),
                TransportProtocol::Udp => found.meta.state(),
            };
            connection::refresh(&found, tick, state);
            found.meta.destination()
        }
        found => {
            let ended = found.unwrap_or(Found::NONE);
            open::open(&Arrival {
                packet: *packet,
                place,
                port,
                tick,
                ended,
            })
            .decode()?
        }
    };
    stats::count_packet(destination, packet.length());
    direct_routing::send(context, link, packet, destination)
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
