//! Keys of `[director.fullnat]`.

use super::{Key, Presence};

pub(in crate::config) static ADDRESSES: Key = Key {
    name: "addresses",
    holds: "a list of addresses and ranges of addresses in quotes",
    presence: Presence::Required,
    example: "addresses = [\"10.0.0.100\"]",
    elsewhere: &[
        "address",
        "local_addresses",
        "laddr",
        "laip",
        "lip",
        "pool",
        "source",
    ],
};
pub(in crate::config) static PORTS: Key = Key {
    name: "ports",
    holds: "a range of ports in quotes",
    presence: Presence::Default("1024-65535"),
    example: "ports = \"1024-65535\"",
    elsewhere: &["port", "port_range", "local_ports", "lport"],
};
