//! How a service treats clients: persistence and one-packet scheduling.

use std::{net::Ipv4Addr, num::NonZeroU32};

use crate::{Family, Granularity, Persistence, PersistenceEngine, Protocol, ServiceOptions};

use super::{
    fault::{Fault, Faults, quote},
    identity::Identified,
    keys::{self, service},
    prefix,
    protocol::only,
    table::Entries,
    value::Value,
};

/// Reads a service's options; `None` only with a fault.
pub(super) fn read(
    entries: &Entries<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<ServiceOptions> {
    let persistence = persistence(entries, service, faults);
    let one_packet = entries
        .value(&service::ONE_PACKET, faults)
        .map_or(Some(false), |value| one_packet(&value, service, faults));
    Some(ServiceOptions {
        persistence: persistence?,
        one_packet: one_packet?,
    })
}

fn persistence(
    entries: &Entries<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<Option<Persistence>> {
    let netmask = entries.value(&service::NETMASK, faults);
    let engine = entries.value(&service::PERSISTENCE_ENGINE, faults);
    let Some(persistent) = entries.value(&service::PERSISTENT, faults) else {
        return without(&[netmask, engine], faults).then_some(None);
    };
    let timeout = persistent.time(faults).and_then(|time| {
        let seconds = u32::try_from(time.as_secs()).ok();
        seconds.and_then(NonZeroU32::new)
    });
    let family = service.map(|service| service.identity.family());
    let granularity = match netmask {
        Some(value) => granularity(&value, family?, faults),
        None => family.map(each_address),
    };
    let engine = engine.map_or(Some(None), |value| sip(&value, service, faults).map(Some));
    Some(Some(Persistence {
        timeout: timeout?,
        granularity: granularity?,
        engine: engine?,
    }))
}

/// What each address for itself is.
fn each_address(family: Family) -> Granularity {
    match family {
        Family::Ipv4 => Granularity::Ipv4(Ipv4Addr::BROADCAST),
        Family::Ipv6 => Granularity::Ipv6(128),
    }
}

/// Whether none of these is there: they say how a service is persistent, and it is not.
fn without(values: &[Option<Value<'_, '_>>], faults: &mut Faults<'_>) -> bool {
    for value in values.iter().flatten() {
        faults.push(Fault::new(
            value.key_span(),
            format!("`{}` has no use here", value.name()),
            "the service is not persistent",
            format!(
                "write `{}` too, or remove it",
                keys::service::PERSISTENT.example
            ),
        ));
    }
    values.iter().all(Option::is_none)
}

fn granularity(
    value: &Value<'_, '_>,
    family: Family,
    faults: &mut Faults<'_>,
) -> Option<Granularity> {
    match (family, value.is_integer()) {
        (Family::Ipv6, true) => {
            let length = value.integer(1..=128, ", the length of the prefix", faults)?;
            u8::try_from(length).ok().map(Granularity::Ipv6)
        }
        (Family::Ipv6, false) => {
            let text = value.string(faults)?;
            let length: Option<u8> = text.trim_start_matches('/').parse().ok();
            let length = length.filter(|length| (1..=128).contains(length));
            faults.push(Fault::new(
                value.span(),
                format!("{} is not the length of an IPv6 prefix", quote(text)),
                "not a number",
                format!("write `netmask = {}`", length.unwrap_or(64)),
            ));
            None
        }
        (Family::Ipv4, true) => {
            let length = value.integer(0..=32, ", or better a mask", faults)?;
            let mask = prefix::mask(u8::try_from(length).ok()?);
            faults.push(Fault::new(
                value.span(),
                "the `netmask` of an IPv4 service is a mask",
                "a length",
                format!("write `netmask = \"{mask}\"`"),
            ));
            None
        }
        (Family::Ipv4, false) => ipv4_mask(value, faults).map(Granularity::Ipv4),
    }
}

fn ipv4_mask(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Ipv4Addr> {
    let text = value.string(faults)?;
    let mask = text.parse().ok();
    if mask.is_none() {
        let length: Option<u8> = text.trim_start_matches('/').parse().ok();
        let length = length.filter(|length| *length <= 32);
        faults.push(Fault::new(
            value.span(),
            format!("{} is not an IPv4 mask", quote(text)),
            "not a mask",
            format!(
                "write `netmask = \"{}\"`",
                prefix::mask(length.unwrap_or(24))
            ),
        ));
    }
    mask
}

fn sip(
    value: &Value<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<PersistenceEngine> {
    let engine = value.choice(&[("sip", PersistenceEngine::Sip)], faults)?;
    let cause = "the persistence engine `sip` is only for UDP services";
    let cure = "remove it, or write `udp://` in the `address`";
    only(Protocol::Udp, value, service, cause, cure, faults).then_some(engine)
}

fn one_packet(
    value: &Value<'_, '_>,
    service: Option<&Identified>,
    faults: &mut Faults<'_>,
) -> Option<bool> {
    let on = value.boolean(faults)?;
    let cause = "one-packet scheduling is only for UDP services and marks";
    let cure = "remove it, or write `udp://` in the `address`";
    (!on || only(Protocol::Udp, value, service, cause, cure, faults)).then_some(on)
}
