//! `[[service.real]]`.

use std::{collections::HashMap, net::IpAddr, ops::Range};

use crate::{Family, Forward, RealServer, ServiceIdentity, Thresholds, Weight};

use super::{
    address,
    fault::{Fault, Faults},
    identity::Identified,
    keys,
    table::Entries,
    value::Value,
};

/// Most real servers that one service may have.
pub const MAX_REALS: usize = 4_096;

/// The largest threshold, that of `ipvsadm -x`.
const MAX_THRESHOLD: u32 = i32::MAX as u32;

/// VIPs, each with the place that names it first.
pub(super) type Vips = HashMap<IpAddr, Range<usize>>;

/// A real server's address and its place, for checks across services.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    place: Range<usize>,
}

/// Reads the real servers of a service; `None` only with a fault.
pub(super) fn read(
    value: &Value<'_, '_>,
    service: Option<&Identified>,
    forward: Forward,
    seats: &mut Vec<Seat>,
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
        let address = real_address(&entries, service, faults);
        let weight = weight(&entries, faults);
        let thresholds = thresholds(&entries, faults);
        let Some((address, place)) = address else {
            continue;
        };
        if let Some(before) = first.get(&address) {
            let cause = format!("the service has the real server `{address}` twice");
            let cure = "remove one; for a larger share give it a larger `weight`";
            faults.push(
                Fault::new(place, cause, "named again here", cure)
                    .related(Range::clone(before), "first named here"),
            );
            continue;
        }
        first.insert(address, place.clone());
        seats.push(Seat { address, place });
        let shape = weight.zip(thresholds);
        reals.extend(shape.map(|(weight, thresholds)| RealServer {
            address,
            port: port(service),
            forward,
            weight,
            thresholds,
        }));
    }
    (reals.len() == tables.len()).then_some(reals)
}

/// A VIP is an address of the director: packets sent there would come back to it.
pub(super) fn check_against_vips(seats: &[Seat], vips: &Vips, faults: &mut Faults<'_>) {
    for seat in seats {
        if let Some(vip) = vips.get(&seat.address) {
            let cause = format!(
                "the real server `{}` is a VIP of this director",
                seat.address
            );
            let cure = "write the real server's own address; the VIP it has too, on `lo`";
            faults.push(
                Fault::new(seat.place.clone(), cause, "packets would come back", cure)
                    .related(vip.clone(), "the VIP"),
            );
        }
    }
}

fn real_address(
    entries: &Entries<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<(IpAddr, Range<usize>)> {
    let value = entries.value(&keys::real::ADDRESS, faults)?;
    let text = value.string(faults)?;
    let port = service.and_then(|service| service.identity.address());
    let port = port.map(|address| address.port).filter(|port| *port != 0);
    let address = match address::real(text, port) {
        Ok(address) => address,
        Err(wrong) => {
            faults.push(value.fault(wrong));
            return None;
        }
    };
    match service {
        Some(service) if service.identity.family() != Family::of(address) => {
            faults.push(of_another_family(&value, address, service));
            None
        }
        _ => Some((address, value.span())),
    }
}

fn of_another_family(value: &Value<'_, '_>, address: IpAddr, service: &Identified) -> Fault {
    let (own, other) = if address.is_ipv4() {
        ("IPv4", "IPv6")
    } else {
        ("IPv6", "IPv4")
    };
    let what = match service.identity {
        ServiceIdentity::Address(_) => "VIP",
        ServiceIdentity::Mark(_) => "mark",
    };
    let cause = format!("an {own} real server cannot serve an {other} {what} in DR");
    let cure =
        format!("write the real server's {other} address, or make a service with an {own} {what}");
    Fault::new(value.span(), cause, own, cure).related(service.place.clone(), other)
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

/// The port of a service's real servers, unless they have their own.
fn port(service: Option<&Identified>) -> u16 {
    let address = service.and_then(|service| service.identity.address());
    address.map_or(0, |address| address.port)
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
