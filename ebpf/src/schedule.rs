//! Who gets a new connection of a service: its template's real server, or the one that its scheduler picks.

use dray_abi::{Reason, ServiceOptions, Settings};
use dray_packet::TransportProtocol;
use dray_sched::Method;

use crate::{
    atomic,
    guest::Guest,
    maps,
    service::{self, ServicePort, Way},
    stats,
    tables::Arena,
    template::{self, Wanted},
};

/// The port in whose entry packets of all ports write.
pub(crate) const COMMON: u32 = 0;

/// A packet that comes to a service.
#[repr(C)]
pub(crate) struct Visit {
    guest: Guest,
    options: u64,
    way: Way,
    record: u32,
}

impl Visit {
    /// One that is still at the door.
    #[inline(always)]
    pub(crate) fn new(guest: Guest) -> Self {
        Self {
            guest,
            way: Way {
                number: 0,
                mark: 0,
                port: ServicePort::Own,
            },
            options: 0,
            record: 0,
        }
    }

    #[inline(always)]
    fn options(&self) -> ServiceOptions {
        ServiceOptions(self.options)
    }

    /// Whether connections go to the real server's port, if it has one, whatever theirs is.
    #[inline(always)]
    pub(crate) fn gives_port(&self) -> bool {
        self.way.port == ServicePort::Own || !self.options().has(ServiceOptions::PERSISTENT)
    }

    /// Whether the packet is scheduled for itself alone.
    #[inline(always)]
    pub(crate) fn is_one_packet(&self) -> bool {
        self.options().has(ServiceOptions::ONE_PACKET) && self.guest.is(TransportProtocol::Udp)
    }
}

/// This processor's visit.
#[inline(always)]
pub(crate) fn visit() -> Result<&'static mut Visit, Reason> {
    let scratch = maps::scratch()?;
    // SAFETY: the processor's own, and it has one packet in hand at a time; no caller keeps another reference to it.
    Ok(unsafe { &mut (*scratch).visit })
}

/// What the persistence engine found in the packet: 1 and a hash; 0 before it looked.
#[inline(always)]
fn session() -> [u64; 3] {
    match maps::scratch() {
        // SAFETY: as above.
        Ok(scratch) => unsafe { (*scratch).session },
        Err(_) => [0; 3],
    }
}

/// Finds the visit's service, and asks whether the packet is one to be scheduled.
#[inline(always)]
pub(crate) fn admit() -> Result<(), Reason> {
    match dray_admit() {
        0 => Ok(()),
        number => Err(Reason::from_number(number - 1).unwrap_or(Reason::NotAService)),
    }
}

/// A destination, and the reference of the template that the connection belongs to (0 for none).
#[derive(Clone, Copy)]
pub(crate) struct Chosen {
    pub(crate) destination: u32,
    pub(crate) template: u32,
}

/// The destination of a new connection, which counts for the template that it belongs to. An ICMP error is scheduled as
/// the packet that it is about, which was sent to the client: what goes by destination addresses goes by that.
#[inline(always)]
pub(crate) fn choose(is_error: bool) -> Result<Chosen, Reason> {
    let visit = visit()?;
    let persistent = visit.options().has(ServiceOptions::PERSISTENT);
    if persistent {
        let found = dray_find_template();
        if found == NO_SESSION {
            return Err(Reason::NoSession);
        }
        let destination = found as u32;
        if destination != 0 {
            return Ok(Chosen {
                destination,
                template: (found >> 32) as u32,
            });
        }
    }
    let vip = (visit.guest.flow.vip, visit.guest.flow.vip_words);
    if is_error {
        visit.guest.flow.vip = visit.guest.flow.client;
        visit.guest.flow.vip_words = visit.guest.client;
    }
    let destination = match dray_sched::method(&Arena, visit.record) {
        Some(Method::Sequence) => dray_pick_sequence(),
        Some(Method::Walk) => dray_pick_walk(),
        Some(Method::Least) => dray_pick_least(),
        Some(Method::Locality) => {
            let known = dray_known_locality();
            dray_shrink_locality();
            if known != 0 && dray_stays_local(known) != 0 {
                known
            } else {
                dray_remember_locality(dray_pick_least())
            }
        }
        Some(Method::Table) => dray_pick_table(),
        Some(Method::Random) => dray_pick_random(),
        None => 0,
    };
    (visit.guest.flow.vip, visit.guest.flow.vip_words) = vip;
    if destination == 0 {
        return Err(turn_away(visit));
    }
    let template = if persistent {
        dray_begin_template(destination)
    } else {
        0
    };
    Ok(Chosen {
        destination,
        template,
    })
}

/// The connection table is full, or was: a choice that every packet of the flow makes alike.
#[inline(always)]
pub(crate) fn choose_without_memory() -> Result<Chosen, Reason> {
    let destination = match dray_stateless() {
        0 => return Err(turn_away(visit()?)),
        destination => destination,
    };
    Ok(Chosen {
        destination,
        template: 0,
    })
}

// Functions with a symbol are verified once, whoever calls them; others are verified anew for each caller.

/// 0, or 1 + the number of a reason.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_admit() -> u32 {
    let (Ok(visit), Ok(port)) = (visit(), maps::port()) else {
        return 1 + Reason::NotAService as u32;
    };
    match enter(visit, &port.settings) {
        Ok(()) => 0,
        Err(reason) => 1 + reason as u32,
    }
}

/// What [`dray_find_template`] gives when the persistence engine has to look at the packet first.
const NO_SESSION: u64 = u64::MAX;

/// The template of the visit's client, which gets one connection more: its destination's number in the low half, its reference
/// in the high half; 0 for none.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_find_template() -> u64 {
    let (Ok(visit), Ok(port)) = (visit(), maps::port()) else {
        return 0;
    };
    if visit.options().has(ServiceOptions::SIP) && session() == [0; 3] {
        return NO_SESSION;
    }
    let tick = visit.guest.flow.tick;
    let wanted = Wanted::of(&visit.guest, &visit.way, visit.options(), session());
    match template::find(&wanted, &port.settings, tick) {
        Some(found) => {
            let reference = template::adopt(&found, &port.settings, tick);
            (reference as u64) << 32 | found.meta.destination() as u64
        }
        None => 0,
    }
}

/// Makes a template for the visit's client: its reference; 0 without room.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_begin_template(destination: u32) -> u32 {
    let (Ok(visit), Ok(port)) = (visit(), maps::port()) else {
        return 0;
    };
    let tick = visit.guest.flow.tick;
    let wanted = Wanted::of(&visit.guest, &visit.way, visit.options(), session());
    let options = visit.options();
    let reference = template::begin(&wanted, options, &port.settings, tick, destination);
    if reference == 0 {
        stats::count_reason(Reason::TemplatesFull);
    }
    reference
}

/// Declares a function that picks by one method: the number of a destination, 0 for none.
macro_rules! pick {
    ($($name:ident: $method:ident),*) => {
        $(
            #[unsafe(no_mangle)]
            #[inline(never)]
            extern "C" fn $name() -> u32 {
                let Ok(visit) = visit() else {
                    return 0;
                };
                let flow = &visit.guest.flow;
                dray_sched::pick_by(&Arena, visit.record, flow, Method::$method).unwrap_or(0)
            }
        )*
    };
}

pick!(
    dray_pick_sequence: Sequence,
    dray_pick_walk: Walk,
    dray_pick_least: Least,
    dray_pick_table: Table,
    dray_pick_random: Random
);

/// The number of the destination that the visit's VIP has; 0 for none.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_known_locality() -> u32 {
    let Ok(visit) = visit() else {
        return 0;
    };
    dray_sched::known(&Arena, visit.record, &visit.guest.flow).unwrap_or(0)
}

/// Takes the most loaded destination of the visit's VIP away if it has several, and had them for long.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_shrink_locality() -> u32 {
    if let Ok(visit) = visit() {
        dray_sched::shrink(&Arena, visit.record, &visit.guest.flow);
    }
    0
}

/// 1 if the visit's VIP may keep that destination, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_stays_local(destination: u32) -> u32 {
    let Ok(visit) = visit() else {
        return 0;
    };
    !dray_sched::has_to_give_way(&Arena, visit.record, destination) as u32
}

/// Gives the visit's VIP a destination, unless it is 0. Returns that.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_remember_locality(destination: u32) -> u32 {
    let Ok(visit) = visit() else {
        return 0;
    };
    if destination != 0 {
        dray_sched::remember(&Arena, visit.record, &visit.guest.flow, destination);
    }
    destination
}

/// The number of a destination that is picked without memory, 0 for none. A template comes first here, too.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn dray_stateless() -> u32 {
    let (Ok(visit), Ok(port)) = (visit(), maps::port()) else {
        return 0;
    };
    let options = visit.options();
    if options.has(ServiceOptions::PERSISTENT) {
        let wanted = Wanted::of(&visit.guest, &visit.way, options, session());
        if let Some(found) = template::find(&wanted, &port.settings, visit.guest.flow.tick) {
            return found.meta.destination();
        }
    }
    dray_sched::stateless(&Arena, visit.record, &visit.guest.flow).unwrap_or(0)
}

#[inline(always)]
fn enter(visit: &mut Visit, settings: &Settings) -> Result<(), Reason> {
    let way = service::find(&visit.guest, settings).ok_or(Reason::NotAService)?;
    let service = maps::SERVICES
        .get_ptr(way.number)
        .ok_or(Reason::NotAService)?;
    // A packet that comes back with what the persistence engine found has been counted.
    if settings.drop_rate != 0 && session() == [0; 3] && is_to_be_dropped(settings.drop_rate) {
        return Err(Reason::DropPacket);
    }
    if visit.guest.flow.client_port == service::FTP_DATA {
        return Err(Reason::FtpDataPort);
    }
    // SAFETY: words of a map's value; one read each, so that the packet sees one record, whole.
    unsafe {
        visit.record = atomic::load(&raw const (*service).record) as u32;
        visit.options = atomic::load(&raw const (*service).options);
    }
    visit.way = way;
    visit.guest.flow.service = way.number;
    let persistent = visit.options().has(ServiceOptions::PERSISTENT);
    if !persistent && way.mark == 0 && way.port != ServicePort::Own {
        // Without persistence a service is for its own port only.
        return Err(refuse(&way));
    }
    Ok(())
}

/// Counts a packet for which the service has no destination.
#[inline(always)]
fn turn_away(visit: &Visit) -> Reason {
    if let Some(service) = maps::SERVICES.get_ptr_mut(visit.way.number) {
        // SAFETY: a word of a map's value.
        unsafe { atomic::add(&raw mut (*service).refused, 1) };
    }
    refuse(&visit.way)
}

/// What may be an FTP data connection is the host's, if it is not the service's.
#[inline(always)]
fn refuse(way: &Way) -> Reason {
    match way.port {
        ServicePort::Ftp => Reason::NotAService,
        _ => Reason::NoDestination,
    }
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
