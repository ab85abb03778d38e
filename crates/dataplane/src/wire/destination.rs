//! Destinations.

use dray_abi::{Destination, DestinationInfo};
use dray_model::{ActualDestination, Forward};

use super::{
    address_bytes, service_key,
    tunnel::{self, Fields},
};

/// What packets read of a destination, but for the number of its service.
pub(crate) fn destination(destination: &ActualDestination) -> Destination {
    let flag = |is: bool, flag: u16| if is { flag } else { 0 };
    Destination {
        hop: destination.hop.map_or(0, |hop| hop.0),
        flags: method_number(destination.forward) << Destination::METHOD_SHIFT
            | flag(destination.available, Destination::AVAILABLE)
            | flag(destination.weight == 0, Destination::QUIESCED)
            | flag(destination.local, Destination::LOCAL),
        port: destination.port.to_be_bytes(),
        weight: destination.weight,
        service: 0,
    }
}

/// Who the destination is.
pub(crate) fn info(destination: &ActualDestination) -> DestinationInfo {
    let Fields {
        tunnel,
        checksum,
        tunnel_port,
    } = match destination.forward {
        Forward::Tunnel(tunnel) => tunnel::fields(tunnel),
        _ => Fields::default(),
    };
    DestinationInfo {
        real: address_bytes(destination.real),
        service: service_key(&destination.service),
        used: 1,
        tunnel,
        checksum,
        tunnel_port,
        reserved: 0,
    }
}

/// The forwarding method of a destination; `None` if it is none of ours.
pub(crate) fn forward(destination: &Destination, info: &DestinationInfo) -> Option<Forward> {
    match destination.method() {
        Destination::NAT => Some(Forward::Nat),
        Destination::TUNNEL => {
            let fields = Fields {
                tunnel: info.tunnel,
                checksum: info.checksum,
                tunnel_port: info.tunnel_port,
            };
            tunnel::tunnel(fields).map(Forward::Tunnel)
        }
        Destination::DIRECT_ROUTING => Some(Forward::DirectRouting),
        Destination::FULLNAT => Some(Forward::FullNat),
        _ => None,
    }
}

const fn method_number(forward: Forward) -> u16 {
    match forward {
        Forward::Nat => Destination::NAT,
        Forward::Tunnel(_) => Destination::TUNNEL,
        Forward::DirectRouting => Destination::DIRECT_ROUTING,
        Forward::FullNat => Destination::FULLNAT,
    }
}

#[cfg(test)]
mod tests {
    use dray_model::{HopId, Protocol, ServiceAddress, Thresholds};
    use proptest::prelude::*;

    use super::*;
    use crate::wire::tunnel::tests::any_tunnel;

    fn any_forward() -> impl Strategy<Value = Forward> {
        prop_oneof![
            Just(Forward::DirectRouting),
            Just(Forward::Nat),
            Just(Forward::FullNat),
            any_tunnel().prop_map(Forward::Tunnel),
        ]
    }

    proptest! {
        #[test]
        fn a_method_survives_the_way_into_two_entries_and_back(
            forward in any_forward(),
            hop in proptest::option::of(1..1000_u32),
            port: u16,
            weight: u32,
            available: bool,
            local: bool,
        ) {
            let given = ActualDestination {
                service: ServiceAddress { protocol: Protocol::Tcp, vip: [10, 0, 0, 100].into(), port: 80 }.into(),
                real: [10, 0, 0, 1].into(),
                port,
                forward,
                hop: hop.map(HopId),
                weight,
                thresholds: Thresholds::default(),
                available,
                local,
            };
            let (entry, info) = (destination(&given), info(&given));
            prop_assert_eq!(super::forward(&entry, &info), Some(forward));
            prop_assert_eq!(entry.hop, hop.unwrap_or(0));
            prop_assert_eq!(entry.port, port.to_be_bytes());
            let has = |flag| entry.flags & flag != 0;
            prop_assert_eq!(has(Destination::AVAILABLE), available);
            prop_assert_eq!(has(Destination::LOCAL), local);
            prop_assert_eq!(has(Destination::QUIESCED), weight == 0);
        }
    }
}
