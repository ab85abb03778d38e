//! keepalived 2.2.7's keywords: those of its manual, keepalived.conf(5), and the old names that it still takes.

pub(super) mod bfd;
pub(super) mod check;
pub(super) mod global;
pub(super) mod lvs;
pub(super) mod track;
pub(super) mod vrrp;

/// Why what VRRP is told stays where it is.
pub(super) const VRRP: &str =
    "dray has no VRRP yet; keepalived goes on to do it, started with `keepalived --vrrp`";

/// Why what health checks are told is not translated.
pub(super) const HEALTH: &str = "dray has no health checks yet";

/// Why mail is not translated.
pub(super) const MAIL: &str = "dray sends no mail; let your monitoring ask `dray status --json`";

/// Why keepalived's processes are not dray's.
pub(super) const PROCESS: &str = "it is about keepalived's own processes";

/// Why BFD is not translated.
pub(super) const BFD: &str = "dray does not speak BFD yet";

#[cfg(test)]
mod tests;
