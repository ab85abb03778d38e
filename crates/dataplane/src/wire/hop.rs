//! Next hops.

use std::{net::IpAddr, num::NonZeroU16};

use dray_abi::{Destination, Features};
use dray_model::{Hop, Mac, NextHop, Rewrite};

use super::{
    address, address_bytes,
    tunnel::{self, Fields},
};

/// What packets read of a next hop that leaves by that port.
pub(crate) fn hop(hop: &Hop, port: u32) -> dray_abi::Hop {
    let next = &hop.next;
    let way = dray_abi::Hop {
        destination: next.destination.0,
        source: next.source.0,
        port,
        vlan: next.vlan.map_or(0, u32::from),
        used: 1,
        mtu: hop.mtu,
        next_mtu: next.mtu,
        mss: hop.mss.map_or(0, |mss| mss.get().into()),
        method: method_number(&hop.rewrite),
        ..dray_abi::Hop::default()
    };
    match hop.rewrite {
        Rewrite::None => way,
        Rewrite::Tunnel {
            real,
            source,
            spread,
            tunnel,
        } => {
            let Fields {
                tunnel,
                checksum,
                tunnel_port,
            } = tunnel::fields(tunnel);
            dray_abi::Hop {
                real: address_bytes(real),
                source_address: address_bytes(source),
                spread,
                tunnel,
                checksum,
                tunnel_port,
                ..way
            }
        }
        Rewrite::Nat { real, shared } => dray_abi::Hop {
            real: address_bytes(real),
            shared: shared.map_or(0, |length| length + bits_before(real)),
            ..way
        },
        Rewrite::FullNat {
            real,
            address_option,
        } => dray_abi::Hop {
            real: address_bytes(real),
            address_option: address_option.unwrap_or(0),
            ..way
        },
    }
}

/// The next hop of that entry, which leaves by that interface; `None` if it makes no sense.
pub(crate) fn hop_of(entry: &dray_abi::Hop, interface: u32) -> Option<Hop> {
    let real = address(entry.real);
    let rewrite = match entry.method.into() {
        Destination::DIRECT_ROUTING => Rewrite::None,
        Destination::TUNNEL => Rewrite::Tunnel {
            real,
            source: address(entry.source_address),
            spread: entry.spread,
            tunnel: tunnel::tunnel(Fields {
                tunnel: entry.tunnel,
                checksum: entry.checksum,
                tunnel_port: entry.tunnel_port,
            })?,
        },
        Destination::NAT => Rewrite::Nat {
            real,
            shared: match entry.shared {
                0 => None,
                length => Some(length.checked_sub(bits_before(real))?),
            },
        },
        Destination::FULLNAT => Rewrite::FullNat {
            real,
            address_option: Some(entry.address_option).filter(|kind| *kind != 0),
        },
        _ => return None,
    };
    Some(Hop {
        next: NextHop {
            interface,
            vlan: u16::try_from(entry.vlan).ok().filter(|vlan| *vlan != 0),
            source: Mac(entry.source),
            destination: Mac(entry.destination),
            mtu: entry.next_mtu,
        },
        mtu: entry.mtu,
        mss: u16::try_from(entry.mss).ok().and_then(NonZeroU16::new),
        rewrite,
    })
}

/// The parts of the program that packets to this next hop need.
pub(crate) fn features_of(hop: &dray_abi::Hop) -> u32 {
    let clamps = if hop.mss == 0 { 0 } else { Features::MSS };
    features_of_method(hop.method.into()) | clamps
}

/// The parts of the program that the packets of a destination with that forwarding method need, those from its real server among
/// them.
pub(crate) fn features_of_method(method: u16) -> u32 {
    match method {
        Destination::TUNNEL => Features::TUNNEL,
        Destination::NAT | Destination::FULLNAT => Features::TRANSLATION,
        _ => 0,
    }
}

const fn method_number(rewrite: &Rewrite) -> u8 {
    let number = match rewrite {
        Rewrite::None => Destination::DIRECT_ROUTING,
        Rewrite::Tunnel { .. } => Destination::TUNNEL,
        Rewrite::Nat { .. } => Destination::NAT,
        Rewrite::FullNat { .. } => Destination::FULLNAT,
    };
    number as u8
}

/// Bits before the address in the 128 that packets compare.
const fn bits_before(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 96,
        IpAddr::V6(_) => 0,
    }
}
