//! Keys of `[[service.real]]`.

use super::{Key, MethodKeys, Presence, service};

/// Those of the forwarding method.
pub(in crate::config) static METHOD: MethodKeys = MethodKeys {
    forward: &FORWARD,
    tunnel: &TUNNEL,
    tunnel_port: &TUNNEL_PORT,
    tunnel_checksum: &TUNNEL_CHECKSUM,
};

pub(in crate::config) static ADDRESS: Key = Key {
    name: "address",
    holds: "an IP address in quotes, with or without a port",
    presence: Presence::Required,
    example: "address = \"10.77.0.11\"",
    elsewhere: &["ip", "host", "server", "real_server", "destination"],
};
pub(in crate::config) static FORWARD: Key = Key {
    name: "forward",
    holds: "a forwarding method's name in quotes",
    presence: Presence::Default("that of the service"),
    example: "forward = \"tun\"",
    elsewhere: service::FORWARD.elsewhere,
};
pub(in crate::config) static TUNNEL: Key = Key {
    name: "tunnel",
    holds: "the name of a tunnel in quotes",
    presence: Presence::Default("that of the service"),
    example: "tunnel = \"gue\"",
    elsewhere: service::TUNNEL.elsewhere,
};
pub(in crate::config) static TUNNEL_PORT: Key = Key {
    name: "tunnel_port",
    holds: "a whole number",
    presence: Presence::Default("that of the service"),
    example: "tunnel_port = 6080",
    elsewhere: service::TUNNEL_PORT.elsewhere,
};
pub(in crate::config) static TUNNEL_CHECKSUM: Key = Key {
    name: "tunnel_checksum",
    holds: "`true`, `false` or `remote` in quotes",
    presence: Presence::Default("that of the service"),
    example: "tunnel_checksum = true",
    elsewhere: service::TUNNEL_CHECKSUM.elsewhere,
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
