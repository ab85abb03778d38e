//! Keys of `[director.api]` and `[director.api.tcp]`.

use super::{Key, Presence};

pub(in crate::config) static READERS: Key = Key {
    name: "readers",
    holds: "`group` or `all` in quotes",
    presence: Presence::Default("group"),
    example: "readers = \"all\"",
    elsewhere: &["read", "reader"],
};
pub(in crate::config) static TCP: Key = Key {
    name: "tcp",
    holds: "a table",
    presence: Presence::Default("no API over TCP"),
    example: "[director.api.tcp]",
    elsewhere: &["tls", "https", "http"],
};
pub(in crate::config) static LISTEN: Key = Key {
    name: "listen",
    holds: "an address with a port in quotes",
    presence: Presence::Required,
    example: "listen = \"10.0.0.1:7443\"",
    elsewhere: &["address", "bind", "socket"],
};
pub(in crate::config) static CERTIFICATE: Key = Key {
    name: "certificate",
    holds: "a file's full path in quotes",
    presence: Presence::Required,
    example: "certificate = \"/etc/dray/api.pem\"",
    elsewhere: &["cert", "crt", "tls_cert", "ssl_certificate", "chain"],
};
pub(in crate::config) static KEY: Key = Key {
    name: "key",
    holds: "a file's full path in quotes",
    presence: Presence::Required,
    example: "key = \"/etc/dray/api.key\"",
    elsewhere: &["private_key", "tls_key", "ssl_certificate_key"],
};
pub(in crate::config) static CLIENT_CA: Key = Key {
    name: "client_ca",
    holds: "a file's full path in quotes",
    presence: Presence::Unless("tokens"),
    example: "client_ca = \"/etc/dray/clients.pem\"",
    elsewhere: &[
        "ca",
        "ca_file",
        "client_certificates",
        "ssl_client_certificate",
    ],
};
pub(in crate::config) static TOKENS: Key = Key {
    name: "tokens",
    holds: "a file's full path in quotes",
    presence: Presence::Default("callers have certificates of `client_ca`"),
    example: "tokens = \"/etc/dray/tokens\"",
    elsewhere: &["token", "token_file", "bearer"],
};
