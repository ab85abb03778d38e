//! What VRRP instances and health checks watch: files, processes, scripts.

use super::{
    super::keyword::{Body, Fate, Keyword, block, word},
    VRRP,
};

const fn vrrp(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(VRRP))
}

const fn tracker(
    name: &'static str,
    example: &'static str,
    list: &'static [&'static [Keyword]],
) -> Keyword {
    block(
        name,
        example,
        (1, 1),
        Body::Keywords(list),
        Fate::NotYet(VRRP),
    )
}

pub(in crate::keepalived) const ROOT: &[Keyword] = &[
    tracker("vrrp_script", "check_nginx", &[SCRIPT]),
    tracker("vrrp_track_process", "nginx", &[PROCESS]),
    tracker("track_file", "load", &[FILE]),
    tracker("vrrp_track_file", "load", &[FILE]),
];

/// What a VRRP instance or a group of them watches.
pub(in crate::keepalived) const TRACKED: &[Keyword] = &[
    tracked("track_interface", "eth0 weight 10"),
    tracked("track_script", "check_nginx"),
    tracked("track_file", "load weight 10"),
    tracked("track_process", "nginx"),
    tracked("track_bfd", "to_peer"),
];

const fn tracked(name: &'static str, value: &'static str) -> Keyword {
    block(name, "", (0, 0), Body::Values(value), Fate::NotYet(VRRP))
}

const SCRIPT: &[Keyword] = &[
    vrrp("script", "\"/usr/bin/pgrep nginx\"", (1, usize::MAX)),
    vrrp("interval", "1", (1, 1)),
    vrrp("timeout", "1", (1, 1)),
    vrrp("weight", "10 reverse", (1, 2)),
    vrrp("rise", "1", (1, 1)),
    vrrp("fall", "1", (1, 1)),
    vrrp("user", "nobody nogroup", (1, 2)),
    vrrp("init_fail", "", (0, 0)),
];

const PROCESS: &[Keyword] = &[
    vrrp("process", "nginx", (1, usize::MAX)),
    vrrp("param_match", "initial", (0, 1)),
    vrrp("weight", "10 reverse", (1, 2)),
    vrrp("quorum", "1", (1, 1)),
    vrrp("quorum_max", "2", (1, 1)),
    vrrp("fork_delay", "1", (1, 1)),
    vrrp("terminate_delay", "1", (1, 1)),
    vrrp("delay", "1", (1, 1)),
    vrrp("full_command", "", (0, 0)),
];

const FILE: &[Keyword] = &[
    vrrp("file", "\"/run/load\"", (1, 1)),
    vrrp("weight", "1 reverse", (1, 2)),
    vrrp("init_file", "0 overwrite", (0, 2)),
];
