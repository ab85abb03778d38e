//! `[[service.real]]`.

use std::{collections::HashMap, net::IpAddr, ops::Range};

use crate::{RealServer, ServiceAddress, Thresholds, Weight};

use super::{
    address,
    fault::{Fault, Faults},
    keys,
    table::Entries,
    value::Value,
};

/// Most real servers that one service may have.
pub const MAX_REALS: usize = 4_096;

/// A real server's address and its place, for checks across services.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    place: Range<usize>,
}

/// Reads the real servers of a service; `None` only with a fault.
pub(super) fn read(
    value: &Value<'_, '_>,
    service: Option<&(ServiceAddress, Range<usize>)>,
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
        reals.extend(weight.map(|weight| RealServer {
            address,
            weight,
            thresholds: Thresholds::default(),
        }));
    }
    (reals.len() == tables.len()).then_some(reals)
}

/// A VIP is an address of the director: packets sent there would come back to it.
pub(super) fn check_against_vips(
    seats: &[Seat],
    vips: &HashMap<IpAddr, Range<usize>>,
    faults: &mut Faults<'_>,
) {
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
    service: Option<&(ServiceAddress, Range<usize>)>,
    faults: &mut Faults<'_>,
) -> Option<(IpAddr, Range<usize>)> {
    let value = entries.value(&keys::real::ADDRESS, faults)?;
    let text = value.string(faults)?;
    let address = match address::real(text, service.map(|(service, _)| service.port)) {
        Ok(address) => address,
        Err(wrong) => {
            faults.push(Fault::new(
                value.part(wrong.part),
                wrong.cause,
                wrong.label,
                wrong.cure,
            ));
            return None;
        }
    };
    match service {
        Some((service, vip)) if service.vip.is_ipv4() != address.is_ipv4() => {
            let (own, other) = if address.is_ipv4() {
                ("IPv4", "IPv6")
            } else {
                ("IPv6", "IPv4")
            };
            let cause = format!("an {own} real server cannot serve an {other} VIP in DR");
            let cure = format!(
                "write the real server's {other} address, or make a service with an {own} VIP"
            );
            faults.push(Fault::new(value.span(), cause, own, cure).related(vip.clone(), other));
            None
        }
        _ => Some((address, value.span())),
    }
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
