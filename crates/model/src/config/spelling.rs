//! How the file writes values, each in one way: the way back from what the other files here read.

use std::{net::IpAddr, ops::RangeInclusive};

use crate::{ApiReaders, Defence, Family, KernelRules, NoDestination, Removed};

use super::{api, identity::FAMILIES, ipvs, prefix};

pub(crate) use super::{
    client_address::TOA,
    director::{MAX_CONNECTIONS, MAX_TRANSLATIONS},
    duration::write as duration,
    method::{GUE_PORT, REMOTE},
    prefix::bits,
    scheduler::DEFAULT as SCHEDULER,
    value::grouped,
};

pub(crate) fn family(family: Family) -> &'static str {
    word(&FAMILIES, family)
}

pub(crate) fn readers(readers: ApiReaders) -> &'static str {
    word(&api::READERS, readers)
}

pub(crate) fn defence(defence: Defence) -> &'static str {
    word(&ipvs::DEFENCES, defence)
}

pub(crate) fn kernel(rules: KernelRules) -> &'static str {
    word(&ipvs::KERNELS, rules)
}

pub(crate) fn removed(removed: Removed) -> &'static str {
    word(&ipvs::REMOVED, removed)
}

pub(crate) fn no_destination(answer: NoDestination) -> &'static str {
    word(&ipvs::NO_DESTINATION, answer)
}

/// A network, or an address alone.
pub(crate) fn network((address, length): (IpAddr, u8)) -> String {
    if prefix::is_single((address, length)) {
        address.to_string()
    } else {
        format!("{address}/{length}")
    }
}

/// A port, or the first and the last.
pub(crate) fn ports(ports: &RangeInclusive<u16>) -> String {
    let (first, last) = (ports.start(), ports.end());
    if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}

/// A text in double quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The word for it. Every value has one: a file could not ask for it otherwise.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words
        .iter()
        .find(|(_, meaning)| *meaning == value)
        .map_or("", |(word, _)| *word)
}
