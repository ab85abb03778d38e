//! Keys of `[director.tunnel]`.

use super::{Key, Presence};

pub(in crate::config) static SOURCE4: Key = Key {
    name: "source4",
    holds: "an IPv4 address or network in quotes",
    presence: Presence::Default("the route's choice"),
    example: "source4 = \"10.0.0.2\"",
    elsewhere: &["source_ipv4", "ipv4"],
};
pub(in crate::config) static SOURCE6: Key = Key {
    name: "source6",
    holds: "an IPv6 address or network in quotes",
    presence: Presence::Default("the route's choice"),
    example: "source6 = \"2001:db8::2\"",
    elsewhere: &["source_ipv6", "ipv6"],
};
