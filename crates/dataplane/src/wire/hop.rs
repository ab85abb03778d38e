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
    let varies = hop.spread != 0 || hop.tunnel == dray_abi::Hop::GUE;
    let flow = if varies { Features::FLOW } else { 0 };
    features_of_method(hop.method.into()) | clamps | flow
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::tunnel::tests::any_tunnel;

    fn any_address() -> impl Strategy<Value = IpAddr> {
        any::<IpAddr>().prop_map(|address| address.to_canonical())
    }

    fn any_rewrite() -> impl Strategy<Value = Rewrite> {
        let kind = 1..=u8::MAX;
        prop_oneof![
            Just(Rewrite::None),
            (any_address(), any_address(), 0..=16_u8, any_tunnel()).prop_map(
                |(real, source, spread, tunnel)| Rewrite::Tunnel {
                    real,
                    source,
                    spread,
                    tunnel
                }
            ),
            (any_address(), proptest::option::of(1..=128_u8)).prop_map(|(real, shared)| {
                let shared = shared.filter(|length| real.is_ipv6() || *length <= 32);
                Rewrite::Nat { real, shared }
            }),
            (any_address(), proptest::option::of(kind)).prop_map(|(real, address_option)| {
                Rewrite::FullNat {
                    real,
                    address_option,
                }
            }),
        ]
    }

    fn any_hop() -> impl Strategy<Value = Hop> {
        let next = (
            any::<u32>(),
            proptest::option::of(1..=4094_u16),
            any::<[[u8; 6]; 2]>(),
            any::<u32>(),
        );
        let next = next.prop_map(|(interface, vlan, [source, destination], mtu)| NextHop {
            interface,
            vlan,
            source: Mac(source),
            destination: Mac(destination),
            mtu,
        });
        let mss = any::<u16>().prop_map(NonZeroU16::new);
        (next, any::<u32>(), mss, any_rewrite()).prop_map(|(next, mtu, mss, rewrite)| Hop {
            next,
            mtu,
            mss,
            rewrite,
        })
    }

    proptest! {
        #[test]
        fn a_next_hop_survives_the_way_into_an_entry_and_back(hop in any_hop(), port in 0..64_u32) {
            let entry = super::hop(&hop, port);
            prop_assert_eq!((entry.used, entry.port), (1, port));
            prop_assert_eq!(hop_of(&entry, hop.next.interface), Some(hop));
        }

        #[test]
        fn whatever_an_entry_says_it_is_read_or_refused(bytes: [u8; size_of::<dray_abi::Hop>()]) {
            let entry: dray_abi::Hop = zerocopy::transmute!(bytes);
            if let Some(hop) = hop_of(&entry, 1) {
                prop_assert_eq!(hop_of(&super::hop(&hop, 0), 1), Some(hop));
            }
        }
    }

    #[test]
    fn a_shared_network_is_counted_within_128_bits() {
        let shared = |real: &str, length| {
            let rewrite = Rewrite::Nat {
                real: real.parse().unwrap(),
                shared: Some(length),
            };
            let next = NextHop {
                interface: 1,
                vlan: None,
                source: Mac([0; 6]),
                destination: Mac([0; 6]),
                mtu: 1500,
            };
            let hop = Hop {
                next,
                mtu: 1500,
                mss: None,
                rewrite,
            };
            super::hop(&hop, 0).shared
        };
        assert_eq!(shared("10.0.0.1", 24), 120);
        assert_eq!(shared("10.0.0.1", 0), 96);
        assert_eq!(shared("fd00::1", 64), 64);
    }

    #[test]
    fn each_method_needs_its_part_of_the_program() {
        let method = |method: u16, mss| {
            features_of(&dray_abi::Hop {
                method: method as u8,
                mss,
                ..dray_abi::Hop::default()
            })
        };
        assert_eq!(method(Destination::DIRECT_ROUTING, 0), 0);
        assert_eq!(method(Destination::DIRECT_ROUTING, 1400), Features::MSS);
        assert_eq!(
            method(Destination::TUNNEL, 1400),
            Features::TUNNEL | Features::MSS
        );
        assert_eq!(method(Destination::NAT, 0), Features::TRANSLATION);
        assert_eq!(method(Destination::FULLNAT, 0), Features::TRANSLATION);
    }

    #[test]
    fn only_tunnels_that_vary_by_flow_need_its_hash() {
        let tunnel = |tunnel, spread| {
            features_of(&dray_abi::Hop {
                method: Destination::TUNNEL as u8,
                tunnel,
                spread,
                ..dray_abi::Hop::default()
            })
        };
        let varied = Features::TUNNEL | Features::FLOW;
        assert_eq!(tunnel(dray_abi::Hop::IPIP, 0), Features::TUNNEL);
        assert_eq!(tunnel(dray_abi::Hop::IPIP, 8), varied);
        assert_eq!(tunnel(dray_abi::Hop::GRE, 0), Features::TUNNEL);
        assert_eq!(tunnel(dray_abi::Hop::GUE, 0), varied);
    }
}
