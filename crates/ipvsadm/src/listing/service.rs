//! What listings and rules say of a service alike.

use dray_model::{Family, Protocol, ServiceIdentity};

use super::{Look, look::cut};
use crate::{Netmask, SchedulerFlags, snapshot::Service};

/// A service's name in a listing, cut as the tool's buffer cuts it.
pub(super) fn name(identity: &ServiceIdentity, look: Look<'_>) -> String {
    match identity {
        ServiceIdentity::Mark(mark) => {
            let family = match mark.family {
                Family::Ipv4 => "",
                Family::Ipv6 => " IPv6",
            };
            // Version 1.31 prints it as a signed number.
            format!("FWM  {}{family}", mark.number.get().cast_signed())
        }
        ServiceIdentity::Address(address) => {
            let protocol = address.protocol.name().to_uppercase();
            let endpoint = look.endpoint(address.vip, address.port, Some(address.protocol));
            let text = format!("{protocol:<4} {endpoint}");
            match identity.family() {
                Family::Ipv4 => cut(text, 33),
                Family::Ipv6 => text,
            }
        }
    }
}

/// The options that name a service.
pub(super) fn option(identity: &ServiceIdentity, look: Look<'_>) -> String {
    match identity {
        ServiceIdentity::Mark(mark) => {
            let family = match mark.family {
                Family::Ipv4 => "",
                Family::Ipv6 => " -6",
            };
            format!("-f {}{family}", mark.number.get().cast_signed())
        }
        ServiceIdentity::Address(address) => {
            let option = match address.protocol {
                Protocol::Tcp => "-t",
                Protocol::Udp => "-u",
                Protocol::Sctp => "--sctp-service",
            };
            let endpoint = look.endpoint(address.vip, address.port, Some(address.protocol));
            format!("{option} {endpoint}")
        }
    }
}

/// The protocol whose ports the service's real servers have; that of a mark is not known.
pub(super) fn protocol(service: &Service) -> Option<Protocol> {
    service.identity.address().map(|address| address.protocol)
}

/// The names of a scheduler's flags. `sh` and `mh` have names of their own for two of them, and none for the third.
pub(super) fn flags(scheduler: &str, flags: SchedulerFlags) -> String {
    let names = match scheduler {
        "sh" => ["sh-fallback", "sh-port", ""],
        "mh" => ["mh-fallback", "mh-port", ""],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let set = [flags.first, flags.second, flags.third];
    let names: Vec<&str> = names
        .into_iter()
        .zip(set)
        .filter(|(name, set)| *set && !name.is_empty())
        .map(|(name, _)| name)
        .collect();
    names.join(",")
}

/// The mask, unless it tells every client from every other.
pub(super) fn mask(netmask: Netmask) -> Option<String> {
    match netmask {
        Netmask::ALL4 | Netmask::ALL6 => None,
        Netmask::Ipv4(mask) => Some(mask.to_string()),
        Netmask::Ipv6(length) => Some(length.to_string()),
    }
}
