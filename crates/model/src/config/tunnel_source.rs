//! `[director.tunnel]`: where tunnels come from.

use crate::{Family, TunnelSource, TunnelSources};

use super::{
    address,
    fault::{Fault, Faults},
    keys::{self, Key},
    prefix,
    table::Entries,
    value::Value,
};

/// Most bits of a source that may vary by flow.
const MOST_SPREAD: u8 = 16;

/// Reads the sources of tunnels; `None` only with a fault.
pub(super) fn read(director: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<TunnelSources> {
    let Some(value) = director.value(&keys::director::TUNNEL, faults) else {
        return Some(TunnelSources::default());
    };
    let entries = Entries::open(&keys::TUNNEL, value.span(), value.table(faults)?, faults);
    let mut source = |key: &'static Key, family| {
        entries
            .value(key, faults)
            .map_or(Some(None), |value| source(&value, family, faults).map(Some))
    };
    let ipv4 = source(&keys::tunnel::SOURCE4, Family::Ipv4);
    let ipv6 = source(&keys::tunnel::SOURCE6, Family::Ipv6);
    Some(TunnelSources {
        ipv4: ipv4?,
        ipv6: ipv6?,
    })
}

fn source(value: &Value<'_, '_>, family: Family, faults: &mut Faults<'_>) -> Option<TunnelSource> {
    let text = value.string(faults)?;
    let host = 0..text.find('/').unwrap_or(text.len());
    let parsed = prefix::parse(text).and_then(|(address, length)| {
        address::usable(address, host)?;
        Ok((address, length))
    });
    let (address, length) = parsed
        .map_err(|wrong| faults.push(value.fault(wrong)))
        .ok()?;
    if Family::of(address) != family {
        let (own, other, key) = match family {
            Family::Ipv4 => ("IPv4", "IPv6", keys::tunnel::SOURCE6.name),
            Family::Ipv6 => ("IPv6", "IPv4", keys::tunnel::SOURCE4.name),
        };
        let cause = format!("`{}` is the source of tunnels over {own}", value.name());
        let cure = format!("write it as `{key}`, or give an {own} address");
        faults.push(Fault::new(value.span(), cause, other, cure));
        return None;
    }
    let spread = prefix::bits(address) - length;
    if spread > MOST_SPREAD {
        let least = prefix::bits(address) - MOST_SPREAD;
        faults.push(Fault::new(
            value.span(),
            format!("{spread} bits of the source would vary"),
            "too large",
            format!("write a network of length {least} or longer: at most {MOST_SPREAD} bits vary by flow"),
        ));
        return None;
    }
    Some(TunnelSource { address, spread })
}
