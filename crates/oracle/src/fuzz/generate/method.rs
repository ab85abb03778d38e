//! How real servers are reached.
//!
//! Of a service, a real server's method stays what it was drawn as: a change under its connections is one of the differences
//! that are known (`docs/equivalence.md`).

use dray_replay::scenario::Forward;

use super::super::chance::Chance;

/// How one real server of a service is reached.
#[derive(Clone, Debug)]
pub(super) struct Method {
    pub(super) forward: Forward,
    /// Words for `ipvsadm` that say what a tunnel is made of.
    pub(super) options: Option<String>,
    /// Its address is of the other family than the service's.
    pub(super) crosses: bool,
    /// A port of its own, for NAT.
    pub(super) port: Option<u16>,
}

impl Method {
    const DIRECT_ROUTING: Self = Self {
        forward: Forward::DirectRouting,
        options: None,
        crosses: false,
        port: None,
    };
}

/// What the real servers of a service have in common.
#[derive(Clone, Copy)]
enum Mix {
    Direct,
    Nat,
    Tunnels,
    Any,
}

/// The methods of so many real servers.
pub(super) fn methods(chance: &mut Chance, count: u32) -> Vec<Method> {
    let mix = chance.weighted(&[
        (5, Mix::Direct),
        (4, Mix::Nat),
        (2, Mix::Tunnels),
        (3, Mix::Any),
    ]);
    (0..count)
        .map(|_| match mix {
            Mix::Direct => Method::DIRECT_ROUTING,
            Mix::Nat => nat(chance),
            Mix::Tunnels => tunnel(chance),
            Mix::Any => match chance.below(3) {
                0 => Method::DIRECT_ROUTING,
                1 => nat(chance),
                _ => tunnel(chance),
            },
        })
        .collect()
}

fn nat(chance: &mut Chance) -> Method {
    Method {
        forward: Forward::Nat,
        port: chance
            .percent(60)
            .then(|| *chance.one_of(&[8000, 8001, 53])),
        ..Method::DIRECT_ROUTING
    }
}

fn tunnel(chance: &mut Chance) -> Method {
    const KINDS: [&str; 6] = [
        "",
        "--tun-type gre",
        "--tun-type gre --tun-csum",
        "--tun-type gue --tun-port 6080",
        "--tun-type gue --tun-port 6081 --tun-csum",
        "--tun-type gue --tun-port 6081 --tun-remcsum",
    ];
    let kind = *chance.one_of(&KINDS);
    Method {
        forward: Forward::Tunnel,
        options: (!kind.is_empty()).then(|| kind.to_owned()),
        crosses: chance.percent(25),
        port: None,
    }
}
