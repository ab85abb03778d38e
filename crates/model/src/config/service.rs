//! `[[service]]`.

use std::{
    collections::HashMap,
    num::NonZeroU16,
    ops::{Range, RangeInclusive},
    sync::Arc,
};

use crate::{Forward, Protocol, Service, ServiceIdentity, ServiceName, ServiceOptions};

use super::{
    client_address,
    fault::{Fault, Faults, quote},
    identity::{self, Identified},
    keys,
    mark::Marked,
    method::{self, Method},
    options,
    protocol::only,
    real::{self, Owner},
    scheduler,
    seat::{Seat, Vips},
    table::Entries,
};

/// What `mss` may be: the smallest segment that every host takes (RFC 9293, 3.7.1), and the largest that fits a packet.
const MSS_BOUNDS: RangeInclusive<u32> = 536..=65_495;

/// What the file says of services.
pub(super) struct Services {
    /// The services; those with a fault may be left out.
    pub(super) list: Vec<Arc<Service>>,
    /// The marks that they are for.
    pub(super) marked: Marked,
    /// Their VIPs, each with its first place.
    pub(super) vips: Vips,
    /// Their real servers.
    pub(super) seats: Vec<Seat>,
}

/// Reads the file's services.
pub(super) fn read(file: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Services {
    let before = faults.count();
    let tables = file
        .value(&keys::file::SERVICE, faults)
        .map_or_else(Vec::new, |value| value.tables(faults));
    let mut taken = Taken {
        is_whole: faults.count() == before,
        ..Taken::default()
    };
    let mut list = Vec::new();
    let mut seats = Vec::new();
    for (span, table) in tables {
        let entries = Entries::open(&keys::SERVICE, span, table, faults);
        list.extend(service(&entries, &mut taken, &mut seats, faults).map(Arc::new));
    }
    Services {
        list,
        marked: taken.marked(),
        vips: taken.vips,
        seats,
    }
}

/// What may be there only once in a file, with its first place.
#[derive(Default)]
struct Taken<'t> {
    names: HashMap<&'t str, Range<usize>>,
    identities: HashMap<ServiceIdentity, Range<usize>>,
    vips: Vips,
    /// Whether every service has shown its identity.
    is_whole: bool,
}

impl Taken<'_> {
    fn marked(&self) -> Marked {
        let identities = self.identities.iter();
        let marks = identities.filter_map(|(identity, place)| match identity {
            ServiceIdentity::Mark(mark) => Some((*mark, place.clone())),
            ServiceIdentity::Address(_) => None,
        });
        Marked {
            marks: marks.collect(),
            is_whole: self.is_whole,
        }
    }
}

fn service<'t>(
    entries: &Entries<'t, '_>,
    taken: &mut Taken<'t>,
    seats: &mut Vec<Seat>,
    faults: &mut Faults<'_>,
) -> Option<Service> {
    let name = name(entries, taken, faults);
    let identified = identity(entries, taken, faults);
    let scheduler = scheduler::read(entries, faults);
    let options = options::read(entries, identified.as_ref(), faults);
    let method = method::read(entries, &keys::service::METHOD, &Method::DEFAULT, faults);
    let before = seats.len();
    let owner = Owner {
        identified: identified.as_ref(),
        options,
        method: method.as_ref(),
    };
    let reals = entries.value(&keys::service::REAL, faults).map_or_else(
        || Some(Vec::new()),
        |value| real::read(&value, owner, seats, faults),
    );
    let own_seats = &seats[before..];
    let has_fullnat = reals.is_none() || may_be_fullnat(method.as_ref(), own_seats);
    let client_address = client_address::read(entries, identified.as_ref(), has_fullnat, faults);
    let mss = mss(entries, identified.as_ref(), faults);
    check_one_packet(entries, options, own_seats, faults);
    Some(Service {
        name: name?,
        identity: identified?.identity,
        scheduler: scheduler?,
        options: options?,
        forward: method?.forward,
        client_address: client_address?,
        mss: mss?,
        reals: reals?,
    })
}

/// Whether FULLNAT may be meant for the service or one of its real servers: a method with a fault may be any.
fn may_be_fullnat(service: Option<&Method>, seats: &[Seat]) -> bool {
    let service = service.map(|method| method.forward);
    let mut methods = seats.iter().map(|seat| seat.forward).chain([service]);
    methods.any(|forward| forward.is_none_or(|forward| forward == Forward::FullNat))
}

/// Replies find their way back by the connection, and one-packet scheduling leaves none.
fn check_one_packet(
    entries: &Entries<'_, '_>,
    options: Option<ServiceOptions>,
    seats: &[Seat],
    faults: &mut Faults<'_>,
) {
    let Some(value) = entries
        .value(&keys::service::ONE_PACKET, faults)
        .filter(|_| options.is_some_and(|options| options.one_packet))
    else {
        return;
    };
    let is_translated = |forward: Forward| !forward.keeps_addresses();
    if let Some(seat) = seats
        .iter()
        .find(|seat| seat.forward.is_some_and(is_translated))
    {
        let cause =
            "one-packet scheduling leaves no connection, by which NAT and FULLNAT know replies";
        let cure =
            "remove it, or reach the real servers with `forward = \"dr\"` or `forward = \"tun\"`";
        faults.push(
            Fault::new(value.key_span(), cause, "leaves no connection", cure)
                .related(seat.place.clone(), "a real server that needs one"),
        );
    }
}

fn mss(
    entries: &Entries<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<Option<NonZeroU16>> {
    let Some(value) = entries.value(&keys::service::MSS, faults) else {
        return Some(None);
    };
    let cause = "only TCP agrees on the size of segments";
    let cure = "remove it, or write `tcp://` in the `address`";
    let fits = only(Protocol::Tcp, &value, service, cause, cure, faults);
    let mss = value.integer(MSS_BOUNDS, " bytes", faults)?;
    let mss = NonZeroU16::new(u16::try_from(mss).ok()?)?;
    fits.then_some(Some(mss))
}

fn name<'t>(
    entries: &Entries<'t, '_>,
    taken: &mut Taken<'t>,
    faults: &mut Faults<'_>,
) -> Option<ServiceName> {
    let value = entries.value(&keys::service::NAME, faults)?;
    let text = value.string(faults)?;
    let Ok(name) = ServiceName::new(text) else {
        let odd = text
            .char_indices()
            .find(|(_, c)| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
        let (part, label) = match odd {
            Some((at, c)) => (value.part(at..at + c.len_utf8()), "not allowed in a name"),
            None if text.is_empty() => (value.span(), "empty"),
            None => (value.span(), "too long"),
        };
        let cure = "write 1 to 63 characters out of a-z A-Z 0-9 . _ -";
        faults.push(Fault::new(
            part,
            format!("{} cannot be the name of a service", quote(text)),
            label,
            cure,
        ));
        return None;
    };
    if let Some(first) = taken.names.get(text) {
        let cause = format!("two services have the name {}", quote(text));
        faults.push(
            Fault::new(
                value.span(),
                cause,
                "used again here",
                "give each service a name of its own",
            )
            .related(first.clone(), "first used here"),
        );
        return None;
    }
    taken.names.insert(text, value.span());
    Some(name)
}

/// The service's identity, which no other may have.
fn identity(
    entries: &Entries<'_, '_>,
    taken: &mut Taken<'_>,
    faults: &mut Faults<'_>,
) -> Option<Identified> {
    let Some(found) = identity::read(entries, faults) else {
        taken.is_whole = false;
        return None;
    };
    let place = found.place.clone();
    if let Some(first) = taken.identities.get(&found.identity) {
        let (what, which) = match found.identity {
            ServiceIdentity::Address(address) => (format!("the address `{address}`"), "address"),
            ServiceIdentity::Mark(mark) => (format!("`{mark}`"), "mark"),
        };
        faults.push(
            Fault::new(
                place.clone(),
                format!("two services have {what}"),
                "used again here",
                format!("put the real servers of both into one service, or change the {which}"),
            )
            .related(first.clone(), "first used here"),
        );
    } else {
        taken.identities.insert(found.identity, place.clone());
    }
    if let Some(address) = found.identity.address() {
        taken.vips.entry(address.vip).or_insert(place);
    }
    Some(found)
}
