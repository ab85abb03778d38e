//! Keys of `[director.timeouts]`.

use super::{Key, Presence};

pub(in crate::config) static TCP: Key = Key {
    name: "tcp",
    holds: "a time in quotes",
    presence: Presence::Default("15m"),
    example: "tcp = \"15m\"",
    elsewhere: &["established"],
};
pub(in crate::config) static TCP_FIN: Key = Key {
    name: "tcp_fin",
    holds: "a time in quotes",
    presence: Presence::Default("2m"),
    example: "tcp_fin = \"2m\"",
    elsewhere: &["fin", "fin_wait"],
};
pub(in crate::config) static UDP: Key = Key {
    name: "udp",
    holds: "a time in quotes",
    presence: Presence::Default("5m"),
    example: "udp = \"5m\"",
    elsewhere: &[],
};
