//! Keys of `[director.ipvs]`: what IPVS has sysctls for, by IPVS's names, and what dray has beside them.

use super::{Key, Meaningless, Presence};
pub(in crate::config) static COMPAT: Key = Key {
    name: "compat",
    holds: "`ipvs` in quotes",
    presence: Presence::Default("dray's own defaults"),
    example: "compat = \"ipvs\"",
    elsewhere: &["compatibility"],
};
pub(in crate::config) static KERNEL: Key = Key {
    name: "kernel",
    holds: "a kernel version in quotes",
    presence: Presence::Default("6.1.192"),
    example: "kernel = \"6.1.176\"",
    elsewhere: &["rules", "kernel_version"],
};
pub(in crate::config) static CONN_REUSE_MODE: Key = Key {
    name: "conn_reuse_mode",
    holds: "a whole number",
    presence: Presence::Default("1"),
    example: "conn_reuse_mode = 3",
    elsewhere: &[],
};
pub(in crate::config) static EXPIRE_NODEST_CONN: Key = Key {
    name: "expire_nodest_conn",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "expire_nodest_conn = true",
    elsewhere: &[],
};
pub(in crate::config) static REMOVED: Key = Key {
    name: "removed",
    holds: "`finish` or `drop` in quotes",
    presence: Presence::Default("finish"),
    example: "removed = \"drop\"",
    elsewhere: &[],
};
pub(in crate::config) static NO_DESTINATION: Key = Key {
    name: "no_destination",
    holds: "`icmp`, `reset` or `drop` in quotes",
    presence: Presence::Default("icmp"),
    example: "no_destination = \"reset\"",
    elsewhere: &["no_dest", "nodest"],
};
pub(in crate::config) static EXPIRE_QUIESCENT_TEMPLATE: Key = Key {
    name: "expire_quiescent_template",
    holds: "`true` or `false`",
    presence: Presence::Default("true"),
    example: "expire_quiescent_template = false",
    elsewhere: &[],
};
pub(in crate::config) static KEEP_TEMPLATE_TIMEOUT: Key = Key {
    name: "keep_template_timeout",
    holds: "`true` or `false`",
    presence: Presence::Default("true"),
    example: "keep_template_timeout = false",
    elsewhere: &[],
};
pub(in crate::config) static SLOPPY_TCP: Key = Key {
    name: "sloppy_tcp",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "sloppy_tcp = true",
    elsewhere: &[],
};
pub(in crate::config) static SLOPPY_SCTP: Key = Key {
    name: "sloppy_sctp",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "sloppy_sctp = true",
    elsewhere: &[],
};
pub(in crate::config) static NULL_SEGMENTS_CLOSE: Key = Key {
    name: "null_segments_close",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "null_segments_close = true",
    elsewhere: &[],
};
pub(in crate::config) static SCHEDULE_ICMP: Key = Key {
    name: "schedule_icmp",
    holds: "`true` or `false`",
    presence: Presence::Default("false"),
    example: "schedule_icmp = true",
    elsewhere: &[],
};
pub(in crate::config) static ANSWERS_PER_SECOND: Key = Key {
    name: "answers_per_second",
    holds: "a whole number",
    presence: Presence::Default("1000"),
    example: "answers_per_second = 1000",
    elsewhere: &["icmp_ratelimit", "icmp_msgs_per_sec"],
};
pub(in crate::config) static DROP_ENTRY: Key = Key {
    name: "drop_entry",
    holds: "`off`, `auto` or `on` in quotes, or IPVS's number from 0 to 3",
    presence: Presence::Default("off"),
    example: "drop_entry = \"auto\"",
    elsewhere: &[],
};
pub(in crate::config) static DROP_PACKET: Key = Key {
    name: "drop_packet",
    holds: "`off`, `auto` or `on` in quotes, or IPVS's number from 0 to 3",
    presence: Presence::Default("off"),
    example: "drop_packet = \"auto\"",
    elsewhere: &[],
};
pub(in crate::config) static AM_DROPRATE: Key = Key {
    name: "am_droprate",
    holds: "a whole number",
    presence: Presence::Default("10"),
    example: "am_droprate = 10",
    elsewhere: &[],
};
pub(in crate::config) static SECURE_TCP: Key = Key {
    name: "secure_tcp",
    holds: "`off`, `auto` or `on` in quotes, or IPVS's number from 0 to 3",
    presence: Presence::Default("off"),
    example: "secure_tcp = \"auto\"",
    elsewhere: &[],
};
pub(in crate::config) static DEFENCE_THRESHOLD: Key = Key {
    name: "defence_threshold",
    holds: "a whole number",
    presence: Presence::Default("90"),
    example: "defence_threshold = 90",
    elsewhere: &["defense_threshold"],
};

/// Settings of IPVS (`net.ipv4.vs.*`, and of newer kernels) that have no meaning here.
pub(in crate::config) const MEANINGLESS: &[Meaningless] = &[
    Meaningless {
        name: "amemthresh",
        why: "it is about free memory, and dray's connection table has all of its memory from the start",
        instead: "write `defence_threshold = 90`: the occupancy of the table in percent from which automatic defences are on",
    },
    Meaningless {
        name: "backup_only",
        why: "it is for a director that takes part in IPVS's connection synchronisation, which dray does not have",
        instead: "remove it",
    },
    Meaningless {
        name: "cache_bypass",
        why: "it sends clients past a transparent web cache when all caches are gone, and dray balances real servers only",
        instead: "remove it; what clients are told then is `no_destination`",
    },
    Meaningless {
        name: "conn_lfactor",
        why: "dray's connection table has a fixed size",
        instead: "write `max_connections` in `[director]`",
    },
    Meaningless {
        name: "conn_max",
        why: "dray's connection table has a fixed size",
        instead: "write `max_connections` in `[director]`",
    },
    Meaningless {
        name: "conn_tab_bits",
        why: "dray's connection table has a size, not a number of lists",
        instead: "write `max_connections` in `[director]`",
    },
    Meaningless {
        name: "conntrack",
        why: "dray forwards packets before netfilter sees them",
        instead: "remove it; rules that only gave marks become `[[mark]]`",
    },
    Meaningless {
        name: "debug_level",
        why: "dray counts what becomes of every packet instead of logging it",
        instead: "remove it; `dray status` shows the counts and their reasons",
    },
    Meaningless {
        name: "est_cpulist",
        why: "dray's counters need nobody to estimate",
        instead: "remove it",
    },
    Meaningless {
        name: "est_nice",
        why: "dray's counters need nobody to estimate",
        instead: "remove it",
    },
    Meaningless {
        name: "ignore_tunneled",
        why: "dray never sees a packet again that came out of a tunnel",
        instead: "remove it",
    },
    Meaningless {
        name: "lblc_expiration",
        why: "`lblc` always forgets an address that was not used for 24 hours, IPVS's default",
        instead: "remove it",
    },
    Meaningless {
        name: "lblcr_expiration",
        why: "`lblcr` always forgets an address that was not used for 24 hours, IPVS's default",
        instead: "remove it",
    },
    Meaningless {
        name: "nat_icmp_send",
        why: "it is for NAT, which dray does not have yet",
        instead: "remove it",
    },
    Meaningless {
        name: "pmtu_disc",
        why: "it is for tunnels, which dray does not have yet",
        instead: "remove it",
    },
    Meaningless {
        name: "run_estimation",
        why: "dray's counters need nobody to estimate, and cost nothing to leave on",
        instead: "remove it",
    },
    Meaningless {
        name: "snat_reroute",
        why: "it is for NAT, which dray does not have yet",
        instead: "remove it",
    },
    Meaningless {
        name: "svc_lfactor",
        why: "dray finds a service in one step, however many there are",
        instead: "remove it",
    },
    Meaningless {
        name: "sync_persist_mode",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_ports",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_qlen_max",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_refresh_period",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_retries",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_sock_size",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_threshold",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
    Meaningless {
        name: "sync_version",
        why: "dray does not synchronise connections between directors",
        instead: "remove it; with `sh` or `mh`, directors agree without",
    },
];
