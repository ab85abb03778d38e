//! Keys of the file itself.

use super::{Key, Presence};

pub(in crate::config) static DIRECTOR: Key = Key {
    name: "director",
    holds: "a table",
    presence: Presence::Required,
    example: "[director]",
    elsewhere: &["global", "global_defs"],
};
pub(in crate::config) static SERVICE: Key = Key {
    name: "service",
    holds: "a list of tables",
    presence: Presence::Default("no service"),
    example: "[[service]]",
    elsewhere: &["virtual_server", "virtual_service", "virtual_services"],
};
pub(in crate::config) static MARK: Key = Key {
    name: "mark",
    holds: "a list of tables",
    presence: Presence::Default("no rule"),
    example: "[[mark]]",
    elsewhere: &["fwmark", "marks", "rule", "rules"],
};
