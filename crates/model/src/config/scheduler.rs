//! A service's scheduler and its flags.

use std::collections::HashMap;

use crate::{HashFlags, Scheduler};

use super::{
    fault::{Fault, Faults, quote},
    keys::{self, nearest},
    table::Entries,
    value::Value,
};

/// The scheduler of a service that names none: `ipvsadm`'s.
pub(crate) const DEFAULT: Scheduler = Scheduler::WeightedLeastConnection;

/// The flags: name, scheduler, and what it sets.
const FLAGS: [(&str, &str, HashFlags); 4] = [
    ("sh-fallback", "sh", FALLBACK),
    ("sh-port", "sh", PORT),
    ("mh-fallback", "mh", FALLBACK),
    ("mh-port", "mh", PORT),
];

const FALLBACK: HashFlags = HashFlags {
    fallback: true,
    port: false,
};

const PORT: HashFlags = HashFlags {
    fallback: false,
    port: true,
};

/// The names by which `ipvsadm` and old kernels know flags of any scheduler.
const NUMBERED: [(&str, &str); 3] = [
    ("flag-1", "`sh-fallback` or `mh-fallback`"),
    ("flag-2", "`sh-port` or `mh-port`"),
    ("flag-3", "no flag: no scheduler has a third one"),
];

/// Reads a service's scheduler with its flags; `None` only with a fault.
pub(super) fn read(entries: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<Scheduler> {
    let value = entries.value(&keys::service::SCHEDULER, faults);
    let scheduler = value
        .as_ref()
        .map_or(Some(DEFAULT), |value| scheduler(value, faults));
    let Some(list) = entries.value(&keys::service::FLAGS, faults) else {
        return scheduler;
    };
    let flags = flags(&list, scheduler, faults);
    Some(match scheduler? {
        Scheduler::SourceHash(_) => Scheduler::SourceHash(flags?),
        Scheduler::MaglevHash(_) => Scheduler::MaglevHash(flags?),
        other => flags.map(|_| other)?,
    })
}

fn scheduler(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<Scheduler> {
    let name = value.string(faults)?;
    let scheduler = Scheduler::from_name(name);
    if scheduler.is_none() {
        let names = || Scheduler::ALL.iter().map(|scheduler| scheduler.name());
        let all = names().map(quote).collect::<Vec<_>>().join(", ");
        let cure = match nearest(&name.to_lowercase(), names()) {
            Some(near) => format!("did you mean `{near}`? The schedulers are {all}"),
            None => format!("use one of {all}"),
        };
        let cause = format!("there is no scheduler {}", quote(name));
        faults.push(Fault::new(value.span(), cause, "unknown scheduler", cure));
    }
    scheduler
}

/// The flags of a list; `None` only with a fault. Without a scheduler, flags of any are taken.
fn flags(
    list: &Value<'_, '_>,
    scheduler: Option<Scheduler>,
    faults: &mut Faults<'_>,
) -> Option<HashFlags> {
    let mut flags = Some(HashFlags::default());
    let mut first = HashMap::new();
    for item in list.items(faults)? {
        let Some(name) = item.string(faults) else {
            flags = None;
            continue;
        };
        if let Some(before) = first.get(name) {
            faults.push(
                Fault::new(
                    item.span(),
                    format!("the flag {} is named twice", quote(name)),
                    "named again here",
                    "remove it",
                )
                .related(std::ops::Range::clone(before), "named here before"),
            );
        }
        first.insert(name, item.span());
        match flag(name, scheduler) {
            Ok(new) => {
                if let Some(flags) = &mut flags {
                    flags.fallback |= new.fallback;
                    flags.port |= new.port;
                }
            }
            Err((cause, label, cure)) => {
                faults.push(Fault::new(item.span(), cause, label, cure));
                flags = None;
            }
        }
    }
    flags
}

/// What a flag sets, or cause, label and cure.
fn flag(
    name: &str,
    scheduler: Option<Scheduler>,
) -> Result<HashFlags, (String, &'static str, String)> {
    let Some((_, owner, flags)) = FLAGS.iter().find(|(flag, ..)| *flag == name) else {
        let names = || FLAGS.iter().map(|(flag, ..)| *flag);
        let all = names().map(quote).collect::<Vec<_>>().join(", ");
        let numbered = NUMBERED.iter().find(|(number, _)| *number == name);
        let cure = match (numbered, nearest(&name.to_lowercase(), names())) {
            (Some((_, instead)), _) => format!("write {instead}"),
            (None, Some(near)) => format!("did you mean `{near}`? The flags are {all}"),
            (None, None) => format!("use flags out of {all}"),
        };
        let cause = format!("there is no flag {}", quote(name));
        return Err((cause, "unknown flag", cure));
    };
    let Some(other) = scheduler
        .map(Scheduler::name)
        .filter(|other| other != owner)
    else {
        return Ok(*flags);
    };
    let same = FLAGS
        .iter()
        .find(|(_, own, same)| *own == other && same == flags);
    let cure = match same {
        Some((instead, ..)) => format!("write `{instead}`"),
        None => format!("remove it, or write `scheduler = \"{owner}\"`"),
    };
    let cause = format!("the flag `{name}` does not fit the scheduler `{other}`");
    Err((cause, "a flag of another scheduler", cure))
}
