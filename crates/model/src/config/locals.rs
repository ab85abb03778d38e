//! `[director.fullnat]`: the director's own addresses and ports that FULLNAT's packets come from.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::{Range, RangeInclusive},
};

use crate::LocalAddresses;

use super::{
    address,
    fault::{Fault, Faults, quote},
    keys::{self, fullnat},
    ports,
    table::Entries,
    value::Value,
    wrong::Wrong,
};

/// Most local addresses of each family.
const MOST: usize = 256;

/// The local addresses and ports of the director.
#[derive(Debug, Default)]
pub(super) struct Locals {
    pub(super) addresses: LocalAddresses,
    /// The addresses that each item of the list stands for.
    pub(super) items: Vec<(Vec<IpAddr>, Range<usize>)>,
}

/// Reads the local addresses; `None` only with a fault.
pub(super) fn read(director: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Locals> {
    let Some(value) = director.value(&keys::director::FULLNAT, faults) else {
        return Some(Locals::default());
    };
    let entries = Entries::open(&keys::FULLNAT, value.span(), value.table(faults)?, faults);
    let items = entries
        .value(&fullnat::ADDRESSES, faults)
        .and_then(|value| items(&value, faults));
    let default = Some(LocalAddresses::default().ports);
    let ports = entries
        .value(&fullnat::PORTS, faults)
        .map_or(default, |value| ports::read(&value, faults));
    let items = items?;
    let addresses = items.iter().flat_map(|(addresses, _)| addresses);
    Some(Locals {
        addresses: LocalAddresses {
            addresses: addresses.copied().collect(),
            ports: ports?,
        },
        items,
    })
}

/// The list's items: addresses that are there once, not too many; `None` only with a fault.
fn items(
    list: &Value<'_, '_>,
    faults: &mut Faults<'_>,
) -> Option<Vec<(Vec<IpAddr>, Range<usize>)>> {
    let values = list.items(faults)?;
    let before = faults.count();
    let mut first = HashMap::new();
    let mut counts = [0_usize; 2];
    let mut items = Vec::with_capacity(values.len());
    for value in &values {
        let Some(addresses) = value.string(faults).and_then(|text| {
            let parsed = range(text);
            parsed.map_err(|wrong| faults.push(value.fault(wrong))).ok()
        }) else {
            continue;
        };
        let twice = addresses
            .iter()
            .find(|address| first.contains_key(*address));
        if let Some(address) = twice {
            faults.push(named_twice(value.span(), *address, &first[address]));
            continue;
        }
        first.extend(addresses.iter().map(|address| (*address, value.span())));
        if let Some(fault) = too_many(value.span(), &addresses, &mut counts) {
            faults.push(fault);
        }
        items.push((addresses, value.span()));
    }
    (faults.count() == before).then_some(items)
}

fn named_twice(place: Range<usize>, address: IpAddr, first: &Range<usize>) -> Fault {
    let cause = format!("the local address `{address}` is named twice");
    Fault::new(place, cause, "named again here", "remove it")
        .related(first.clone(), "named here before")
}

/// A fault on the item with which there are too many addresses of its family.
fn too_many(place: Range<usize>, addresses: &[IpAddr], counts: &mut [usize; 2]) -> Option<Fault> {
    let (count, family) = if addresses.first()?.is_ipv4() {
        (&mut counts[0], "IPv4")
    } else {
        (&mut counts[1], "IPv6")
    };
    let fits = *count <= MOST;
    *count += addresses.len();
    let exceeds = fits && *count > MOST;
    exceeds.then(|| {
        Fault::new(
            place,
            format!("up to here, there are {count} local {family} addresses"),
            "beyond the room for them",
            format!(
                "leave at most {MOST} of each family: one is enough for as many connections to each real server as \
                 `ports` has ports"
            ),
        )
    })
}

/// The addresses of an item: one, or all from one to another.
fn range(text: &str) -> Result<Vec<IpAddr>, Wrong> {
    let Some((first, last)) = text.split_once('-') else {
        return one(text, 0).map(|address| vec![address]);
    };
    let last_at = first.len() + 1;
    let (first, last) = (one(first, 0)?, one(last, last_at)?);
    let whole = 0..text.len();
    let (from, to) = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (first.to_bits().into(), last.to_bits().into()),
        (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits(), last.to_bits()),
        _ => {
            let cause = format!("{} has addresses of both families", quote(text));
            let cure = "write one item for each family";
            return Err(Wrong::new(whole, cause, "of two families", cure));
        }
    };
    if from > to {
        let cause = format!("{} ends before it begins", quote(text));
        let cure = format!("write `{last}-{first}`");
        return Err(Wrong::new(whole, cause, "no address lies between", cure));
    }
    if to - from >= MOST as u128 {
        let cause = format!("{} has more than {MOST} addresses", quote(text));
        let cure = format!("leave at most {MOST} of each family");
        return Err(Wrong::new(whole, cause, "beyond the room for them", cure));
    }
    Ok(addresses(from..=to, first.is_ipv4()))
}

fn addresses(numbers: RangeInclusive<u128>, are_ipv4: bool) -> Vec<IpAddr> {
    let address = |number| {
        let ipv4 = u32::try_from(number).ok().filter(|_| are_ipv4);
        ipv4.map_or_else(
            || Ipv6Addr::from_bits(number).into(),
            |number| Ipv4Addr::from_bits(number).into(),
        )
    };
    numbers.map(address).collect()
}

/// One address of an item, at that place of it.
fn one(text: &str, at: usize) -> Result<IpAddr, Wrong> {
    address::host(text, at).map_err(|wrong| {
        if text.contains('/') {
            let cure = "write its addresses as a range, as in `10.0.0.101-10.0.0.110`";
            Wrong::new(wrong.part, wrong.cause, wrong.label, cure)
        } else if at > 0 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let cure = "write the whole last address too, as in `10.0.0.101-10.0.0.110`";
            Wrong::new(wrong.part, wrong.cause, wrong.label, cure)
        } else {
            wrong
        }
    })
}
