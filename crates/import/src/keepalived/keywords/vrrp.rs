//! VRRP: instances, groups of them, and what they announce.

use super::{
    super::keyword::{Body, Fate, Global, Instance, Keyword, block, word},
    BFD, VRRP, bfd, track,
};

const fn vrrp(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(VRRP))
}

const fn values(name: &'static str, value: &'static str) -> Keyword {
    block(name, "", (0, 0), Body::Values(value), Fate::NotYet(VRRP))
}

/// Up to a script with its user and group; scripts may have parameters without quotes.
const SCRIPT: (usize, usize) = (1, usize::MAX);

pub(in crate::keepalived) const ROOT: &[Keyword] = &[
    block(
        "vrrp_instance",
        "VI_1",
        (1, 1),
        Body::Keywords(&[INSTANCE, ANNOUNCED, NOTIFIED, track::TRACKED]),
        Fate::Global(Global::VrrpInstance),
    ),
    block(
        "vrrp_sync_group",
        "VG_1",
        (1, 1),
        Body::Keywords(&[SYNC_GROUP, NOTIFIED, track::TRACKED]),
        Fate::NotYet(VRRP),
    ),
    block(
        "garp_group",
        "",
        (0, 0),
        Body::Keywords(&[GARP_GROUP]),
        Fate::NotYet(VRRP),
    ),
    block(
        "bfd_instance",
        "to_peer",
        (1, 1),
        Body::Keywords(&[bfd::INSTANCE]),
        Fate::NotYet(BFD),
    ),
    values("interface_up_down_delays", "eth0 1 2"),
];

const INSTANCE: &[Keyword] = &[
    word(
        "interface",
        "eth0",
        (1, 1),
        Fate::Instance(Instance::Interface),
    ),
    addresses("virtual_ipaddress"),
    addresses("virtual_ipaddress_excluded"),
    values("virtual_routes", "192.0.2.0/24 dev eth0"),
    values("virtual_rules", "from 192.0.2.0/24 table 1"),
    values("unicast_peer", "192.0.2.9"),
    block(
        "authentication",
        "",
        (0, 0),
        Body::Keywords(&[AUTHENTICATION]),
        Fate::NotYet(VRRP),
    ),
    vrrp("state", "MASTER", (1, 1)),
    vrrp("vrf", "blue", (1, 1)),
    vrrp("use_vmac", "vrrp.51", (0, 2)),
    vrrp("use_vmac_addr", "", (0, 0)),
    vrrp("vmac_xmit_base", "", (0, 0)),
    vrrp("use_ipvlan", "ipvlan.51 192.0.2.1 bridge", (0, 3)),
    vrrp("native_ipv6", "", (0, 0)),
    vrrp("dont_track_primary", "", (0, 0)),
    vrrp("mcast_src_ip", "192.0.2.1", (1, 1)),
    vrrp("unicast_src_ip", "192.0.2.1", (1, 1)),
    vrrp("mcast_dst_ip", "224.0.0.19", (1, 1)),
    vrrp("track_src_ip", "", (0, 0)),
    vrrp("version", "3", (1, 1)),
    vrrp("check_unicast_src", "", (0, 0)),
    vrrp("unicast_fault_no_peer", "", (0, 0)),
    vrrp("unicast_ttl", "255", (1, 1)),
    vrrp("old_unicast_checksum", "never", (0, 1)),
    vrrp("virtual_router_id", "51", (1, 1)),
    vrrp("priority", "100", (1, 1)),
    vrrp("advert_int", "1", (1, 1)),
    vrrp("promote_secondaries", "", (0, 0)),
    vrrp("accept", "", (0, 0)),
    vrrp("no_accept", "", (0, 0)),
    vrrp("preempt", "", (0, 0)),
    vrrp("nopreempt", "", (0, 0)),
    vrrp("preempt_delay", "300", (1, 1)),
    vrrp("skip_check_adv_addr", "on", (0, 1)),
    vrrp("strict_mode", "on", (0, 1)),
    vrrp("debug", "0", (0, 1)),
    vrrp("kernel_rx_buf_size", "65536", (0, 1)),
    vrrp("linkbeat_use_polling", "", (0, 0)),
    vrrp("notify_deleted", "/usr/local/bin/deleted", (0, usize::MAX)),
    vrrp("notify_master_rx_lower_pri", "/usr/local/bin/lower", SCRIPT),
    // Not in the manual.
    vrrp("lvs_sync_daemon_interface", "eth0", (1, 1)),
];

const fn addresses(name: &'static str) -> Keyword {
    let value = "192.0.2.100/24 dev eth0";
    block(
        name,
        "",
        (0, 0),
        Body::Values(value),
        Fate::Instance(Instance::Addresses),
    )
}

/// How an instance says that the addresses are its own.
const ANNOUNCED: &[Keyword] = &[
    vrrp("garp_master_delay", "10", (1, 1)),
    vrrp("garp_master_repeat", "1", (1, 1)),
    vrrp("garp_lower_prio_delay", "10", (1, 1)),
    vrrp("garp_lower_prio_repeat", "1", (1, 1)),
    vrrp("garp_master_refresh", "60", (1, 1)),
    vrrp("garp_master_refresh_repeat", "2", (1, 1)),
    vrrp("garp_extra_if", "all 100", (1, 2)),
    vrrp("down_timer_adverts", "3", (1, 1)),
    vrrp("lower_prio_no_advert", "on", (0, 1)),
    vrrp("higher_prio_send_advert", "on", (0, 1)),
    // Not in the manual.
    vrrp("vmac_garp_intvl", "all 100", (1, 2)),
];

/// Who is told of an instance's or a group's state.
const NOTIFIED: &[Keyword] = &[
    vrrp("notify_master", "/usr/local/bin/master", SCRIPT),
    vrrp("notify_backup", "/usr/local/bin/backup", SCRIPT),
    vrrp("notify_fault", "\"/usr/local/bin/fault VG_1\"", SCRIPT),
    vrrp("notify_stop", "/usr/local/bin/stop", SCRIPT),
    vrrp("notify", "/usr/local/bin/notify nobody", SCRIPT),
    vrrp("notify_priority_changes", "on", (0, 1)),
    vrrp("smtp_alert", "on", (0, 1)),
];

const AUTHENTICATION: &[Keyword] = &[
    vrrp("auth_type", "PASS", (1, 1)),
    vrrp("auth_pass", "1234", (1, 1)),
];

const SYNC_GROUP: &[Keyword] = &[
    values("group", "VI_1"),
    vrrp("global_tracking", "", (0, 0)),
    vrrp("sync_group_tracking_weight", "", (0, 0)),
    // The manual has it here; keepalived knows it in instances alone.
    vrrp("notify_deleted", "/usr/local/bin/deleted", (0, usize::MAX)),
];

const GARP_GROUP: &[Keyword] = &[
    vrrp("garp_interval", "0.01", (1, 1)),
    vrrp("gna_interval", "0.01", (1, 1)),
    vrrp("interface", "eth0", (1, 1)),
    values("interfaces", "eth0"),
];
