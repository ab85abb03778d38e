//! `[[service]]`.

use std::{
    num::NonZeroU16,
    ops::{Range, RangeInclusive},
    sync::Arc,
};

use crate::{Forward, Protocol, Service, ServiceName, ServiceOptions};

use super::{
    across::{Facts, Seat},
    client_address,
    fault::{Fault, Faults, quote},
    identity::{self, Identified},
    keys,
    method::{self, Method},
    options,
    protocol::only,
    real::{self, Owner},
    scheduler,
    table::Entries,
};

/// What `mss` may be: the smallest segment that every host takes (RFC 9293, 3.7.1), and the largest that fits a packet.
const MSS_BOUNDS: RangeInclusive<u32> = 536..=65_495;

/// Reads the file's services; those with a fault may be left out. What they have that others must not is added to the facts.
pub(super) fn read<'t>(
    file: &Entries<'t, '_>,
    facts: &mut Facts<'t, Range<usize>>,
    faults: &mut Faults<'_>,
) -> Vec<Arc<Service>> {
    let tables = file
        .value(&keys::file::SERVICE, faults)
        .map_or_else(Vec::new, |value| value.tables(faults));
    let mut list = Vec::with_capacity(tables.len());
    for (span, table) in tables {
        let entries = Entries::open(&keys::SERVICE, span, table, faults);
        list.extend(service(&entries, facts, faults).map(Arc::new));
    }
    list
}

/// Reads one service; `None` only with a fault.
pub(super) fn service<'t>(
    entries: &Entries<'t, '_>,
    facts: &mut Facts<'t, Range<usize>>,
    faults: &mut Faults<'_>,
) -> Option<Service> {
    let name = name(entries, facts, faults);
    let identified = identity::read(entries, faults);
    if let Some(Identified { identity, place }) = &identified {
        facts.identities.push((*identity, place.clone()));
    }
    let scheduler = scheduler::read(entries, faults);
    let options = options::read(entries, identified.as_ref(), faults);
    let method = method::read(entries, &keys::service::METHOD, &Method::DEFAULT, faults);
    let before = facts.seats.len();
    let owner = Owner {
        identified: identified.as_ref(),
        options,
        method: method.as_ref(),
    };
    let reals = entries.value(&keys::service::REAL, faults).map_or_else(
        || Some(Vec::new()),
        |value| real::read(&value, owner, &mut facts.seats, faults),
    );
    let own_seats = &facts.seats[before..];
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
fn may_be_fullnat(service: Option<&Method>, seats: &[Seat<Range<usize>>]) -> bool {
    let service = service.map(|method| method.forward);
    let mut methods = seats.iter().map(|seat| seat.forward).chain([service]);
    methods.any(|forward| forward.is_none_or(|forward| forward == Forward::FullNat))
}

/// Replies find their way back by the connection, and one-packet scheduling leaves none.
fn check_one_packet(
    entries: &Entries<'_, '_>,
    options: Option<ServiceOptions>,
    seats: &[Seat<Range<usize>>],
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
    facts: &mut Facts<'t, Range<usize>>,
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
    facts.names.push((text, value.span()));
    Some(name)
}
