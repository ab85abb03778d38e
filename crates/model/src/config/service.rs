//! `[[service]]`.

use std::{collections::HashMap, net::IpAddr, ops::Range};

use crate::{Forward, Scheduler, Service, ServiceAddress, ServiceName, ServiceOptions};

use super::{
    address,
    fault::{Fault, Faults, quote},
    keys::{self, nearest},
    real::{self, Seat},
    table::Entries,
    value::Value,
};

/// Schedulers of IPVS that dray does not have yet.
const LATER_SCHEDULERS: [(&str, &str); 9] = [
    ("lc", "least connection"),
    ("sed", "shortest expected delay"),
    ("nq", "never queue"),
    ("lblc", "locality-based least connection"),
    ("lblcr", "locality-based least connection with replication"),
    ("dh", "destination hashing"),
    ("fo", "weighted failover"),
    ("ovf", "weighted overflow"),
    ("twos", "power of two choices"),
];

/// Forwarding methods that dray does not have yet, with other names for them.
const LATER_FORWARDS: [(&str, &[&str]); 3] = [
    ("tun", &["tunnel", "tunneling", "ipip", "gre", "gue"]),
    ("nat", &["masq", "masquerade", "masquerading"]),
    ("fullnat", &["full_nat", "snat"]),
];

/// Reads the file's services; those with a fault may be left out.
pub(super) fn read(file: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Vec<Service> {
    let Some(value) = file.value(&keys::file::SERVICE, faults) else {
        return Vec::new();
    };
    let mut taken = Taken::default();
    let mut services = Vec::new();
    let mut seats = Vec::new();
    for (span, table) in value.tables(faults) {
        let entries = Entries::open(&keys::SERVICE, span, table, faults);
        services.extend(service(&entries, &mut taken, &mut seats, faults));
    }
    real::check_against_vips(&seats, &taken.vips, faults);
    services
}

/// What may be there only once in a file, with its first place.
#[derive(Default)]
struct Taken<'t> {
    names: HashMap<&'t str, Range<usize>>,
    addresses: HashMap<ServiceAddress, Range<usize>>,
    vips: HashMap<IpAddr, Range<usize>>,
}

fn service<'t>(
    entries: &Entries<'t, '_>,
    taken: &mut Taken<'t>,
    seats: &mut Vec<Seat>,
    faults: &mut Faults<'_>,
) -> Option<Service> {
    let name = name(entries, taken, faults);
    let address = service_address(entries, taken, faults);
    let scheduler = entries
        .value(&keys::service::SCHEDULER, faults)
        .map_or(Some(Scheduler::WeightedLeastConnection), |value| {
            scheduler(&value, faults)
        });
    let forward = entries
        .value(&keys::service::FORWARD, faults)
        .map_or(Some(Forward::DirectRouting), |value| {
            forward(&value, faults)
        });
    let reals = entries.value(&keys::service::REAL, faults).map_or_else(
        || Some(Vec::new()),
        |value| real::read(&value, address.as_ref(), seats, faults),
    );
    let (address, _) = address?;
    Some(Service {
        name: name?,
        identity: address.into(),
        scheduler: scheduler?,
        options: ServiceOptions::default(),
        forward: forward?,
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

/// The address and its place.
fn service_address(
    entries: &Entries<'_, '_>,
    taken: &mut Taken<'_>,
    faults: &mut Faults<'_>,
) -> Option<(ServiceAddress, Range<usize>)> {
    let value = entries.value(&keys::service::ADDRESS, faults)?;
    let address = match address::service(value.string(faults)?) {
        Ok(address) => address,
        Err(wrong) => {
            for wrong in wrong {
                faults.push(Fault::new(
                    value.part(wrong.part),
                    wrong.cause,
                    wrong.label,
                    wrong.cure,
                ));
            }
            return None;
        }
    };
    let place = value.span();
    if let Some(first) = taken.addresses.get(&address) {
        let cure = "put the real servers of both into one service, or change the address";
        faults.push(
            Fault::new(
                place.clone(),
                format!("two services have the address `{address}`"),
                "used again here",
                cure,
            )
            .related(first.clone(), "first used here"),
        );
    } else {
        taken.addresses.insert(address, place.clone());
    }
    taken
        .vips
        .entry(address.vip)
        .or_insert_with(|| place.clone());
    Some((address, place))
}

fn scheduler(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Scheduler> {
    let name = value.string(faults)?;
    if let Some(scheduler) = Scheduler::from_name(name) {
        return Some(scheduler);
    }
    let names = || Scheduler::ALL.iter().map(|scheduler| scheduler.name());
    let all: Vec<_> = names().map(quote).collect();
    let all = all.join(", ");
    let word = name.to_lowercase();
    let later = LATER_SCHEDULERS.iter().find(|(later, _)| *later == word);
    let (cause, label, cure) = match (later, nearest(&word, names())) {
        (Some((later, meaning)), _) => {
            let cause = format!("the scheduler `{later}` ({meaning}) is not in dray yet");
            (cause, "not in dray yet", format!("use one of {all}"))
        }
        (None, Some(near)) => {
            let cure = format!("did you mean `{near}`? The schedulers are {all}");
            (
                format!("there is no scheduler {}", quote(name)),
                "unknown scheduler",
                cure,
            )
        }
        (None, None) => {
            let cure = format!("use one of {all}");
            (
                format!("there is no scheduler {}", quote(name)),
                "unknown scheduler",
                cure,
            )
        }
    };
    faults.push(Fault::new(value.span(), cause, label, cure));
    None
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
