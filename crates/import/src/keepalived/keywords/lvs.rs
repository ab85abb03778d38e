//! LVS: virtual servers, groups of them, real servers.

use super::{
    super::keyword::{Body, Fate, Global, Keyword, Real, Service, block, word},
    HEALTH, MAIL, check,
};

pub(in crate::keepalived) const ROOT: &[Keyword] = &[
    block(
        "virtual_server_group",
        "WEB",
        (1, 1),
        Body::Values("192.0.2.100-110 80"),
        Fate::Global(Global::Group),
    ),
    block(
        "virtual_server",
        "192.0.2.100 80",
        (1, 2),
        Body::Keywords(&[VIRTUAL_SERVER, FLAGS, QUORUM, check::DEFAULTS]),
        Fate::Global(Global::VirtualServer),
    ),
    block(
        "SSL",
        "",
        (0, 0),
        Body::Keywords(&[SSL]),
        Fate::NotYet(HEALTH),
    ),
];

const fn service(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    what: Service,
) -> Keyword {
    word(name, example, arity, Fate::Service(what))
}

const fn health(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(HEALTH))
}

/// A method, the kind of a tunnel and its port, its checksum.
const METHOD: (usize, usize) = (1, 6);

const VIRTUAL_SERVER: &[Keyword] = &[
    service("lvs_sched", "wlc", (1, 1), Service::Scheduler),
    service("lb_algo", "wlc", (1, 1), Service::Scheduler),
    service("lvs_method", "TUN type gre csum", METHOD, Service::Method),
    service("lb_kind", "DR", METHOD, Service::Method),
    service(
        "persistence_engine",
        "sip",
        (1, 1),
        Service::PersistenceEngine,
    ),
    service(
        "persistence_timeout",
        "360",
        (0, 1),
        Service::PersistenceTimeout,
    ),
    service(
        "persistence_granularity",
        "255.255.255.0",
        (1, 1),
        Service::PersistenceGranularity,
    ),
    service("protocol", "TCP", (1, 1), Service::Protocol),
    service("ip_family", "inet", (1, 1), Service::Family),
    service("snmp_name", "web", (1, 1), Service::Name),
    // Not in the manual.
    service("weight", "1", (1, 1), Service::DefaultWeight),
    block(
        "real_server",
        "192.0.2.11 80",
        (1, 2),
        Body::Keywords(&[REAL_SERVER, check::DEFAULTS, check::CHECKS]),
        Fate::Service(Service::RealServer),
    ),
    health("ha_suspend", "", (0, 0)),
    health("omega", "", (0, 0)),
    health("sorry_server", "192.0.2.99 80", (1, 2)),
    health("sorry_server_inhibit", "", (0, 0)),
    health("sorry_server_lvs_method", "NAT", METHOD),
    word("smtp_alert", "on", (0, 1), Fate::Refused(MAIL)),
];

const FLAGS: &[Keyword] = &[
    service("sh-port", "", (0, 0), Service::SchedulerFlag),
    service("sh-fallback", "", (0, 0), Service::SchedulerFlag),
    service("mh-port", "", (0, 0), Service::SchedulerFlag),
    service("mh-fallback", "", (0, 0), Service::SchedulerFlag),
    service("flag-1", "", (0, 0), Service::SchedulerFlag),
    service("flag-2", "", (0, 0), Service::SchedulerFlag),
    service("flag-3", "", (0, 0), Service::SchedulerFlag),
    service("ops", "", (0, 0), Service::OnePacket),
    // Not in the manual.
    word(
        "hashed",
        "",
        (0, 0),
        Fate::Same("it is how the kernel keeps its own list of services"),
    ),
];

const QUORUM: &[Keyword] = &[
    health("quorum", "1", (1, 1)),
    health("hysteresis", "0", (1, 1)),
    health("quorum_up", "/usr/local/bin/up", (1, usize::MAX)),
    health("quorum_down", "/usr/local/bin/down", (1, usize::MAX)),
];

const REAL_SERVER: &[Keyword] = &[
    word("weight", "1", (1, 1), Fate::Real(Real::Weight)),
    word(
        "lvs_method",
        "TUN type gue port 6080",
        METHOD,
        Fate::Real(Real::Method),
    ),
    word(
        "uthreshold",
        "1000",
        (1, 1),
        Fate::Real(Real::UpperThreshold),
    ),
    word(
        "lthreshold",
        "800",
        (1, 1),
        Fate::Real(Real::LowerThreshold),
    ),
    health("notify_up", "/usr/local/bin/up", (1, usize::MAX)),
    health("notify_down", "/usr/local/bin/down", (1, usize::MAX)),
    word("smtp_alert", "on", (0, 1), Fate::Refused(MAIL)),
    word(
        "snmp_name",
        "web-1",
        (1, 1),
        Fate::Refused("dray names real servers by their addresses"),
    ),
];

const SSL: &[Keyword] = &[
    health("password", "secret", (1, 1)),
    health("ca", "/etc/ssl/ca.pem", (1, 1)),
    health("certificate", "/etc/ssl/director.pem", (1, 1)),
    health("key", "/etc/ssl/director.key", (1, 1)),
];
