//! `bfd_instance`.

use super::{
    super::keyword::{Fate, Keyword, word},
    BFD,
};

const fn bfd(name: &'static str, example: &'static str, arity: (usize, usize)) -> Keyword {
    word(name, example, arity, Fate::NotYet(BFD))
}

pub(in crate::keepalived) const INSTANCE: &[Keyword] = &[
    bfd("neighbor_ip", "192.0.2.9", (1, 1)),
    bfd("neighbour_ip", "192.0.2.9", (1, 1)),
    bfd("source_ip", "192.0.2.1", (1, 1)),
    bfd("min_rx", "10", (1, 1)),
    bfd("min_tx", "10", (1, 1)),
    bfd("idle_tx", "1000", (1, 1)),
    bfd("multiplier", "5", (1, 1)),
    bfd("passive", "", (0, 0)),
    bfd("ttl", "255", (1, 1)),
    bfd("hoplimit", "64", (1, 1)),
    bfd("max_hops", "0", (1, 1)),
    bfd("weight", "10 reverse", (1, 2)),
    bfd("vrrp", "", (0, 0)),
    bfd("checker", "", (0, 0)),
];
