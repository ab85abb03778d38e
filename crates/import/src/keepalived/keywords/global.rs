//! What concerns keepalived as a whole, and the host's own addresses and routes.

use super::{
    super::keyword::{Body, Fate, Global, Keyword, block, word},
    HEALTH, MAIL, PROCESS, VRRP,
};

/// Why SNMP is not translated.
const SNMP: &str = "dray speaks no SNMP; its state is in `dray status --json`";

/// Why the host's own addresses, routes and rules stay where they are.
const HOST: &str = "dray leaves the host's own addresses, routes and rules alone; keepalived goes on to set them, or the \
                    system's network configuration does";

/// Why LVS's notifications are not translated.
const NOTIFY: &str = "it tells of what health checks find, and dray has none yet";

/// Why netfilter's settings are not translated.
const NETFILTER: &str = "dray forwards packets before netfilter sees them";

/// Why dray need not be told how to read a file.
const READING: &str = "dray reads a whole file, checks it and only then puts it in force";

const fn process(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::Refused(PROCESS))
}

const fn vrrp(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(VRRP))
}

const fn global(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    what: Global,
) -> Keyword {
    word(name, example, arity, Fate::Global(what))
}

const fn refused(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    why: &'static str,
) -> Keyword {
    word(name, example, arity, Fate::Refused(why))
}

const fn same(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    why: &'static str,
) -> Keyword {
    word(name, example, arity, Fate::Same(why))
}

/// A script with its user and group; scripts may have parameters without quotes.
const SCRIPT: (usize, usize) = (1, usize::MAX);

/// Nothing.
const NOTHING: (usize, usize) = (0, 0);

/// One word.
const ONE: (usize, usize) = (1, 1);

/// One word or none.
const MAY: (usize, usize) = (0, 1);

/// Numbers of processors.
const LIST: (usize, usize) = (1, usize::MAX);

pub(in crate::keepalived) const ROOT: &[Keyword] = &[
    block(
        "global_defs",
        "",
        NOTHING,
        Body::Keywords(&[
            LVS,
            MESSAGES,
            CONFIGURATION,
            PROCESSES,
            VRRP_DEFAULTS,
            FIREWALL,
            AGENTS,
        ]),
        Fate::Global(Global::Definitions),
    ),
    refused(
        "net_namespace",
        "blue",
        ONE,
        "dray runs in the network namespace that it is started in: `ip netns exec NAME dray run …`",
    ),
    refused(
        "net_namespace_ipvs",
        "blue",
        ONE,
        "dray runs in the network namespace that it is started in: `ip netns exec NAME dray run …`",
    ),
    refused("namespace_with_ipsets", "", NOTHING, NETFILTER),
    process("instance", "one", ONE),
    process("use_pid_dir", "", NOTHING),
    process("child_wait_time", "5", ONE),
    vrrp("linkbeat_use_polling", "", NOTHING),
    block(
        "linkbeat_interfaces",
        "",
        NOTHING,
        Body::Values("eth0 MII"),
        Fate::NotYet(VRRP),
    ),
    block(
        "track_group",
        "GROUP1",
        ONE,
        Body::Keywords(&[TRACK_GROUP]),
        Fate::NotYet(VRRP),
    ),
    block(
        "static_ipaddress",
        "",
        NOTHING,
        Body::Values("192.0.2.1/24 dev eth0"),
        Fate::Refused(HOST),
    ),
    block(
        "static_routes",
        "",
        NOTHING,
        Body::Values("198.51.100.0/24 via 192.0.2.254"),
        Fate::Refused(HOST),
    ),
    block(
        "static_rules",
        "",
        NOTHING,
        Body::Values("from 198.51.100.0/24 table 1"),
        Fate::Refused(HOST),
    ),
];

const TRACK_GROUP: &[Keyword] = &[block(
    "group",
    "",
    NOTHING,
    Body::Values("VI_1"),
    Fate::NotYet(VRRP),
)];

const LVS: &[Keyword] = &[
    global(
        "lvs_timeouts",
        "tcp 900 tcpfin 120 udp 300",
        (2, 6),
        Global::Timeouts,
    ),
    global("nftables_ipvs", "keepalived_ipvs", MAY, Global::MarkGroups),
    global("nftables_ipvs_start_fwmark", "1000", ONE, Global::FirstMark),
    refused("nftables_ipvs_priority", "-1", ONE, NETFILTER),
    word(
        "lvs_sync_daemon",
        "eth0 inst VI_1 id 51",
        LIST,
        Fate::NotYet(
            "dray does not share connections between directors yet; with `sh` or `mh`, directors choose alike without",
        ),
    ),
    same(
        "lvs_flush",
        "",
        NOTHING,
        "dray's services are those of its configuration, whatever was there before",
    ),
    refused(
        "lvs_flush_on_stop",
        "VS",
        MAY,
        "dray goes on forwarding when its daemon stops, so that a restart disturbs nobody; `dray stop` says how to end it",
    ),
    refused(
        "lvs_flush_onstop",
        "",
        MAY,
        "dray goes on forwarding when its daemon stops, so that a restart disturbs nobody; `dray stop` says how to end it",
    ),
    word("rs_init_notifies", "", NOTHING, Fate::NotYet(NOTIFY)),
    word("checker_log_all_failures", "on", MAY, Fate::NotYet(HEALTH)),
    word(
        "lvs_notify_fifo",
        "/run/lvs.fifo nobody",
        (1, 3),
        Fate::NotYet(NOTIFY),
    ),
    word(
        "lvs_notify_fifo_script",
        "/usr/local/bin/fifo",
        SCRIPT,
        Fate::NotYet(NOTIFY),
    ),
];

const MESSAGES: &[Keyword] = &[
    refused(
        "router_id",
        "director-1",
        ONE,
        "it is keepalived's name in mails and in SNMP; dray has neither",
    ),
    block(
        "notification_email",
        "",
        NOTHING,
        Body::Values("admin@example.com"),
        Fate::Refused(MAIL),
    ),
    refused(
        "notification_email_from",
        "keepalived@example.com",
        ONE,
        MAIL,
    ),
    refused("smtp_server", "127.0.0.1 25", (1, 2), MAIL),
    refused("smtp_helo_name", "director.example.com", ONE, MAIL),
    refused("smtp_connect_timeout", "30", ONE, MAIL),
    refused("smtp_alert", "on", MAY, MAIL),
    refused("smtp_alert_vrrp", "on", MAY, MAIL),
    refused("smtp_alert_checker", "on", MAY, MAIL),
    refused("no_email_faults", "", NOTHING, MAIL),
    refused("no_checker_emails", "", NOTHING, MAIL),
    vrrp("notify_fifo", "/run/keepalived.fifo nobody", (1, 3)),
    vrrp("notify_fifo_script", "/usr/local/bin/fifo", SCRIPT),
    vrrp("vrrp_notify_fifo", "/run/vrrp.fifo nobody", (1, 3)),
    vrrp("vrrp_notify_fifo_script", "/usr/local/bin/fifo", SCRIPT),
    vrrp("vrrp_notify_priority_changes", "on", MAY),
    vrrp("fifo_write_vrrp_states_on_reload", "", NOTHING),
];

const CONFIGURATION: &[Keyword] = &[
    process("tmp_config_directory", "/tmp", ONE),
    process("config_save_dir", "/var/lib/keepalived", ONE),
    process("data_use_instance", "on", MAY),
    process("umask", "022", (0, usize::MAX)),
    same(
        "random_seed",
        "1",
        ONE,
        "`${_RANDOM}` is refused where it stands",
    ),
    same("reload_check_config", "/run/check.log", MAY, READING),
    same("reload_file", "/run/keepalived.reload", MAY, READING),
    same(
        "include_check",
        "+match -wildcard_match",
        (0, usize::MAX),
        "the import tells of every file that is not there",
    ),
    refused(
        "reload_time_file",
        "/run/reload",
        ONE,
        "let a timer call `dray reload`",
    ),
    refused(
        "reload_repeat",
        "",
        NOTHING,
        "let a timer call `dray reload`",
    ),
];

const PROCESSES: &[Keyword] = &[
    refused(
        "startup_script",
        "/usr/local/bin/start",
        SCRIPT,
        "let the service manager run it: `ExecStartPre=` of a unit",
    ),
    refused(
        "startup_script_timeout",
        "10",
        ONE,
        "let the service manager run it: `ExecStartPre=` of a unit",
    ),
    refused(
        "shutdown_script",
        "/usr/local/bin/stop",
        SCRIPT,
        "let the service manager run it: `ExecStopPost=` of a unit",
    ),
    refused(
        "shutdown_script_timeout",
        "10",
        ONE,
        "let the service manager run it: `ExecStopPost=` of a unit",
    ),
    process("process_names", "", NOTHING),
    process("process_name", "keepalived", ONE),
    process("vrrp_process_name", "keepalived_vrrp", ONE),
    process("checker_process_name", "keepalived_ipvs", ONE),
    process("lvs_process_name", "keepalived_ipvs", ONE),
    process("bfd_process_name", "keepalived_bfd", ONE),
    process("max_auto_priority", "0", MAY),
    process("min_auto_priority_delay", "1000000", ONE),
    process("vrrp_priority", "-10", ONE),
    process("checker_priority", "-10", ONE),
    process("bfd_priority", "-10", ONE),
    process("vrrp_no_swap", "", NOTHING),
    process("checker_no_swap", "", NOTHING),
    process("bfd_no_swap", "", NOTHING),
    process("vrrp_cpu_affinity", "0 1", LIST),
    process("checker_cpu_affinity", "0 1", LIST),
    process("bfd_cpu_affinity", "0 1", LIST),
    process("vrrp_rt_priority", "50", ONE),
    process("checker_rt_priority", "50", ONE),
    process("bfd_rt_priority", "50", ONE),
    process("vrrp_rlimit_rttime", "10000", ONE),
    process("vrrp_rlimit_rtime", "10000", ONE),
    process("checker_rlimit_rttime", "10000", ONE),
    process("checker_rlimit_rtime", "10000", ONE),
    process("bfd_rlimit_rttime", "10000", ONE),
    process("bfd_rlimit_rtime", "10000", ONE),
    process("script_user", "nobody nogroup", (1, 2)),
    process("enable_script_security", "", NOTHING),
    process("vrrp_netlink_cmd_rcv_bufs", "65536", ONE),
    process("vrrp_netlink_cmd_rcv_bufs_force", "on", MAY),
    process("vrrp_netlink_monitor_rcv_bufs", "65536", ONE),
    process("vrrp_netlink_monitor_rcv_bufs_force", "on", MAY),
    process("lvs_netlink_cmd_rcv_bufs", "65536", ONE),
    process("lvs_netlink_cmd_rcv_bufs_force", "on", MAY),
    process("lvs_netlink_monitor_rcv_bufs", "65536", ONE),
    process("lvs_netlink_monitor_rcv_bufs_force", "on", MAY),
    process("process_monitor_rcv_bufs", "65536", ONE),
    process("process_monitor_rcv_bufs_force", "on", MAY),
];

const VRRP_DEFAULTS: &[Keyword] = &[
    vrrp("default_interface", "eth0", ONE),
    vrrp("dynamic_interfaces", "allow_if_changes", MAY),
    vrrp("vrrp_mcast_group4", "224.0.0.18", ONE),
    vrrp("vrrp_mcast_group6", "ff02::12", ONE),
    vrrp("vrrp_garp_master_delay", "10", ONE),
    vrrp("vrrp_garp_master_repeat", "1", ONE),
    vrrp("vrrp_garp_lower_prio_delay", "10", ONE),
    vrrp("vrrp_garp_lower_prio_repeat", "1", ONE),
    vrrp("vrrp_garp_master_refresh", "60", ONE),
    vrrp("vrrp_garp_master_refresh_repeat", "2", ONE),
    vrrp("vrrp_garp_interval", "0.001", ONE),
    vrrp("vrrp_gna_interval", "0.001", ONE),
    vrrp("vrrp_min_garp", "on", MAY),
    vrrp("vrrp_garp_extra_if", "all 100", (1, 2)),
    vrrp("vrrp_vmac_garp_intvl", "all 100", (1, 2)),
    vrrp("vrrp_down_timer_adverts", "3", ONE),
    vrrp("vrrp_lower_prio_no_advert", "on", MAY),
    vrrp("vrrp_higher_prio_send_advert", "on", MAY),
    vrrp("vrrp_version", "3", ONE),
    vrrp("vrrp_check_unicast_src", "", NOTHING),
    vrrp("vrrp_skip_check_adv_addr", "", MAY),
    vrrp("vrrp_strict", "", NOTHING),
    vrrp("vrrp_rx_bufs_policy", "MTU", ONE),
    vrrp("vrrp_rx_bufs_multiplier", "3", ONE),
    vrrp("vrrp_startup_delay", "5.5", ONE),
    vrrp("log_unknown_vrids", "", NOTHING),
    vrrp("vmac_prefix", "vrrp", ONE),
    vrrp("vmac_addr_prefix", "vrrp", ONE),
    vrrp("disable_local_igmp", "", NOTHING),
];

const FIREWALL: &[Keyword] = &[
    vrrp("vrrp_iptables", "keepalived_in keepalived_out", (0, 2)),
    vrrp("vrrp_ipsets", "keepalived", (0, 5)),
    vrrp("nftables", "keepalived", MAY),
    vrrp("nftables_priority", "-1", ONE),
    vrrp("nftables_counters", "", NOTHING),
    vrrp("nftables_ifindex", "", NOTHING),
];

const AGENTS: &[Keyword] = &[
    refused("snmp_socket", "udp:192.0.2.1:705", ONE, SNMP),
    refused("enable_snmp_vrrp", "", NOTHING, SNMP),
    refused("enable_snmp_keepalived", "", NOTHING, SNMP),
    refused("enable_snmp_checker", "", NOTHING, SNMP),
    refused("enable_snmp_rfc", "", NOTHING, SNMP),
    refused("enable_snmp_rfcv2", "", NOTHING, SNMP),
    refused("enable_snmp_rfcv3", "", NOTHING, SNMP),
    refused("enable_traps", "", NOTHING, SNMP),
    vrrp("enable_dbus", "", NOTHING),
    vrrp("dbus_service_name", "org.keepalived.Vrrp1", ONE),
];
