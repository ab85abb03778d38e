//! How a real server is reached, said to the director and to its model.

use std::net::{IpAddr, SocketAddr};

use dray_model::{Family, Rewrite};

use crate::{
    common::Real,
    model::Forwarding,
    scene::{Method, Reach, Server},
};

/// The kind of the TCP option that tells the client's address (RFC 4727).
pub(crate) const ADDRESS_OPTION: u8 = 254;

pub(crate) struct Way {
    pub(crate) real: Real,
    pub(crate) forwarding: Forwarding,
}

impl Way {
    /// To the real server of that service and place in it.
    pub(crate) fn to(family: Family, place: (usize, usize), server: &Server) -> Self {
        let is_v4 = (family == Family::Ipv4) != is_crossed(server.method);
        let address = SocketAddr::new(address(is_v4, place, server.method), server.port);
        let (real, forwarding) = match server.method {
            Method::Direct => (Real::direct(address.ip(), server.port), Forwarding::Direct),
            Method::Nat { near, .. } => nat(address, near),
            Method::FullNat { tells, .. } => fullnat(address, tells),
        };
        let (interface, vlan) = match server.reach {
            Reach::OtherPort => (2, None),
            Reach::Vlan => (1, Some(7)),
            _ => (1, None),
        };
        let mut real = real.by(interface, vlan).weight(server.weight);
        real.hop.mss = server.mss;
        if server.reach == Reach::SmallMtu {
            real.hop.next.mtu = 60;
            real.hop.mtu = 60;
        }
        Self { real, forwarding }
    }
}

fn is_crossed(method: Method) -> bool {
    match method {
        Method::Direct => false,
        Method::Nat { crossed, .. } | Method::FullNat { crossed, .. } => crossed,
    }
}

/// Services share the real servers whose packets get other addresses, so that two connections may have the same answers.
fn address(is_v4: bool, (service, place): (usize, usize), method: Method) -> IpAddr {
    let text = match method {
        Method::Direct if is_v4 => format!("10.2.{service}.{place}"),
        Method::Direct => format!("fd00:2::{service}:{place}"),
        Method::Nat { near: true, .. } if is_v4 => "192.0.2.2".to_owned(),
        Method::Nat { near: true, .. } => "2001:db8::2".to_owned(),
        _ if is_v4 => format!("10.1.0.{}", 7 + place),
        _ => format!("fd00:1::{}", 7 + place),
    };
    text.parse().expect("an address")
}

/// A near one shares a network of two addresses with the director.
fn nat(address: SocketAddr, near: bool) -> (Real, Forwarding) {
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let mut real = Real::nat(&address.to_string());
    let mut length = whole;
    if near && let Rewrite::Nat { shared, .. } = &mut real.hop.rewrite {
        length = whole - 1;
        *shared = Some(length);
    }
    let forwarding = Forwarding::Nat {
        real: address,
        shared: length,
    };
    (real, forwarding)
}

fn fullnat(address: SocketAddr, tells: bool) -> (Real, Forwarding) {
    let mut real = Real::fullnat(&address.to_string());
    if let Rewrite::FullNat { address_option, .. } = &mut real.hop.rewrite {
        *address_option = tells.then_some(ADDRESS_OPTION);
    }
    let forwarding = Forwarding::FullNat {
        real: address,
        tells,
    };
    (real, forwarding)
}
