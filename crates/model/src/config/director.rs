//! `[director]` and `[director.timeouts]`.

use std::{collections::HashMap, num::NonZeroU32, ops::RangeInclusive, time::Duration};

use crate::{Director, IpvsOptions, Timeouts, VipOwnership};

use super::{
    duration,
    fault::{Fault, Faults, quote},
    keys::{self, Key},
    table::Entries,
    value::Value,
};

/// Room of the connection table when the file says nothing.
const MAX_CONNECTIONS: u32 = 1_048_576;

/// What `max_connections` may be.
const MAX_CONNECTIONS_BOUNDS: RangeInclusive<u32> = 1_024..=67_108_864;

/// What a timeout may be, in seconds: the upper end is that of `ipvsadm --set`, 31 days.
const TIMEOUT_BOUNDS: RangeInclusive<u64> = 1..=2_678_400;

/// Reads the file's `[director]`; `None` only with a fault.
pub(super) fn read(file: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Director> {
    let value = file.value(&keys::file::DIRECTOR, faults)?;
    let table = value.table(faults)?;
    let entries = Entries::open(&keys::DIRECTOR, value.span(), table, faults);
    let interfaces = interfaces(&entries, faults);
    let max_connections = entries
        .value(&keys::director::MAX_CONNECTIONS, faults)
        .map_or(Some(MAX_CONNECTIONS), |value| {
            value.integer(MAX_CONNECTIONS_BOUNDS, " connections", faults)
        });
    let vips = vips(&entries, interfaces.as_deref(), faults);
    let timeouts = timeouts(&entries, faults);
    Some(Director {
        interfaces: interfaces?,
        max_connections: NonZeroU32::new(max_connections?)?,
        vips: vips?,
        timeouts: timeouts?,
        marks: Vec::new(),
        ipvs: IpvsOptions::default(),
    })
}

fn interfaces(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Vec<String>> {
    let value = entries.value(&keys::director::INTERFACES, faults)?;
    let list = value.list(faults)?;
    if list.is_empty() {
        faults.push(Fault::new(
            value.span(),
            "a director needs at least one interface",
            "empty",
            "write the interfaces of clients and real servers, as in `interfaces = [\"eth0\"]`",
        ));
        return None;
    }
    let mut first = HashMap::new();
    let mut names = Vec::new();
    for item in list.iter() {
        let item = value.item(item);
        let Some(name) = interface(&item, faults) else {
            continue;
        };
        match first.get(name) {
            None => {
                first.insert(name, item.span());
                names.push(name.to_owned());
            }
            Some(before) => faults.push(
                Fault::new(
                    item.span(),
                    format!("interface {} is named twice", quote(name)),
                    "named again here",
                    "remove it",
                )
                .related(std::ops::Range::clone(before), "named here before"),
            ),
        }
    }
    (names.len() == list.len()).then_some(names)
}

/// An interface's name, as the kernel takes it (`dev_valid_name` in net/core/dev.c).
fn interface<'t>(value: &Value<'t, '_>, faults: &mut Faults<'_>) -> Option<&'t str> {
    let name = value.string(faults)?;
    let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if (1..=15).contains(&name.len()) && name != "." && name != ".." && !name.contains(odd) {
        return Some(name);
    }
    faults.push(Fault::new(
        value.span(),
        format!("{} cannot be the name of an interface", quote(name)),
        "not an interface name",
        "write a name that `ip link` shows: 1 to 15 characters without blanks, `/` and `:`",
    ));
    None
}

fn vips(
    entries: &Entries<'_, '_>,
    interfaces: Option<&[String]>,
    faults: &mut Faults<'_>,
) -> Option<VipOwnership> {
    let manage = entries.value(&keys::director::MANAGE_VIPS, faults);
    let managed = manage
        .as_ref()
        .map_or(Some(true), |value| value.boolean(faults));
    let Some(chosen) = entries.value(&keys::director::VIP_INTERFACE, faults) else {
        return match managed? {
            true => Some(VipOwnership::Director {
                interface: interfaces?.first()?.clone(),
            }),
            false => Some(VipOwnership::External),
        };
    };
    let name = interface(&chosen, faults)?;
    if let (Some(false), Some(manage)) = (managed, manage) {
        let cure = "remove `vip_interface`, or let dray add the VIPs with `manage_vips = true`";
        faults.push(
            Fault::new(
                chosen.key_span(),
                "`vip_interface` has no use here",
                "dray adds no VIP",
                cure,
            )
            .related(manage.span(), "because of this"),
        );
        return None;
    }
    let interfaces = interfaces?;
    if !interfaces.iter().any(|interface| interface == name) {
        faults.push(Fault::new(
            chosen.span(),
            format!("{} is not one of the director's interfaces", quote(name)),
            "not in `interfaces`",
            format!(
                "write one of {}, or add it to `interfaces`",
                listed(interfaces)
            ),
        ));
        return None;
    }
    managed?.then(|| VipOwnership::Director {
        interface: name.to_owned(),
    })
}

fn timeouts(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Timeouts> {
    let default = Timeouts::default();
    let Some(value) = entries.value(&keys::director::TIMEOUTS, faults) else {
        return Some(default);
    };
    let entries = Entries::open(&keys::TIMEOUTS, value.span(), value.table(faults)?, faults);
    let tcp = timeout(&entries, &keys::timeouts::TCP, default.tcp, faults);
    let tcp_fin = timeout(&entries, &keys::timeouts::TCP_FIN, default.tcp_fin, faults);
    let udp = timeout(&entries, &keys::timeouts::UDP, default.udp, faults);
    Some(Timeouts {
        tcp: tcp?,
        tcp_fin: tcp_fin?,
        udp: udp?,
    })
}

fn timeout(
    entries: &Entries<'_, '_>,
    key: &'static Key,
    default: Duration,
    faults: &mut Faults<'_>,
) -> Option<Duration> {
    let Some(value) = entries.value(key, faults) else {
        return Some(default);
    };
    let text = value.duration(faults)?;
    let time = duration::parse(text);
    let within = time.filter(|time| TIMEOUT_BOUNDS.contains(&time.as_secs()));
    if within.is_none() {
        let cause = match time {
            None => format!("{} is not a time", quote(text)),
            Some(_) => format!("`{}` is out of range", key.name),
        };
        let number = text
            .trim()
            .parse::<u64>()
            .ok()
            .filter(|seconds| TIMEOUT_BOUNDS.contains(seconds));
        let cure = match number {
            Some(seconds) => format!(
                "write the unit too: `{} = \"{}\"`",
                key.name,
                duration::write(seconds)
            ),
            None => format!(
                "write a time from 1s to 31d in whole `d`, `h`, `m` and `s`, as in `{}`",
                key.example
            ),
        };
        let label = if time.is_some() {
            "out of range"
        } else {
            "not a time"
        };
        faults.push(Fault::new(value.span(), cause, label, cure));
    }
    within
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ")
}
