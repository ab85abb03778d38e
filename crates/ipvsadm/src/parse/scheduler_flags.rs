//! The argument of `-b`.

use crate::{SchedulerFlags, Usage};

/// What `ipvsadm` keeps of the argument, in bytes.
const LONGEST: usize = 127;

/// The flags of a list with commas. Those with a scheduler's name in them are that scheduler's.
pub(super) fn scheduler_flags(scheduler: &str, text: &str) -> Result<SchedulerFlags, Usage> {
    let mut flags = SchedulerFlags::default();
    let text = &text[..text.floor_char_boundary(LONGEST)];
    for flag in text.split(',').filter(|flag| !flag.is_empty()) {
        let owner = match flag {
            "flag-1" | "flag-2" | "flag-3" => None,
            "sh-fallback" | "sh-port" => Some("sh"),
            "mh-fallback" | "mh-port" => Some("mh"),
            _ => return Err(Usage::wrong(format!("invalid scheduler flag `{flag}'"))),
        };
        if owner.is_some_and(|owner| owner != scheduler) {
            return Err(Usage::wrong(format!(
                "incompatible scheduler flag `{flag}'"
            )));
        }
        match flag {
            "flag-1" | "sh-fallback" | "mh-fallback" => flags.first = true,
            "flag-2" | "sh-port" | "mh-port" => flags.second = true,
            _ => flags.third = true,
        }
    }
    Ok(flags)
}
