//! Packets of translated connections (NAT, FULLNAT), either way: those of the client's become ones to the real server, those of the
//! real server's ones to the client.
//!
//! ```text
//! find ─┬─ the client's connection ─▶ forward ─┐
//!       └─ a return slot ───────────▶ reply ───┴─▶ rewrite ─▶ leave
//!                                              └─▶ finish: cross, complete, mss, tell ─▶ leave
//! follow, relay (fragments, ICMP errors) ────────▶ stray ─▶ leave
//! ```
//!
//! A packet of the client's is to carry the return slot's key turned round, one of the real server's the connection's turned
//! round. Nothing of the frame is changed before it is known that the packet fits, because an answer quotes it as it came.
//!
//! All of it is done by functions with a symbol, which the verifier looks at once, so that the way of a packet that keeps its
//! addresses has nothing of it. The first of them is told what is not quickly read from the frame again, which costs less than to
//! leave the packet in the scratch memory; those behind find it there.

mod cross;
mod family;
mod finish;
mod learn;
mod stray;
mod tell;

use aya_ebpf::programs::XdpContext;
use dray_abi::{Destination, Hop, Meta, Reason, Translation};
use dray_packet::{
    Obstacle,
    hash::Place,
    translate::{Changes, Mended},
};

use crate::{
    atomic, connection, constants,
    datagram::Hops,
    family::Packet,
    frame,
    link::Link,
    maps, open,
    send::{self, Egress, Stop, Way},
    slot::{ConnectionSlot, Slot},
    stats,
    table::{self, Seen},
    translation,
};

pub(crate) use family::Translated;
pub(crate) use finish::Rest;

/// A translation, and which way a packet goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Sense {
    /// 1 + its place; 0 for none.
    pub(crate) translation: u32,
    /// Not 0 for a packet of the real server's.
    pub(crate) is_reply: u32,
}

impl Sense {
    pub(crate) const NONE: Self = Self::forward(0);

    /// In a translation's place: there is none, because the packet is scheduled for itself alone. The key that it is to carry,
    /// turned round, lies in the scratch memory.
    pub(crate) const ONE_PACKET: u32 = 0xffff_ffff;

    #[inline(always)]
    pub(crate) const fn forward(translation: u32) -> Self {
        Self {
            translation,
            is_reply: 0,
        }
    }

    /// Of a packet with the key of that slot.
    #[inline(always)]
    pub(crate) fn of<S: ConnectionSlot>(seen: &Seen<S>) -> Self {
        if !translation::has(seen.meta) {
            return Self::NONE;
        }
        Self {
            translation: connection::named(seen),
            is_reply: (seen.meta.state() == Meta::RETURN) as u32,
        }
    }
}

/// The sense of the packet that was just given a connection, or found to be about one.
#[inline(always)]
pub(crate) fn sense() -> Sense {
    // SAFETY: the processor's own memory, and it has one packet in hand at a time.
    maps::scratch().map_or(Sense::NONE, |scratch| unsafe { (*scratch).sense })
}

/// What is known of a packet besides its [`Arrival`](crate::open::Arrival).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Job {
    /// The frame's link layer.
    link: Link,
    /// The connection's destination.
    destination: u32,
}

/// Lets the packet's job wait in the scratch memory.
#[inline(always)]
fn wait(link: Link, destination: u32) -> Result<(), Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: the processor's own memory, and it has one packet in hand at a time, here and below.
    unsafe { (*scratch).job = Job { link, destination } };
    Ok(())
}

/// The job of the packet that waits.
#[inline(always)]
fn job() -> Result<Job, Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    Ok(unsafe { (*scratch).job })
}

/// How far a packet got.
enum Step {
    /// It leaves.
    Gone(Egress),
    /// What is left to do for it is in the scratch memory.
    Unfinished,
}

/// What becomes of a packet, in one register, which is what a function may return here.
#[repr(transparent)]
struct Outcome(u64);

impl Outcome {
    const STOPPED: u64 = 1 << 63;
    const UNFINISHED: u64 = 1 << 62;

    #[inline(always)]
    fn encode(result: Result<Step, Stop>) -> Self {
        match result {
            Ok(Step::Gone(Egress::SamePort)) => Self(constants::port() as u64),
            Ok(Step::Gone(Egress::Port(port))) => Self(port as u64),
            Ok(Step::Unfinished) => Self(Self::UNFINISHED),
            Err(stop) => Self(Self::STOPPED | (stop.reason as u64) << 32 | stop.mtu as u64),
        }
    }

    #[inline(always)]
    fn decode(self) -> Result<Egress, Stop> {
        let low = self.0 as u32;
        if self.0 & Self::STOPPED != 0 {
            let number = (self.0 >> 32) as u32 & 0xff;
            let reason = Reason::from_number(number).unwrap_or(Reason::NoTranslation);
            return Err(Stop { reason, mtu: low });
        }
        Ok(if low == constants::port() {
            Egress::SamePort
        } else {
            Egress::Port(low)
        })
    }
}

/// Notes which way the packet that waits goes.
#[inline(always)]
fn turn(sense: Sense) -> Result<(), Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: as above.
    unsafe { (*scratch).sense = sense };
    Ok(())
}

/// Makes the packet one to the other side of a connection of that destination. A packet that needs more than other addresses waits
/// in the scratch memory then.
#[inline(always)]
pub(crate) fn pass<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    place: Place,
    tick: u32,
    (destination, sense): (u32, Sense),
) -> Result<Egress, Stop> {
    let gist = packet.gist();
    let outcome = Outcome(if sense.is_reply == 0 {
        P::forward(context.ctx, link.0, destination, sense.translation, gist)
    } else {
        P::reply(context.ctx, link.0, tick, sense.translation, gist)
    });
    if outcome.0 & Outcome::STOPPED != 0
        || outcome.0 & Outcome::UNFINISHED == 0 && !packet.has_fragments()
    {
        return outcome.decode();
    }
    open::wait(packet, place, tick, None, false)?;
    turn(sense)?;
    Outcome(P::finish(context.ctx, link.0, destination, outcome.0)).decode()
}

/// The same for a packet without ports of its own: a later fragment or an ICMP error.
#[inline(always)]
pub(crate) fn stray<P: Translated>(
    context: &XdpContext,
    link: &Link,
    destination: u32,
    is_error: bool,
) -> Result<Egress, Stop> {
    Outcome(P::stray(context.ctx, link.0, destination, is_error as u32)).decode()
}

/// Makes a packet of the client's one to the real server.
#[inline(always)]
fn forward_packet<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    destination: u32,
    translation: u32,
) -> Result<Step, Stop> {
    stats::count_packet(destination, packet.length() as u64);
    let (number, hop) = hop(destination)?;
    if translation == Sense::ONE_PACKET {
        check(packet, 0, hop.mtu)?;
        let key = P::turned(&P::kept()?);
        let changes = packet.changes(&key);
        let todo = rewrite(context, link, packet, &key, changes)?;
        return finish::step(context, link, todo, number, &Way::of(hop));
    }
    let slot = table::slot::<Translation>(translation).ok_or(Reason::NoTranslation)?;
    // SAFETY: the slot of a translation.
    let family = unsafe { (&raw const (*slot).server_family).read_volatile() };
    check(packet, P::growth(family), hop.mtu)?;
    learn::last_hop(context, link, slot);
    let mut todo = limits_segments(packet, hop);
    if tell::is_due(context, link, packet, slot, hop) {
        todo |= Rest::TELL;
    }
    todo |= Sides::forward(slot).give(context, link, packet, family)?;
    finish::step(context, link, todo, number, &Way::of(hop))
}

/// Makes a packet of the real server's one to the client.
#[inline(always)]
fn reply_packet<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    tick: u32,
    reference: u32,
) -> Result<Step, Stop> {
    // What no connection waits for is the host's, as in IPVS, here and below.
    let slot = table::slot::<Translation>(reference).ok_or(Reason::NoConnection)?;
    // SAFETY: the slot of a translation.
    let family = unsafe { (&raw const (*slot).client_family).read_volatile() };
    let sides = Sides::reply(slot);
    let destination = if family == P::FAMILY {
        learn::reply::<P, P::Slot>(packet, &sides, reference, tick)
    } else {
        learn::reply::<P, <P::Other as Packet>::Slot>(packet, &sides, reference, tick)
    };
    let destination = destination.ok_or(Reason::NoConnection)?;
    stats::count_reply(destination, packet.length() as u64);
    let way = way_back(slot)?;
    let growth = P::growth(family);
    check(packet, growth, room(context, packet, growth, way.port))?;
    let (mut todo, mut number) = (0, 0);
    if send::is_syn(packet)
        && let Ok((next, hop)) = self::hop(destination)
    {
        learn::sequence_number(context, link, packet, slot);
        (todo, number) = (limits_segments(packet, hop), next);
    }
    todo |= sides.give(context, link, packet, family)?;
    finish::step(context, link, todo, number, &way)
}

/// The two keys of a translation, as a packet sees them.
struct Sides {
    slot: *mut Translation,
    /// Where the packet's own lies.
    own: *const [u64; 5],
    /// Where that lies which it is to carry, turned round.
    other: *const [u64; 5],
    is_reply: bool,
}

impl Sides {
    /// As a client's packet sees them.
    #[inline(always)]
    fn forward(slot: *mut Translation) -> Self {
        // SAFETY: no access; the fields lie in the slot, here and below.
        let (own, other) = unsafe { (&raw const (*slot).client, &raw const (*slot).server) };
        Self {
            slot,
            own,
            other,
            is_reply: false,
        }
    }

    /// As a real server's packet sees them.
    #[inline(always)]
    fn reply(slot: *mut Translation) -> Self {
        // SAFETY: as above.
        let (own, other) = unsafe { (&raw const (*slot).server, &raw const (*slot).client) };
        Self {
            slot,
            own,
            other,
            is_reply: true,
        }
    }

    /// The key that the packet is to carry, of family `T`, and what its checksums change by if that is its own family. The
    /// translation may come to another connection meanwhile, so the packet's own key is compared before and after.
    #[inline(always)]
    fn key<P: Translated, T: Translated>(&self, packet: &P) -> Result<(T::Key, Changes), Reason> {
        // SAFETY: all of it lies in the slot of a translation.
        let (key, changes) = unsafe {
            if !packet.is_at(self.own) {
                return Err(Reason::NoTranslation);
            }
            let key = T::load(self.other);
            let changes = (&raw const (*self.slot).changes).read_volatile();
            let meta = Meta(atomic::load(Translation::meta(self.slot)));
            if !meta.is_live() || !packet.is_at(self.own) {
                return Err(Reason::NoTranslation);
            }
            (key, Changes::from_bits(changes))
        };
        let changes = if self.is_reply {
            changes.back()
        } else {
            changes
        };
        Ok((T::turned(&key), changes))
    }

    /// Makes the packet one of that family, with the key that it is to carry, and counts its TTL down; gives what is left to do of
    /// that.
    #[inline(always)]
    fn give<P: Translated>(
        &self,
        context: &XdpContext,
        link: &Link,
        packet: &P,
        family: u8,
    ) -> Result<u32, Reason> {
        if family == P::FAMILY {
            let (key, changes) = self.key::<P, P>(packet)?;
            return rewrite(context, link, packet, &key, changes);
        }
        let (key, _) = self.key::<P, P::Other>(packet)?;
        <P::Other as Translated>::keep(&key)?;
        Ok(Rest::CROSS)
    }
}

/// Gives the packet this key, of its own family, and counts its TTL down; gives what is left to do of that.
#[inline(always)]
fn rewrite<P: Translated>(
    context: &XdpContext,
    link: &Link,
    packet: &P,
    key: &P::Key,
    changes: Changes,
) -> Result<u32, Reason> {
    take_hop(context, link, packet)?;
    match packet.rewrite(&frame(context), link.offset(), key, changes) {
        Ok(Mended::Whole) => Ok(0),
        Ok(Mended::Bare) => {
            P::keep(key)?;
            finish::datagram(packet, link.offset())?;
            Ok(Rest::COMPLETE)
        }
        Err(obstacle) => Err(reason(obstacle)),
    }
}

/// Counts the TTL down of the packet, which has one left.
#[inline(always)]
fn take_hop<P: Translated>(context: &XdpContext, link: &Link, packet: &P) -> Result<(), Reason> {
    packet
        .hops(&frame(context), link.offset())
        .ok_or(Reason::NoRoom)?
        .take();
    Ok(())
}

/// The destination's next hop, and that one's number.
#[inline(always)]
fn hop(number: u32) -> Result<(u32, &'static Hop), Reason> {
    let destination = maps::destination(number)?;
    if destination.hop == 0 {
        return Err(unsendable(destination));
    }
    Ok((destination.hop, send::hop(destination)?))
}

/// Why a destination has no next hop.
#[inline(always)]
pub(crate) fn unsendable(destination: &Destination) -> Reason {
    if destination.flags & Destination::LOCAL != 0 {
        Reason::LocalRealServer
    } else {
        Reason::NoNextHop
    }
}

/// Whether the packet may go on, and fits `mtu` when it has grown by so many bytes.
#[inline(always)]
fn check<P: Translated>(packet: &P, growth: i32, mtu: u32) -> Result<(), Stop> {
    if packet.hops_left() <= 1 {
        return Err(Reason::TimeToLive.into());
    }
    let mtu = match growth {
        0 => mtu,
        growth => (mtu as i32).saturating_sub(growth).max(0) as u32,
    };
    if packet.length() > mtu {
        return Err(send::too_long(packet, mtu));
    }
    Ok(())
}

/// Whether the packet's announcement of segments, in a SYN of either side, is limited on the way to the real server.
#[inline(always)]
fn limits_segments<P: Translated>(packet: &P, hop: &Hop) -> u32 {
    if send::limits_segments(hop) && send::is_syn(packet) {
        Rest::CLAMP
    } else {
        0
    }
}

/// The largest packet that leaves by a port. It is not asked for when the packet is short enough for any.
#[inline(always)]
fn room<P: Translated>(context: &XdpContext, packet: &P, growth: i32, port: u32) -> u32 {
    /// What every host takes (RFC 791 section 3.1).
    const SHORT: i32 = 576;
    if packet.length() as i32 + growth <= SHORT {
        return u16::MAX as u32;
    }
    family::room(context, port)
}

/// The way back to the client.
#[inline(always)]
fn way_back(slot: *mut Translation) -> Result<Way, Reason> {
    // SAFETY: the slot of a translation. The two change together where a client's way does; a packet that sees only one of the
    // changes gets lost.
    let (hop, port) = unsafe {
        (
            (&raw const (*slot).last_hop).read_volatile(),
            (&raw const (*slot).last_port).read_volatile(),
        )
    };
    if hop == 0 {
        return Err(Reason::NoNextHop);
    }
    let own = maps::PORTS.get(port).ok_or(Reason::NoNextHop)?;
    let addresses = words(hop, own.mac);
    Ok(Way {
        addresses,
        vlan: (hop >> 48) as u32,
        port,
    })
}

/// Two Ethernet addresses, each in a word's low 48 bits, as they lie in a frame.
#[inline(always)]
const fn words(destination: u64, source: u64) -> [u32; 3] {
    let middle = destination >> 32 & 0xffff | (source & 0xffff) << 16;
    [destination as u32, middle as u32, (source >> 16) as u32]
}

/// 0 of a function that could return no more than a number: it did what it was to do.
#[inline(always)]
fn done(number: u32) -> Result<(), Reason> {
    match number {
        0 => Ok(()),
        number => Err(Reason::from_number(number - 1).unwrap_or(Reason::NoTranslation)),
    }
}

/// The other way round.
#[inline(always)]
fn number(result: Result<(), Reason>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(reason) => 1 + reason as u32,
    }
}

/// Why a packet that cannot be rewritten is dropped.
#[inline(always)]
fn reason(obstacle: Obstacle) -> Reason {
    match obstacle {
        Obstacle::Truncated => Reason::NoRoom,
        Obstacle::Fragment => Reason::TunnelChecksum,
        Obstacle::Options | Obstacle::TooLong => Reason::OtherFamily,
    }
}
