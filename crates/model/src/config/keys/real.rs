//! Keys of `[[service.real]]`.

use super::{Key, Presence};

pub(in crate::config) static ADDRESS: Key = Key {
    name: "address",
    holds: "an IP address in quotes",
    presence: Presence::Required,
    example: "address = \"10.77.0.11\"",
    elsewhere: &["ip", "host", "server", "real_server", "destination"],
};
pub(in crate::config) static WEIGHT: Key = Key {
    name: "weight",
    holds: "a whole number",
    presence: Presence::Default("1"),
    example: "weight = 1",
    elsewhere: &[],
};
pub(in crate::config) static UPPER_THRESHOLD: Key = Key {
    name: "upper_threshold",
    holds: "a whole number",
    presence: Presence::Default("0"),
    example: "upper_threshold = 1000",
    elsewhere: &["uthreshold", "u_threshold", "maxconn"],
};
pub(in crate::config) static LOWER_THRESHOLD: Key = Key {
    name: "lower_threshold",
    holds: "a whole number",
    presence: Presence::Default("0"),
    example: "lower_threshold = 800",
    elsewhere: &["lthreshold", "l_threshold", "minconn"],
};
