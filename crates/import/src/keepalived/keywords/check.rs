//! Health checks, in `real_server`.

use super::{
    super::keyword::{Body, Fate, Keyword, block, word},
    HEALTH,
};

const fn check(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(HEALTH))
}

const fn kind(name: &'static str, lists: &'static [&'static [Keyword]]) -> Keyword {
    block(
        name,
        "",
        (0, 0),
        Body::Keywords(lists),
        Fate::NotYet(HEALTH),
    )
}

/// Every kind of check.
pub(in crate::keepalived) const CHECKS: &[Keyword] = &[
    kind("HTTP_GET", &[CONNECTION, COMMON, HTTP]),
    kind("SSL_GET", &[CONNECTION, COMMON, HTTP]),
    kind("TCP_CHECK", &[CONNECTION, COMMON]),
    kind("SMTP_CHECK", &[CONNECTION, COMMON, SMTP]),
    kind("DNS_CHECK", &[CONNECTION, COMMON, DNS]),
    kind("MISC_CHECK", &[COMMON, MISC]),
    kind("BFD_CHECK", &[BFD_CHECK]),
    kind("PING_CHECK", &[CONNECTION, COMMON]),
    kind("UDP_CHECK", &[CONNECTION, COMMON, UDP]),
    kind("FILE_CHECK", &[FILE]),
];

/// What may stand in virtual servers and real servers for all of their checks.
pub(in crate::keepalived) const DEFAULTS: &[Keyword] = &[
    check("connect_timeout", "5", (1, 1)),
    check("retry", "1", (1, 1)),
    check("delay_before_retry", "1", (1, 1)),
    check("warmup", "60", (1, 1)),
    check("delay_loop", "60", (1, 1)),
    check("inhibit_on_failure", "", (0, 1)),
    check("alpha", "", (0, 1)),
    check("virtualhost", "www.example.com", (1, 1)),
];

const CONNECTION: &[Keyword] = &[
    check("connect_ip", "192.0.2.9", (1, 1)),
    check("connect_port", "80", (1, 1)),
    check("bindto", "192.0.2.1", (1, 1)),
    check("bind_if", "eth0", (1, 1)),
    check("bind_port", "1024", (1, 1)),
    check("fwmark", "1", (1, 1)),
    check("connect_timeout", "5", (1, 1)),
];

const COMMON: &[Keyword] = &[
    check("alpha", "on", (0, 1)),
    check("retry", "1", (1, 1)),
    check("delay_before_retry", "1", (1, 1)),
    check("warmup", "60", (1, 1)),
    check("delay_loop", "60", (1, 1)),
    check("log_all_failures", "on", (0, 1)),
];

const HTTP: &[Keyword] = &[
    check("http_protocol", "1.1", (1, 1)),
    check("fast_recovery", "on", (0, 1)),
    check("enable_sni", "", (0, 0)),
    check("virtualhost", "www.example.com", (1, 1)),
    // Not in the manual.
    check("nb_get_retry", "3", (1, 1)),
    block(
        "url",
        "",
        (0, 0),
        Body::Keywords(&[URL]),
        Fate::NotYet(HEALTH),
    ),
];

const URL: &[Keyword] = &[
    check("path", "/", (1, 1)),
    check("digest", "9b3a0c85a887a256d6939da88aabd8cd", (1, 1)),
    check("status_code", "200-299 404", (1, usize::MAX)),
    check("virtualhost", "www.example.com", (1, 1)),
    check("regex", "fine", (1, 1)),
    check("regex_no_match", "", (0, 0)),
    check("regex_options", "caseless dotall", (1, usize::MAX)),
    check("regex_stack", "1024 4096", (2, 2)),
    check("regex_min_offset", "0", (1, 1)),
    check("regex_max_offset", "1024", (1, 1)),
];

const SMTP: &[Keyword] = &[
    check("helo_name", "director.example.com", (1, 1)),
    // Not in the manual.
    block(
        "host",
        "",
        (0, 0),
        Body::Keywords(&[CONNECTION, COMMON]),
        Fate::NotYet(HEALTH),
    ),
];

const DNS: &[Keyword] = &[
    check("type", "A", (1, 1)),
    check("name", "example.com", (1, 1)),
];

const MISC: &[Keyword] = &[
    check(
        "misc_path",
        "\"/usr/local/bin/check 10.0.0.1\"",
        (1, usize::MAX),
    ),
    check("misc_timeout", "10", (1, 1)),
    check("misc_dynamic", "", (0, 0)),
    check("user", "nobody nogroup", (1, 2)),
];

const BFD_CHECK: &[Keyword] = &[
    check("name", "to_peer", (1, 1)),
    // Not in the manual.
    check("alpha", "on", (0, 1)),
];

const UDP: &[Keyword] = &[
    check("payload", "Ab12f", (1, usize::MAX)),
    check("require_reply", "Ab X2", (0, usize::MAX)),
    check("min_reply_length", "0", (1, 1)),
    check("max_reply_length", "255", (1, 1)),
];

const FILE: &[Keyword] = &[
    check("track_file", "load", (1, 1)),
    check("dynamic", "", (0, 0)),
    check("weight", "1 reverse", (1, 2)),
];
