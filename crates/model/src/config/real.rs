//! `[[service.real]]`.

use std::{collections::HashMap, net::IpAddr, ops::Range};

use crate::{Family, Forward, RealServer, ServiceIdentity, ServiceOptions, Thresholds, Weight};

use super::{
    across::Seat,
    address::{self, PlacedPort},
    fault::{Fault, Faults},
    identity::Identified,
    keys,
    method::{self, Method},
    table::Entries,
    value::Value,
};

/// Most real servers that one service may have.
pub const MAX_REALS: usize = 4_096;

/// The largest threshold, that of `ipvsadm -x`.
const MAX_THRESHOLD: u32 = i32::MAX as u32;

/// What real servers have to fit; `None` where the service has a fault.
#[derive(Clone, Copy)]
pub(super) struct Owner<'s> {
    pub(super) identified: Option<&'s Identified>,
    pub(super) options: Option<ServiceOptions>,
    pub(super) method: Option<&'s Method>,
}

/// Reads the real servers of a service; `None` only with a fault.
pub(super) fn read(
    value: &Value<'_, '_>,
    owner: Owner<'_>,
    seats: &mut Vec<Seat<Range<usize>>>,
    faults: &mut Faults<'_>,
) -> Option<Vec<RealServer>> {
    let tables = value.tables(faults);
    if let Some((span, _)) = tables.get(MAX_REALS) {
        faults.push(Fault::new(
            span.clone(),
            format!("the service has {} real servers", tables.len()),
            format!("one more than {MAX_REALS}"),
            format!("leave at most {MAX_REALS} in a service, or split it into several"),
        ));
    }
    let mut first = HashMap::new();
    let mut reals = Vec::with_capacity(tables.len());
    for (span, table) in &tables {
        let entries = Entries::open(&keys::REAL, span.clone(), table, faults);
        reals.extend(real(&entries, owner, &mut first, seats, faults));
    }
    (reals.len() == tables.len()).then_some(reals)
}

/// Reads a real server of which it is not known whose it is; `None` only with a fault.
pub(super) fn alone(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<()> {
    let before = faults.count();
    let owner = Owner {
        identified: None,
        options: None,
        method: None,
    };
    real(entries, owner, &mut HashMap::new(), &mut Vec::new(), faults);
    (faults.count() == before).then_some(())
}

/// Address and port of a service's real servers, each with its first place.
type Taken = HashMap<(IpAddr, u16), Range<usize>>;

fn real(
    entries: &Entries<'_, '_>,
    owner: Owner<'_>,
    first: &mut Taken,
    seats: &mut Vec<Seat<Range<usize>>>,
    faults: &mut Faults<'_>,
) -> Option<RealServer> {
    let method = method(entries, owner, faults);
    let forward = method.as_ref().map(|method| method.forward);
    let weight = weight(entries, faults);
    let thresholds = thresholds(entries, faults);
    let value = entries.value(&keys::real::ADDRESS, faults)?;
    let (address, own) = address::real(value.string(faults)?)
        .map_err(|wrong| faults.push(value.fault(wrong)))
        .ok()?;
    let fits = fits_family(&value, address, owner, forward, faults);
    let own = own.map(|(port, part)| (port, value.part(part)));
    let port = port(own, address, owner, forward, faults);
    if !fits {
        return None;
    }
    seats.push(Seat {
        address,
        place: value.span(),
        forward,
    });
    let port = port?;
    if let Some(before) = first.get(&(address, port)) {
        let cause = format!("the service has the real server `{address}` twice");
        let cure = "remove one; for a larger share give it a larger `weight`";
        faults.push(
            Fault::new(value.span(), cause, "named again here", cure)
                .related(before.clone(), "first named here"),
        );
        return None;
    }
    first.insert((address, port), value.span());
    Some(RealServer {
        address,
        port,
        forward: forward?,
        weight: weight?,
        thresholds: thresholds?,
    })
}

/// The real server's forwarding method: its own, or the service's.
fn method(entries: &Entries<'_, '_>, owner: Owner<'_>, faults: &mut Faults<'_>) -> Option<Method> {
    // What is not known cannot be taken over, and its tunnel's keys cannot be judged.
    let is_own = entries.has(&keys::real::FORWARD);
    let inherited = match owner.method {
        Some(method) => method,
        None if is_own => &Method::DEFAULT,
        None => return None,
    };
    method::read(entries, &keys::real::METHOD, inherited, faults)
}

/// Whether the real server's family can serve the service's clients.
fn fits_family(
    value: &Value<'_, '_>,
    address: IpAddr,
    owner: Owner<'_>,
    forward: Option<Forward>,
    faults: &mut Faults<'_>,
) -> bool {
    let (Some(service), Some(forward)) = (owner.identified, forward) else {
        return true;
    };
    if service.identity.family() == Family::of(address) || forward.crosses_families() {
        return true;
    }
    let (own, other) = if address.is_ipv4() {
        ("IPv4", "IPv6")
    } else {
        ("IPv6", "IPv4")
    };
    let what = match service.identity {
        ServiceIdentity::Address(_) => "VIP",
        ServiceIdentity::Mark(_) => "mark",
    };
    let cause = format!(
        "an {own} real server cannot serve an {other} {what} in {}",
        method::in_words(forward)
    );
    let cure = format!(
        "write the real server's {other} address, or reach it with `forward = \"tun\"` or `forward = \"fullnat\"`"
    );
    faults.push(Fault::new(value.span(), cause, own, cure).related(service.place.clone(), other));
    false
}

/// The port that packets reach the real server at: its own where it can have one, else the service's, which for a mark and for every
/// port is 0, that of the connection. `None` only with a fault.
fn port(
    own: Option<PlacedPort>,
    address: IpAddr,
    owner: Owner<'_>,
    forward: Option<Forward>,
    faults: &mut Faults<'_>,
) -> Option<u16> {
    let service = owner
        .identified
        .and_then(|service| service.identity.address());
    let service = service.map_or(0, |address| address.port);
    let Some((own, place)) = own else {
        return Some(service);
    };
    let (Some(_), Some(forward)) = (owner.identified, forward) else {
        return Some(own.get());
    };
    let is_persistent = owner
        .options
        .is_some_and(|options| options.persistence.is_some());
    let (cause, cure) = if own.get() == service {
        return Some(service);
    } else if forward.keeps_addresses() {
        let whose = if service == 0 {
            "the client's"
        } else {
            "the service's"
        };
        let cause = format!(
            "in {} the port is always {whose}",
            method::in_words(forward)
        );
        (
            cause,
            format!("write `{address}`, or `forward = \"nat\"` or `forward = \"fullnat\"`"),
        )
    } else if service == 0 && is_persistent {
        let cause = "with persistence for many ports the real server has the client's ports";
        (cause.to_owned(), format!("write `{address}`"))
    } else {
        return Some(own.get());
    };
    faults.push(Fault::new(place, cause, "cannot be another", cure));
    None
}

/// The thresholds, the lower not above the upper; `None` only with a fault.
fn thresholds(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Thresholds> {
    let mut bound = |key| {
        let value = entries.value(key, faults);
        let number = value.as_ref().map_or(Some(0), |value| {
            value.integer(0..=MAX_THRESHOLD, " connections; 0 for none", faults)
        });
        (value, number)
    };
    let (upper_value, upper) = bound(&keys::real::UPPER_THRESHOLD);
    let (lower_value, lower) = bound(&keys::real::LOWER_THRESHOLD);
    let (upper, lower) = (upper?, lower?);
    let Some(lower_value) = lower_value.filter(|_| lower > upper) else {
        return Some(Thresholds { upper, lower });
    };
    let place = lower_value.span();
    faults.push(match upper_value {
        Some(value) => Fault::new(
            place,
            "`lower_threshold` is above `upper_threshold`",
            "above the upper one",
            format!("write at most {upper}, or raise `upper_threshold`"),
        )
        .related(value.span(), "the upper one"),
        None => Fault::new(
            place,
            "`lower_threshold` has no use without `upper_threshold`",
            "there is no upper one",
            "write `upper_threshold` too, or remove it",
        ),
    });
    None
}

fn weight(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Weight> {
    let Some(value) = entries.value(&keys::real::WEIGHT, faults) else {
        return Some(Weight::DEFAULT);
    };
    let weight = value.integer(
        0..=u32::from(u16::MAX),
        "; 0 quiesces the real server",
        faults,
    )?;
    u16::try_from(weight).ok().map(Weight::new)
}
