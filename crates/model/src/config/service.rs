//! `[[service]]`.

use std::{collections::HashMap, ops::Range};

use crate::{ClientAddress, Forward, Service, ServiceIdentity, ServiceName};

use super::{
    fault::{Fault, Faults, quote},
    identity::{self, Identified},
    keys,
    mark::Marked,
    options,
    real::{self, Seat, Vips},
    scheduler,
    table::Entries,
    value::Value,
};

/// Forwarding methods that dray does not have yet, with other names for them.
const LATER_FORWARDS: [(&str, &[&str]); 3] = [
    ("tun", &["tunnel", "tunneling", "ipip", "gre", "gue"]),
    ("nat", &["masq", "masquerade", "masquerading"]),
    ("fullnat", &["full_nat", "snat"]),
];

/// What the file says of services.
pub(super) struct Services {
    /// The services; those with a fault may be left out.
    pub(super) list: Vec<Service>,
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
        list.extend(service(&entries, &mut taken, &mut seats, faults));
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
    let forward = entries
        .value(&keys::service::FORWARD, faults)
        .map_or(Some(Forward::DirectRouting), |value| {
            forward(&value, faults)
        });
    let reals = entries.value(&keys::service::REAL, faults).map_or_else(
        || Some(Vec::new()),
        |value| {
            real::read(
                &value,
                identified.as_ref(),
                forward.unwrap_or(Forward::DirectRouting),
                seats,
                faults,
            )
        },
    );
    Some(Service {
        name: name?,
        identity: identified?.identity,
        scheduler: scheduler?,
        options: options?,
        forward: forward?,
        client_address: ClientAddress::Hidden,
        mss: None,
        reals: reals?,
    })
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

fn forward(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Forward> {
    let name = value.string(faults)?;
    if name == Forward::DirectRouting.name() {
        return Some(Forward::DirectRouting);
    }
    let word = name.to_lowercase();
    let later = LATER_FORWARDS
        .iter()
        .find(|(later, others)| *later == word || others.contains(&word.as_str()));
    let (cause, label) = match later {
        Some((later, _)) => (
            format!("the forwarding method `{later}` is not in dray yet"),
            "not in dray yet",
        ),
        None => (
            format!("there is no forwarding method {}", quote(name)),
            "unknown method",
        ),
    };
    faults.push(Fault::new(
        value.span(),
        cause,
        label,
        "use `dr` (direct routing)",
    ));
    None
}
