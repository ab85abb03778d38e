//! Keys of `[[mark]]`.

use super::{Key, Presence};
pub(in crate::config) static MARK: Key = Key {
    name: "mark",
    holds: "a whole number",
    presence: Presence::Required,
    example: "mark = 5",
    elsewhere: &["set_mark", "fwmark", "number", "id"],
};
pub(in crate::config) static DESTINATION: Key = Key {
    name: "destination",
    holds: "a list of addresses and networks in quotes",
    presence: Presence::Default("every address"),
    example: "destination = [\"10.77.0.100\"]",
    elsewhere: &["destinations", "dst", "daddr", "vip", "vips", "address"],
};
pub(in crate::config) static SOURCE: Key = Key {
    name: "source",
    holds: "a list of addresses and networks in quotes",
    presence: Presence::Default("every address"),
    example: "source = [\"192.0.2.0/24\"]",
    elsewhere: &["sources", "src", "saddr", "client", "clients"],
};
pub(in crate::config) static PROTOCOL: Key = Key {
    name: "protocol",
    holds: "`tcp`, `udp` or `sctp` in quotes",
    presence: Presence::Default("all three"),
    example: "protocol = \"tcp\"",
    elsewhere: &["proto"],
};
pub(in crate::config) static PORTS: Key = Key {
    name: "ports",
    holds: "a list of ports in quotes",
    presence: Presence::Default("every port"),
    example: "ports = [\"80\", \"8000-8010\"]",
    elsewhere: &[
        "port",
        "dport",
        "dports",
        "destination_port",
        "destination_ports",
    ],
};
pub(in crate::config) static SOURCE_PORTS: Key = Key {
    name: "source_ports",
    holds: "a list of ports in quotes",
    presence: Presence::Default("every port"),
    example: "source_ports = [\"1024-65535\"]",
    elsewhere: &["source_port", "sport", "sports"],
};
pub(in crate::config) static INTERFACE: Key = Key {
    name: "interface",
    holds: "an interface name in quotes",
    presence: Presence::Default("every interface"),
    example: "interface = \"eth0\"",
    elsewhere: &["in_interface", "iif", "device"],
};
pub(in crate::config) static FAMILY: Key = Key {
    name: "family",
    holds: "`ipv4` or `ipv6` in quotes",
    presence: Presence::Default("that of its addresses; ipv4 without any"),
    example: "family = \"ipv6\"",
    elsewhere: &["af", "ip_family"],
};
