//! Keys of `[[service]]`.

use super::{Key, MethodKeys, Presence};

/// Those of the forwarding method.
pub(in crate::config) static METHOD: MethodKeys = MethodKeys {
    forward: &FORWARD,
    tunnel: &TUNNEL,
    tunnel_port: &TUNNEL_PORT,
    tunnel_checksum: &TUNNEL_CHECKSUM,
};

pub(in crate::config) static NAME: Key = Key {
    name: "name",
    holds: "a name in quotes",
    presence: Presence::Required,
    example: "name = \"web\"",
    elsewhere: &["id", "title"],
};
pub(in crate::config) static ADDRESS: Key = Key {
    name: "address",
    holds: "a service address in quotes",
    presence: Presence::Unless("mark"),
    example: "address = \"tcp://10.77.0.100:80\"",
    elsewhere: &["vip", "listen", "bind", "virtual_address"],
};
pub(in crate::config) static MARK: Key = Key {
    name: "mark",
    holds: "a whole number",
    presence: Presence::Default("the service has an `address`"),
    example: "mark = 5",
    elsewhere: &["fwmark", "fwm"],
};
pub(in crate::config) static FAMILY: Key = Key {
    name: "family",
    holds: "`ipv4` or `ipv6` in quotes",
    presence: Presence::Default("that of the `address`; ipv4 for a mark"),
    example: "family = \"ipv6\"",
    elsewhere: &["af", "ip_family"],
};
pub(in crate::config) static SCHEDULER: Key = Key {
    name: "scheduler",
    holds: "a scheduler's name in quotes",
    presence: Presence::Default("wlc"),
    example: "scheduler = \"wlc\"",
    elsewhere: &[
        "lb_algo",
        "lvs_sched",
        "algorithm",
        "algo",
        "balance",
        "sched",
    ],
};
pub(in crate::config) static FLAGS: Key = Key {
    name: "flags",
    holds: "a list of flags of the scheduler",
    presence: Presence::Default("no flag"),
    example: "flags = [\"sh-fallback\"]",
    elsewhere: &["sched_flags", "scheduler_flags", "lvs_flags"],
};
pub(in crate::config) static PERSISTENT: Key = Key {
    name: "persistent",
    holds: "a time in quotes",
    presence: Presence::Default("not persistent"),
    example: "persistent = \"6m\"",
    elsewhere: &["persistence", "persistence_timeout", "sticky"],
};
pub(in crate::config) static NETMASK: Key = Key {
    name: "netmask",
    holds: "an IPv4 mask in quotes, or the length of an IPv6 prefix",
    presence: Presence::Default("each address for itself"),
    example: "netmask = \"255.255.255.0\"",
    elsewhere: &["persistence_granularity", "granularity", "mask", "prefix"],
};
pub(in crate::config) static PERSISTENCE_ENGINE: Key = Key {
    name: "persistence_engine",
    holds: "`sip` in quotes",
    presence: Presence::Default("no engine"),
    example: "persistence_engine = \"sip\"",
    elsewhere: &["pe", "pe_name"],
};
pub(in crate::config) static ONE_PACKET: Key = Key {
    name: "one_packet",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "one_packet = true",
    elsewhere: &["ops", "one_packet_scheduling"],
};
pub(in crate::config) static FORWARD: Key = Key {
    name: "forward",
    holds: "a forwarding method's name in quotes",
    presence: Presence::Default("dr"),
    example: "forward = \"dr\"",
    elsewhere: &[
        "lb_kind",
        "lvs_method",
        "forwarding",
        "forwarding_method",
        "mode",
    ],
};
pub(in crate::config) static TUNNEL: Key = Key {
    name: "tunnel",
    holds: "the name of a tunnel in quotes",
    presence: Presence::Default("ipip for tunnels"),
    example: "tunnel = \"gue\"",
    elsewhere: &["tun_type", "tunnel_type", "type", "encapsulation"],
};
pub(in crate::config) static TUNNEL_PORT: Key = Key {
    name: "tunnel_port",
    holds: "a whole number",
    presence: Presence::Default("6080 for GUE"),
    example: "tunnel_port = 6080",
    elsewhere: &["tun_port", "gue_port"],
};
pub(in crate::config) static TUNNEL_CHECKSUM: Key = Key {
    name: "tunnel_checksum",
    holds: "`true`, `false` or `remote` in quotes",
    presence: Presence::Default("no checksum"),
    example: "tunnel_checksum = true",
    elsewhere: &["tun_csum", "csum", "checksum", "tun_nocsum", "tun_remcsum"],
};
pub(in crate::config) static CLIENT_ADDRESS: Key = Key {
    name: "client_address",
    holds: "`hidden` or `toa` in quotes",
    presence: Presence::Default("hidden from FULLNAT's real servers"),
    example: "client_address = \"toa\"",
    elsewhere: &["client_ip", "toa", "proxy_protocol", "send_proxy"],
};
pub(in crate::config) static TOA_OPTION: Key = Key {
    name: "toa_option",
    holds: "a whole number",
    presence: Presence::Default("254 for TOA"),
    example: "toa_option = 254",
    elsewhere: &["toa_kind", "toa_opt", "tcp_option"],
};
pub(in crate::config) static MSS: Key = Key {
    name: "mss",
    holds: "a whole number",
    presence: Presence::Default("what clients ask for"),
    example: "mss = 1400",
    elsewhere: &["mss_clamp", "clamp_mss", "max_segment", "tcpmss"],
};
pub(in crate::config) static REAL: Key = Key {
    name: "real",
    holds: "a list of tables",
    presence: Presence::Default("no real server"),
    example: "[[service.real]]",
    elsewhere: &[
        "real_server",
        "real_servers",
        "server",
        "servers",
        "backend",
        "backends",
        "destination",
    ],
};
