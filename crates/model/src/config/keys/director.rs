//! Keys of `[director]`.

use super::{Key, Presence};

pub(in crate::config) static INTERFACES: Key = Key {
    name: "interfaces",
    holds: "a list of interface names",
    presence: Presence::Required,
    example: "interfaces = [\"eth0\"]",
    elsewhere: &["iface", "ifaces", "nic", "nics", "device", "devices"],
};
pub(in crate::config) static MAX_CONNECTIONS: Key = Key {
    name: "max_connections",
    holds: "a whole number",
    presence: Presence::Default("1_048_576"),
    example: "max_connections = 1_048_576",
    elsewhere: &["max_conns", "maxconn", "connections"],
};
pub(in crate::config) static MAX_TRANSLATIONS: Key = Key {
    name: "max_translations",
    holds: "a whole number",
    presence: Presence::Default("65_536"),
    example: "max_translations = 65_536",
    elsewhere: &["max_nat", "translations"],
};
pub(in crate::config) static MANAGE_VIPS: Key = Key {
    name: "manage_vips",
    holds: "`true` or `false`",
    presence: Presence::Default("true"),
    example: "manage_vips = false",
    elsewhere: &["add_vips", "own_vips"],
};
pub(in crate::config) static VIP_INTERFACE: Key = Key {
    name: "vip_interface",
    holds: "an interface name in quotes",
    presence: Presence::Default("the first of `interfaces`"),
    example: "vip_interface = \"eth0\"",
    elsewhere: &[],
};
pub(in crate::config) static TIMEOUTS: Key = Key {
    name: "timeouts",
    holds: "a table",
    presence: Presence::Default("IPVS's timeouts"),
    example: "[director.timeouts]",
    elsewhere: &[],
};
pub(in crate::config) static TUNNEL: Key = Key {
    name: "tunnel",
    holds: "a table",
    presence: Presence::Default("the addresses that routes give"),
    example: "[director.tunnel]",
    elsewhere: &["tunnels", "tun"],
};
pub(in crate::config) static FULLNAT: Key = Key {
    name: "fullnat",
    holds: "a table",
    presence: Presence::Default("no local addresses"),
    example: "[director.fullnat]",
    elsewhere: &["snat", "local_addresses", "laddr_group_name", "laip"],
};
pub(in crate::config) static IPVS: Key = Key {
    name: "ipvs",
    holds: "a table",
    presence: Presence::Default("dray's settings"),
    example: "[director.ipvs]",
    elsewhere: &["sysctl", "vs"],
};
pub(in crate::config) static API: Key = Key {
    name: "api",
    holds: "a table",
    presence: Presence::Default("the Unix socket alone, for root and its group"),
    example: "[director.api]",
    elsewhere: &["rest", "control", "management"],
};
