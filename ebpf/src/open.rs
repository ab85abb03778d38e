//! A packet that belongs to no connection: is there a service for it, who gets it, and does the connection
//! table have room to remember? The order of the questions is IPVS's.

use dray_abi::{Meta, Port, Reason, Service, ServiceOptions, Settings, duration_of_ticks};
use dray_packet::{TransportProtocol, hash::Place, sctp, state::State, tcp};

use crate::{
    atomic, connection,
    family::{ConnectionSlot, Packet},
    maps, reply,
    service::{self, Way},
    stats,
    table::{self, Claim, Found},
    tables::Arena,
    template::{self, Wanted},
};

/// How long TCP packets without a connection may belong to one that found the table full: as long as IPVS
/// keeps an idle established connection, 900 s, in ticks. For UDP it is the time that its connections last.
const TCP_MEMORY: u32 = (900_000_000_000 / duration_of_ticks(1).as_nanos()) as u32;

/// The port in whose entry packets of all ports write: a flow may change ports.
const COMMON: u32 = 0;

/// A packet without a connection.
pub(crate) struct Arrival<P: Packet> {
    pub(crate) packet: P,
    pub(crate) place: Place,
    pub(crate) port: &'static Port,
    pub(crate) tick: u32,
    /// A connection of the same key that is no more for this packet, or none.
    pub(crate) ended: Found<P::Slot>,
}

/// A destination or a reason in one register, which is what a function may return here.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Outcome(u64);

impl Outcome {
    /// The highest destination has 24 bits.
    const REFUSED: u64 = 1 << 32;

    #[inline(always)]
    pub(crate) const fn encode(result: Result<u32, Reason>) -> Self {
        match result {
            Ok(destination) => Self(destination as u64),
            Err(reason) => Self(Self::REFUSED | reason as u64),
        }
    }

    #[inline(always)]
    pub(crate) fn decode(self) -> Result<u32, Reason> {
        if self.0 & Self::REFUSED == 0 {
            return Ok(self.0 as u32);
        }
        Err(Reason::from_number(self.0 as u32).unwrap_or(Reason::NotAService))
    }
}

/// Gives the packet a destination, and a connection if it can have one.
#[inline(never)]
pub(crate) fn open<P: Packet>(arrival: &Arrival<P>) -> Outcome {
    let result = if arrival.ended.is_none() {
        place_connection(arrival, None)
    } else {
        let old = End::of(&arrival.ended);
        // It fails when another processor has begun the connection anew at this moment.
        let claim = table::claim_found(&arrival.ended, arrival.tick);
        let claimed = claim.is_some();
        let result = place_connection(arrival, claim);
        // IPVS counts a connection off after the one that takes its place has been given its destination.
        if claimed {
            old.count_off();
        }
        result
    };
    Outcome::encode(result)
}

/// A connection that is no more, as long as it counts.
struct End {
    meta: Meta,
    template: u32,
}

impl End {
    #[inline(always)]
    fn of<S: ConnectionSlot>(found: &Found<S>) -> Self {
        let template = if found.meta.flags() & Meta::CONTROLLED == 0 {
            0
        } else {
            // SAFETY: a slot of the table.
            unsafe { S::template(found.slot) }
        };
        Self {
            meta: found.meta,
            template,
        }
    }

    #[inline(always)]
    fn count_off(&self) {
        stats::end_connection(self.meta);
        template::release(self.template);
    }
}

/// How a packet without a connection is to be treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// It begins one.
    Yes,
    /// It may be a later one of a connection that found the table full.
    Perhaps,
    No,
}

#[inline(always)]
fn begins<P: Packet>(packet: &P, settings: &Settings, tick: u32) -> Begins {
    let (opens, memory) = match packet.protocol() {
        TransportProtocol::Tcp => {
            let sloppy = settings.options & Settings::SLOPPY_TCP != 0;
            (tcp::opens(packet.flags(), sloppy), TCP_MEMORY)
        }
        TransportProtocol::Sctp => {
            let sloppy = settings.options & Settings::SLOPPY_SCTP != 0;
            (sctp::opens(packet.flags(), sloppy), TCP_MEMORY)
        }
        // A datagram does not say whether it is the first one.
        TransportProtocol::Udp => {
            let memory = settings.timeouts[State::Udp as usize];
            return if recently_full(tick, memory) {
                Begins::Perhaps
            } else {
                Begins::Yes
            };
        }
    };
    if opens {
        Begins::Yes
    } else if recently_full(tick, memory) {
        Begins::Perhaps
    } else {
        Begins::No
    }
}

#[inline(always)]
fn place_connection<P: Packet>(
    arrival: &Arrival<P>,
    claim: Option<Claim<P::Slot>>,
) -> Result<u32, Reason> {
    let Arrival {
        packet, port, tick, ..
    } = arrival;
    let begins = begins(packet, &port.settings, *tick);
    let way = match begins {
        Begins::No => None,
        _ => service::find(packet, port),
    };
    let Some(way) = way else {
        give_back(claim);
        return Err(match reply::note(arrival) {
            true => Reason::Reply,
            false if begins == Begins::No => Reason::NoConnection,
            false => Reason::NotAService,
        });
    };
    match admit(packet, &port.settings, &way) {
        Ok(Admitted {
            service,
            record,
            options,
        }) => {
            let visit = Visit {
                arrival,
                way,
                options,
                record,
                later: begins == Begins::Perhaps,
            };
            let result = visit.seat(claim);
            if let Err(Reason::NoDestination) = result {
                // SAFETY: a word of a map's value.
                unsafe { atomic::add(&raw mut (*service).refused, 1) };
                if way.ftp_data {
                    return Err(Reason::NotAService);
                }
            }
            result
        }
        Err(reason) => {
            give_back(claim);
            Err(reason)
        }
    }
}

/// A service that a packet may enter.
struct Admitted {
    service: *mut Service,
    record: u32,
    options: ServiceOptions,
}

#[inline(always)]
fn admit<P: Packet>(packet: &P, settings: &Settings, way: &Way) -> Result<Admitted, Reason> {
    let service = maps::SERVICES
        .get_ptr_mut(way.number)
        .ok_or(Reason::NotAService)?;
    if settings.drop_rate != 0 && is_to_be_dropped(settings.drop_rate) {
        return Err(Reason::DropPacket);
    }
    if packet.client_port() == service::FTP_DATA {
        return Err(Reason::FtpDataPort);
    }
    // SAFETY: words of a map's value; one read each, so that the packet sees one record, whole.
    let (record, options) = unsafe {
        (
            atomic::load(&raw const (*service).record) as u32,
            ServiceOptions(atomic::load(&raw const (*service).options)),
        )
    };
    if !options.has(ServiceOptions::PERSISTENT) && way.mark == 0 && !way.exact {
        // Without persistence a service is for its own port only.
        if way.ftp_data {
            return Err(Reason::NotAService);
        }
        return Err(Reason::NoDestination);
    }
    Ok(Admitted {
        service,
        record,
        options,
    })
}

/// A packet that is to be scheduled.
struct Visit<'a, P: Packet> {
    arrival: &'a Arrival<P>,
    way: Way,
    options: ServiceOptions,
    record: u32,
    /// It may belong to a connection that found the table full, and then goes where the first packet went.
    later: bool,
}

impl<P: Packet> Visit<'_, P> {
    #[inline(always)]
    fn seat(&self, claim: Option<Claim<P::Slot>>) -> Result<u32, Reason> {
        let packet = &self.arrival.packet;
        if self.options.has(ServiceOptions::ONE_PACKET)
            && packet.protocol() == TransportProtocol::Udp
        {
            give_back(claim);
            return self.seat_for_one_packet();
        }
        let claim = match claim {
            None => claim_new(self.arrival),
            claim => claim,
        };
        let chosen = if claim.is_none() || self.later {
            self.choose_without_memory()
        } else {
            self.choose()
        };
        let (destination, template) = match chosen {
            Ok(chosen) => chosen,
            Err(reason) => {
                give_back(claim);
                return Err(reason);
            }
        };
        let Arrival { port, tick, .. } = self.arrival;
        let settings = &port.settings;
        match claim {
            Some(claim) => {
                let state = first_state(packet, settings);
                connection::begin(claim, packet, settings, *tick, destination, state, template);
                if connection::is_established(state) {
                    template::assure(template);
                }
            }
            None => {
                stats::count_reason(Reason::TableFull);
                remember_full(*tick);
            }
        }
        Ok(destination)
    }

    /// IPVS makes a connection for each datagram, which ends with it.
    #[inline(always)]
    fn seat_for_one_packet(&self) -> Result<u32, Reason> {
        let (destination, template) = self.choose()?;
        let state = State::Udp as u8;
        stats::begin_connection(destination, state);
        stats::end_connection(Meta::new(0, destination, state));
        template::release(template);
        Ok(destination)
    }

    /// The destination of a new connection, and its template's reference (0 for none).
    #[inline(always)]
    fn choose(&self) -> Result<(u32, u32), Reason> {
        if !self.options.has(ServiceOptions::PERSISTENT) {
            return Ok((self.schedule()?, 0));
        }
        let Arrival {
            packet, port, tick, ..
        } = self.arrival;
        let settings = &port.settings;
        let wanted = Wanted::of(packet, &self.way, self.options);
        if let Some(found) = template::find(&wanted, settings, *tick) {
            let reference = template::adopt(&found, settings, *tick);
            return Ok((found.meta.destination(), reference));
        }
        let destination = self.schedule()?;
        let reference = template::begin(&wanted, self.options, settings, *tick, destination);
        if reference == 0 {
            stats::count_reason(Reason::TemplatesFull);
        }
        Ok((destination, reference))
    }

    #[inline(always)]
    fn schedule(&self) -> Result<u32, Reason> {
        let flow = self.arrival.packet.flow(self.way.number, self.arrival.tick);
        dray_sched::pick(&Arena, self.record, &flow).ok_or(Reason::NoDestination)
    }

    /// The table is full, or was: a choice that every packet of the flow makes alike.
    #[inline(always)]
    fn choose_without_memory(&self) -> Result<(u32, u32), Reason> {
        let Arrival {
            packet, port, tick, ..
        } = self.arrival;
        if self.options.has(ServiceOptions::PERSISTENT) {
            let wanted = Wanted::of(packet, &self.way, self.options);
            if let Some(found) = template::find(&wanted, &port.settings, *tick) {
                return Ok((found.meta.destination(), 0));
            }
        }
        let flow = packet.flow(self.way.number, *tick);
        dray_sched::stateless(&Arena, self.record, &flow)
            .map(|destination| (destination, 0))
            .ok_or(Reason::NoDestination)
    }
}

/// A slot for a connection that has none: free, over, or at the worst half open.
#[inline(always)]
fn claim_new<P: Packet>(arrival: &Arrival<P>) -> Option<Claim<P::Slot>> {
    let Arrival {
        place, port, tick, ..
    } = arrival;
    if let Some(claim) = table::claim::<P::Slot>(*place, *tick) {
        return Some(claim);
    }
    let claim = connection::claim_half_open::<P::Slot>(*place, &port.settings, *tick)?;
    stats::count_reason(Reason::HalfOpenReplaced);
    Some(claim)
}

#[inline(always)]
fn give_back<S: ConnectionSlot>(claim: Option<Claim<S>>) {
    if let Some(claim) = claim {
        claim.give_back();
    }
}

#[inline(always)]
fn first_state<P: Packet>(packet: &P, settings: &Settings) -> u8 {
    let first = State::first(packet.protocol()) as u8;
    connection::next_state(packet, settings, Settings::INPUT_ONLY, first)
}

/// The `drop_packet` defence: whether it is this packet's turn. The first one's it is, as in IPVS.
#[inline(always)]
fn is_to_be_dropped(rate: u32) -> bool {
    let Some(port) = maps::PORTS.get_ptr_mut(COMMON) else {
        return false;
    };
    // SAFETY: a word of a map's value that packets write.
    unsafe {
        let left = &raw mut (*port).settings.passed;
        if (atomic::add32(left, u32::MAX) as i32) > 1 {
            return false;
        }
        left.write_volatile(rate);
    }
    true
}

/// Whether a connection found the table full not longer than `memory` ago: then a packet without a connection may
/// be a later one of such a connection, and goes where the first one went.
#[inline(always)]
fn recently_full(tick: u32, memory: u32) -> bool {
    maps::PORTS.get_ptr(COMMON).is_some_and(|port| {
        // SAFETY: a word of a map's value that packets write.
        let full = unsafe { (&raw const (*port).settings.full).read_volatile() };
        full != 0 && tick.wrapping_sub(full) < memory
    })
}

#[inline(always)]
fn remember_full(tick: u32) {
    if let Some(port) = maps::PORTS.get_ptr_mut(COMMON) {
        // SAFETY: a word of a map's value; 0 means never, so tick 0 is told as 1.
        unsafe { (&raw mut (*port).settings.full).write_volatile(tick.max(1)) };
    }
}
