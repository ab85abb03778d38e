//! `[director]` and `[director.timeouts]`.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    ops::{Range, RangeInclusive},
    time::Duration,
};

use crate::{Director, LocalAddresses, MarkRule, Timeouts, VipOwnership};

use super::{
    across::Facts,
    api,
    fault::{Fault, Faults, quote},
    ipvs,
    keys::{self, Key},
    locals, mark,
    table::Entries,
    tunnel_source,
    value::Value,
};

/// Room of the connection table when the file says nothing.
pub(crate) const MAX_CONNECTIONS: u32 = 1_048_576;

/// What `max_connections` may be.
const MAX_CONNECTIONS_BOUNDS: RangeInclusive<u32> = 1_024..=67_108_864;

/// Room of the table of translations when the file says nothing.
pub(crate) const MAX_TRANSLATIONS: u32 = 65_536;

/// What `max_translations` may be.
const MAX_TRANSLATIONS_BOUNDS: RangeInclusive<u32> = 1_024..=8_388_608;

/// Reads the director's part of a file, the marks included; `None` only with a fault. What it has that others must not is
/// added to the facts.
pub(super) fn whole(
    file: &Entries<'_, '_>,
    facts: &mut Facts<'_, Range<usize>>,
    faults: &mut Faults<'_>,
) -> Option<Director> {
    let entries = open(file, faults);
    let interfaces = entries
        .as_ref()
        .and_then(|entries| interfaces(entries, faults));
    let marks = mark::read(file, interfaces.as_deref(), facts, faults);
    let entries = entries?;
    let locals = locals::read(&entries, faults);
    let (fullnat, items) = locals
        .map(|locals| (locals.addresses, locals.items))
        .unzip();
    facts.locals = items;
    read(&entries, interfaces, marks, fullnat, faults)
}

/// The file's `[director]`, opened; `None` only with a fault.
fn open<'t, 'i>(file: &Entries<'t, 'i>, faults: &mut Faults<'_>) -> Option<Entries<'t, 'i>> {
    let value = file.value(&keys::file::DIRECTOR, faults)?;
    let table = value.table(faults)?;
    Some(Entries::open(&keys::DIRECTOR, value.span(), table, faults))
}

/// Reads what `[director]` says, but for the interfaces, marks and local addresses, which are there already; `None` only with a
/// fault.
fn read(
    entries: &Entries<'_, '_>,
    interfaces: Option<Vec<String>>,
    marks: Option<Vec<MarkRule>>,
    fullnat: Option<LocalAddresses>,
    faults: &mut Faults<'_>,
) -> Option<Director> {
    let max_connections = entries
        .value(&keys::director::MAX_CONNECTIONS, faults)
        .map_or(Some(MAX_CONNECTIONS), |value| {
            value.integer(MAX_CONNECTIONS_BOUNDS, " connections", faults)
        });
    let max_translations = entries
        .value(&keys::director::MAX_TRANSLATIONS, faults)
        .map_or(Some(MAX_TRANSLATIONS), |value| {
            value.integer(MAX_TRANSLATIONS_BOUNDS, " connections", faults)
        });
    let vips = vips(entries, interfaces.as_deref(), faults);
    let timeouts = timeouts(entries, faults);
    let tunnels = tunnel_source::read(entries, faults);
    let ipvs = ipvs::read(entries, faults);
    let api = api::read(entries, faults);
    Some(Director {
        interfaces: interfaces?,
        max_connections: NonZeroU32::new(max_connections?)?,
        max_translations: NonZeroU32::new(max_translations?)?,
        tunnels: tunnels?,
        fullnat: fullnat?,
        vips: vips?,
        timeouts: timeouts?,
        marks: marks?,
        ipvs: ipvs?,
        api: api?,
    })
}

/// The director's interfaces; `None` only with a fault.
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
        let Some(name) = name(&item, faults) else {
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
fn name<'t>(value: &Value<'t, '_>, faults: &mut Faults<'_>) -> Option<&'t str> {
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
    let interface = interface(&chosen, interfaces, faults)?;
    managed?.then_some(VipOwnership::Director { interface })
}

/// The name of one of the director's interfaces.
pub(super) fn interface(
    value: &Value<'_, '_>,
    interfaces: Option<&[String]>,
    faults: &mut Faults<'_>,
) -> Option<String> {
    let name = name(value, faults)?;
    let interfaces = interfaces?;
    let found = interfaces.iter().find(|interface| *interface == name);
    if found.is_none() {
        faults.push(Fault::new(
            value.span(),
            format!("{} is not one of the director's interfaces", quote(name)),
            "not in `interfaces`",
            format!(
                "write one of {}, or add it to `interfaces`",
                listed(interfaces)
            ),
        ));
    }
    found.cloned()
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
    entries
        .value(key, faults)
        .map_or(Some(default), |value| value.time(faults))
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(", ")
}
